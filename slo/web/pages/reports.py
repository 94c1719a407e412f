"""The pages of reports: the periods that have a ledger, one of them, and its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request

from slo.domain.period import PeriodError, parse_period
from slo.reports import words
from slo.reports.formats import FILES, file_name
from slo.reports.gathering import report_of
from slo.reports.periods import ensure_begun, months_of, periods_of
from slo.reports.view import view_of
from slo.store import slos
from slo.store.engine import reading
from slo.web.badge import Badge
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.period import Period
    from slo.domain.report import Report
    from slo.reports.periods import Month

blueprint = Blueprint("report_pages", __name__)

_LONGEST = 200
_NAMED = 3
_FILTER = ("service", "owner", "zone")
_MET = Badge("healthy", "\u2713", "all met", "Every objective was met.")
_WITHIN = Badge("healthy", "\u2713", "within budget", "Every SLO is within its error budget.")
_MISSED = Badge("exhausted", "\u2715", "missed", "An objective was missed.")
_OVER = Badge("exhausted", "\u2715", "over budget", "An SLO has spent its error budget.")
_NOTHING = Badge("none", "\u2013", "nothing to judge", "No SLO had events.")


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of the list, in texts."""

    period: Period
    running: bool
    badge: Badge
    kept: str
    share: float | None
    missed: str
    incidents: int


@dataclass(frozen=True, slots=True)
class PeriodLink:
    """The report of another period, with the same filter."""

    title: str
    url: str


@blueprint.errorhandler(PeriodError)
def show_unknown(error: PeriodError) -> tuple[str, int]:
    """What is asked for is no period, or one that has not begun."""
    page = render_template(
        "error.html",
        title="No such report",
        text=f"{error}.",
        near=[("/reports", "one of all periods")],
        cycle=None,
    )
    return page, 404


@blueprint.get("/reports")
@needs("read")
def show_reports() -> str:
    """The periods that have a ledger; the last months with what became of them."""
    site = current_site()
    now = int(site.clock())
    with reading(site.engine) as session:
        months = months_of(session, now)
        return render_template(
            "reports.html",
            cycle=None,
            months=[_month_row(month) for month in months],
            others=[
                ("Quarters", periods_of(session, "quarter", now, 8)),
                ("Years", periods_of(session, "year", now, 10)),
                ("Weeks", periods_of(session, "week", now, 12)),
                ("Older months", periods_of(session, "month", now, 120)[len(months) :]),
            ],
        )


@blueprint.get("/reports/<name>")
@needs("read")
def show_report(name: str) -> str:
    """The report of one period, to be read or printed."""
    site = current_site()
    now = int(site.clock())
    asked = {key: request.args.get(key, "").strip()[:_LONGEST] for key in _FILTER}
    with reading(site.engine) as session:
        report = _report(session, name, asked, now)
        known = [one.id for one in slos.all_slos(session)]
        owners = {r.owner for found in slos.revisions_of(session, known).values() for r in found}
    query = _query(asked)
    return render_template(
        "report.html",
        cycle=None,
        view=view_of(report),
        period=report.period.name,
        before=_link(report.period.before, query),
        after=_link(report.period.after, query) if report.period.span.end < now else None,
        services=sorted({one.partition("/")[0] for one in known}),
        owners=sorted(owners - {""}),
        asked=asked,
        query=query,
    )


@blueprint.get("/reports/<name>.<any(md, csv, json, html):kind>")
@needs("read")
def download_report(name: str, kind: str) -> Response:
    """The same report as a file."""
    site = current_site()
    now = int(site.clock())
    asked = {key: request.args.get(key, "").strip()[:_LONGEST] for key in _FILTER}
    with reading(site.engine) as session:
        report = _report(session, name, asked, now)
    media, render = FILES[kind]
    response = Response(render(report, site.settings.url), content_type=media)
    told = f'attachment; filename="{file_name(report, kind)}"'
    response.headers["Content-Disposition"] = told
    return response


def _report(session: Session, name: str, asked: dict[str, str], now: int) -> Report:
    period = ensure_begun(parse_period(name, asked["zone"] or "UTC"), now)
    return report_of(session, period, now, service=asked["service"], owner=asked["owner"])


def _query(asked: dict[str, str]) -> str:
    said = {key: value for key, value in asked.items() if value}
    return f"?{urlencode(said)}" if said else ""


def _link(period: Period, query: str) -> PeriodLink:
    return PeriodLink(period.title, f"/reports/{period.name}{query}")


def _kept(month: Month) -> str:
    """How many objectives were met; nothing is met before a month is over."""
    told = words.of_all(month.count)
    if not month.count.judged:
        return told
    return f"{told} {words.kept(running=month.running)}"


def _month_row(month: Month) -> MonthRow:
    count, more = month.count, len(month.missed) - _NAMED
    badge = _WITHIN if month.running else _MET
    if count.missed:
        badge = _OVER if month.running else _MISSED
    missed = ", ".join(month.missed[:_NAMED])
    return MonthRow(
        month.period,
        month.running,
        badge if count.judged else _NOTHING,
        _kept(month),
        count.met / count.judged if count.judged else None,
        f"{missed} and {more:,} more" if more > 0 else missed,
        month.incidents,
    )
