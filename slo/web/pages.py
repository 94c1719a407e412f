"""The pages: the overview and one SLO's page."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Blueprint, current_app, render_template, request

from slo.domain.span import Span, rfc3339
from slo.store import (
    contributors,
    corrections,
    cycles,
    exclusions,
    readings,
    receivers,
    slos,
    standings,
)
from slo.store.engine import reading
from slo.web import breakdown, detail, faults, overview, panels, series, urgency
from slo.web import format as fmt
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from slo.domain.meter import Meter
    from slo.domain.standing import Standing

blueprint = Blueprint("pages", __name__)

_HOUR = 3600
_CONTRIBUTORS = 20


@blueprint.get("/")
@needs("read")
def show_overview() -> str:
    """All SLOs: what needs attention, then the table."""
    site = current_site()
    now = site.clock()
    query = overview.Query(
        text=request.args.get("q", "").strip(),
        state=_known(request.args.get("state", ""), urgency.BADGES),
        owner=request.args.get("owner", ""),
        sort=_known(request.args.get("sort", ""), overview.SORTS) or "attention",
    )
    with reading(site.engine) as session:
        known = standings.all(session)
        cycle = cycle_line(session, now, known)
    found = overview.matching(known, query)
    macros: Any = current_app.jinja_env.get_template("macros.html").module
    return render_template(
        "overview.html",
        cycle=cycle,
        query=query,
        total=len(known),
        found=len(found),
        summary=overview.summary(known) if known else "",
        cards=overview.cards(known, now),
        most_cards=overview.MOST_CARDS,
        groups=overview.groups(found, lambda s: site.rows.render(s, now, macros.slo_row)),
        badges=urgency.BADGES,
        sorts=overview.SORTS,
        owners=overview.owners(known),
        interval=fmt.span(site.interval),
    )


@blueprint.get("/slo/<service>/<name>")
@needs("read")
def show_slo(service: str, name: str) -> tuple[str, int] | str:
    """One SLO: its numbers, charts, contributors, notes and definition."""
    site = current_site()
    now = site.clock()
    key = request.args.get("range", detail.WINDOW)
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        standing = standings.one(session, f"{service}/{name}")
        if standing is None:
            near = nearby(f"{service}/{name}", (s.slo for s in standings.all(session)))
            return render_template(
                "error.html",
                cycle=cycle,
                title="No such SLO",
                text=f"There is no SLO {service}/{name}.",
                near=[slo_id.partition("/") for slo_id in near],
            ), 404
        view = _view(session, standing, key, now)
    return render_template("slo.html", cycle=cycle, **view)


def _view(session: Session, standing: Standing, key: str, now: float) -> dict[str, object]:
    """All that the page of a standing shows."""
    meter = slos.meter_of(session, standing.slo)
    away = [e for e in exclusions.of(session) if e.covers(standing.slo)]
    late = corrections.of(session, [standing.slo]).get(standing.slo, [])
    drawn, worst, hour_text = [], [], ""
    spans = [] if meter is None else panels.outward(away, meter.bucket)
    if meter is not None:
        plan = panels.plan(standing, meter, key, away)
        at = readings.readings_at(session, [(meter.id, t) for t in plan.times])
        track = series.track(
            plan.times,
            {t: found for (_, t), found in at.items()},
            late,
            spans,
        )
        drawn = panels.render_charts(standing, plan, track, away)
        shown = Span(plan.shown.start // _HOUR * _HOUR, plan.shown.end)
        hour = contributors.worst_hour(session, meter.id, shown.start, shown.end)
        if hour is not None:
            worst = contributors.top(session, meter.id, hour, hour + _HOUR, _CONTRIBUTORS)
            hour_text = f"{fmt.day(hour)}, {fmt.clock(hour)} to {fmt.clock(hour + _HOUR)} UTC"
    return {
        "standing": standing,
        "badges": urgency.badges(standing),
        "promise": detail.promise(standing),
        "runbook": overview.web_link(standing.runbook),
        "tabs": detail.tabs(standing, key),
        "tiles": detail.tiles(standing, now, _begun(standing, meter), spans),
        "charts": drawn,
        "burns": detail.burn_table(standing),
        "hour": hour_text,
        "shares": breakdown.shares(worst),
        "contributions": [
            (breakdown.label_text(c), fmt.count(c.bad), fmt.count(c.total)) for c in worst if c.bad
        ],
        "exclusions": [e for e in away if e.span.overlap(standing.window)],
        "corrections": detail.corrected(late, standing.window),
        "definition": detail.definition(standing, meter),
    }


def _begun(standing: Standing, meter: Meter | None) -> int | None:
    """Where the ledger began for the standing: a backfill may have moved it on since."""
    reached = (note.last for note in standing.notes if note.kind == "backfill")
    return next(reached, None if meter is None else meter.booked_from)


def cycle_line(
    session: Session, now: float, known: Iterable[Standing] | None = None
) -> dict[str, str]:
    """The line at the top right: how long ago the last cycle was, and how the sources are.

    `known` are all standings; without them they are read only after a cycle with errors.
    """
    clock = f"{fmt.clock(now)} UTC"
    last = cycles.last(session)
    if last is None or last.finished is None:
        failing = _failing(session)
        return {
            "text": "no cycle yet",
            "sources": "",
            "clock": clock,
            "at": "",
            "receivers": failing,
        }
    if known is None:
        known = standings.all(session, sparklines=False) if last.errors else ()
    fault, whole = faults.line(known)
    return {
        "text": f"cycle {fmt.span(now - last.finished)} ago",
        "sources": fault or _sources(last.errors),
        "warning": whole or ("The service's log says which." if last.errors else ""),
        "clock": clock,
        "at": rfc3339(last.finished),
        "receivers": _failing(session),
    }


def _failing(session: Session) -> str:
    """The receivers that do not get through; empty: all do."""
    names = [name for name, health in receivers.healths(session).items() if health.state != "ok"]
    if not names:
        return ""
    return f"{', '.join(sorted(names))} not reached"


def _sources(errors: int) -> str:
    if errors == 0:
        return "Prometheus ok"
    return f"{errors:,} error{'' if errors == 1 else 's'} in the last cycle"


def slo_url(service: str, name: str) -> str:
    """The page of an SLO; made by hand, since a thousand calls of `url_for` cost 20 ms."""
    return f"/slo/{quote(service, safe='')}/{quote(name, safe='')}"


def nearby(wanted: str, known: Iterable[str]) -> list[str]:
    """The ids most like `wanted`, at most five; those of its service where none is alike."""
    ids = list(known)
    alike = difflib.get_close_matches(wanted, ids, n=5, cutoff=0.6)
    return alike or [i for i in ids if i.partition("/")[0] == wanted.partition("/")[0]][:5]


def _known(value: str, allowed: Iterable[str]) -> str:
    return value if value in allowed else ""
