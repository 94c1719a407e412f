"""The page of alerts: what fires now, and everything that fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from slo.domain.span import utc
from slo.domain.spreadsheet import csv_text
from slo.sent import known_ids
from slo.store import alerts, silences
from slo.store.engine import reading
from slo.web.alert_filter import Filter
from slo.web.heading import cycle_line
from slo.web.pages.alerts import rows as alert_rows
from slo.web.pages.asked import PRESETS, Asked, asked
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection

blueprint = Blueprint("alert_pages", __name__)

PAGE_SIZE = 100
MOST_CSV = 10_000
_NAMES = ("service", "slo", "severity", "kind", "rule", "q")


@blueprint.get("/alerts")
@needs("read")
def show_alerts() -> str:
    """What fires now, then the history, as the address narrows it."""
    site = current_site()
    now = site.clock()
    wanted = _asked(now)
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        states = alerts.states(session)
        narrow = _filter(wanted, PAGE_SIZE + 1, wanted.before)
        fired = narrow.history(session)
        more = len(fired) > PAGE_SIZE
        fired = fired[:PAGE_SIZE]
        ids = known_ids(session, site.settings)
        return render_template(
            "alerts.html",
            cycle=cycle,
            firing=alert_rows.firing_rows(session, site.settings, states, narrow, now),
            in_all=alert_rows.number_firing(states),
            frozen=alert_rows.frozen_rows(states, narrow),
            history=alert_rows.history_rows(session, fired, now),
            more=wanted.query(fired[-1].id) if more else None,
            asked=wanted,
            presets=PRESETS,
            severities=alert_rows.SEVERITIES,
            kinds=alert_rows.KINDS,
            slos=sorted(ids),
            services=sorted({one.partition("/")[0] for one in ids}),
            rules=sorted({r.name for slo in site.settings.slos for r in slo.alert_policy.rules}),
            silences=len(silences.active(session, now)),
            most_csv=MOST_CSV,
        )


@blueprint.get("/alerts.csv")
@needs("read")
def download_alerts() -> Response:
    """The same history as a file for a spreadsheet, the newest first."""
    site = current_site()
    now = site.clock()
    wanted = _asked(now)
    with reading(site.engine) as session:
        fired = _filter(wanted, MOST_CSV, None).history(session)
        text = csv_text(alert_rows.CSV_HEAD, alert_rows.csv_rows(session, fired, now))
    response = Response(text, content_type="text/csv; charset=utf-8")
    name = f"alerts-{utc(now):%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _asked(now: float) -> Asked:
    choices: dict[str, Collection[str]] = {
        "severity": alert_rows.SEVERITIES,
        "kind": alert_rows.KINDS,
    }
    return asked(request.args, _NAMES, now, choices=choices)


def _filter(wanted: Asked, limit: int, before: int | None) -> Filter:
    return Filter(
        slo=wanted.get("slo"),
        service=wanted.get("service"),
        severity=wanted.get("severity"),
        kind=wanted.get("kind"),
        rule=wanted.get("rule"),
        text=wanted.get("q"),
        change="fires",
        since=wanted.time.since,
        until=wanted.time.until,
        limit=limit,
        before=before,
    )
