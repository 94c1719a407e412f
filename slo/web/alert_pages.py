"""The page of alerts: what fires now, and everything that fired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from slo.store import alerts
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web.pages import cycle_line
from slo.web.permission import needs
from slo.web.site import current_site
from slo.web.urgency import Badge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slo.domain.alert import Transition

blueprint = Blueprint("alert_pages", __name__)

PAGE_SIZE = 200
_DAY = 86_400
SINCE: dict[str, tuple[str, int | None]] = {
    "1d": ("last day", _DAY),
    "7d": ("last 7 days", 7 * _DAY),
    "30d": ("last 30 days", 30 * _DAY),
    "all": ("any time", None),
}
SEVERITIES: dict[str, Badge] = {
    "page": Badge("red", "\u25b2", "page", "Somebody was to be woken."),
    "ticket": Badge("amber", "\u25b3", "ticket", "It can wait for the day."),
}


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert from firing to its end; all texts."""

    at: str
    slo: tuple[str, str]
    badge: Badge
    rule: str
    lasted: str
    fires: bool
    marks: tuple[str, ...]
    reason: str
    ended: str
    incident: int | None


@blueprint.get("/alerts")
@needs("read")
def show_alerts() -> str:
    """What fires now, then the history, filtered by service, SLO, severity and time."""
    site = current_site()
    now = site.clock()
    chosen = {name: request.args.get(name, "").strip() for name in ("slo", "service", "severity")}
    since = request.args.get("since", "7d")
    since = since if since in SINCE else "7d"
    span = SINCE[since][1]
    before = request.args.get("before", type=int)
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        states = alerts.states(session)
        found = alerts.history(
            session,
            slo=chosen["slo"] or None,
            service=chosen["service"] or None,
            severity=chosen["severity"] if chosen["severity"] in SEVERITIES else None,
            since=None if span is None else int(now) - span,
            limit=PAGE_SIZE,
            before=before,
        )
        fired = [t for t in found if t.change == "fires"]
        ends = alerts.ends_of(session, [t.id for t in fired])
        current = alerts.by_id(
            session,
            [s.alert for of_slo in states.values() for s in of_slo.values() if s.alert is not None],
        )
    frozen = {
        (slo_id, rule): state.frozen
        for slo_id, of_slo in states.items()
        for rule, state in of_slo.items()
        if state.frozen
    }
    firing = sorted(current.values(), key=lambda t: (t.severity != "page", -t.at))
    return render_template(
        "alerts.html",
        cycle=cycle,
        firing=rows(firing, {}, frozen, now),
        frozen=len({slo_id for slo_id, _ in frozen}),
        history=rows(fired, ends, frozen, now),
        more=found[-1].id if len(found) == PAGE_SIZE else None,
        chosen=chosen | {"since": since},
        since=SINCE,
        severities=SEVERITIES,
    )


def rows(
    fired: Iterable[Transition],
    ends: Mapping[int, Transition],
    frozen: Mapping[tuple[str, str], str],
    now: float,
) -> list[AlertRow]:
    """Alerts as rows, by the transitions with which they fired and those that ended them."""
    return [_row(t, ends.get(t.id), frozen.get((t.slo, t.rule), ""), now) for t in fired]


def _row(t: Transition, end: Transition | None, frozen: str, now: float) -> AlertRow:
    service, _, name = t.slo.partition("/")
    marks = []
    if t.late:
        marks.append("late: found while catching up")
    if end is None and frozen:
        marks.append(f"frozen: {frozen}")
    return AlertRow(
        at=fmt.stamp(t.at),
        slo=(service, name),
        badge=SEVERITIES[t.severity],
        rule=t.rule,
        lasted=fmt.span((now if end is None else end.at) - t.at),
        fires=end is None,
        marks=tuple(marks),
        reason=t.reason,
        ended="" if end is None else end.reason,
        incident=t.incident,
    )
