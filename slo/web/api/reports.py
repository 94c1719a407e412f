"""The JSON API of reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.domain.period import PeriodError, ensure_zone, parse_period
from slo.reports.gathering import report_of
from slo.reports.periods import ensure_begun, periods_of
from slo.reports.record import period_json, report_json
from slo.store.engine import reading
from slo.web.api.cursor import cut
from slo.web.api.models.reports import Periods, Report, ReportListQuery, ReportQuery
from slo.web.api.operation import PREFIX, operation
from slo.web.problem import ProblemError, refusal
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.domain.period import Period

blueprint = Blueprint("api_reports", __name__, url_prefix=PREFIX)

_MOST = 10_000
"""Periods: two centuries of weeks."""


@operation(blueprint, "GET", "/reports", permission="read", query=ReportListQuery, answer=Periods)
def list_reports(query: ReportListQuery) -> dict[str, Any]:
    """Lists the periods that have a ledger, the newest first."""
    _ensure_zone(query.zone)
    site = current_site()
    with reading(site.engine) as session:
        found = periods_of(session, query.unit, int(site.clock()), _MOST, query.zone)
    shown, more = cut(found, query, (int,), lambda period: (period.span.start,), falling=True)
    return {"periods": [period_json(period) for period in shown], "next": more}


@operation(
    blueprint,
    "GET",
    "/reports/<period>",
    permission="read",
    query=ReportQuery,
    answer=Report,
    also={404: "It is the name of no period, or of one that has not begun."},
)
def show_report(period: str, query: ReportQuery) -> dict[str, Any]:
    """Gives the report of a week, month, quarter or year.

    `2026-10`, `2026-Q4`, `2026` and `2026-W47` name periods. Of one that is not over it
    tells what is so far.
    """
    _ensure_zone(query.zone)
    site = current_site()
    now = int(site.clock())
    named = _named(period, query.zone, now)
    with reading(site.engine) as session:
        found = report_of(session, named, now, service=query.service or "", owner=query.owner or "")
    return report_json(found)


def _ensure_zone(zone: str) -> None:
    try:
        ensure_zone(zone)
    except PeriodError as error:
        raise refusal("query", "zone", str(error)) from None


def _named(name: str, zone: str, now: int) -> Period:
    try:
        return ensure_begun(parse_period(name, zone), now)
    except PeriodError as error:
        raise ProblemError(404, str(error)) from None
