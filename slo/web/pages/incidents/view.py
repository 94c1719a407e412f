"""One incident as its page shows it: what to do next, when what happened, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from slo.domain.span import Span, rfc3339
from slo.postmortem.affected import meter_at
from slo.store import (
    alerts,
    contributors,
    incident_tally,
    incidents,
    outbox,
    postmortems,
    slos,
    standings,
    timeline,
)
from slo.store import annotations as kept_annotations
from slo.web import format as fmt
from slo.web.charts import panels
from slo.web.heading import cycle_line
from slo.web.links import slo_url, web_link
from slo.web.moment import moment
from slo.web.pages import breakdown
from slo.web.pages.alerts import rows as alert_rows
from slo.web.pages.alerts.told import STATES
from slo.web.pages.incidents import evidence, losses
from slo.web.pages.incidents import rows as incident_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.annotation import Annotation
    from slo.domain.incident import Event, Incident
    from slo.domain.notification import Notification
    from slo.domain.postmortem import Summary
    from slo.domain.standing import Standing

CHANGED_WITHIN = 7200
"""Seconds before an incident in which a change may be why."""
SIBLINGS = 5
_SIBLINGS_OVER = 90
_DAY = 86_400
_MARGIN = 3600
"""Seconds that charts show before and after."""
_JUST_NOW = 60
"""Fewer seconds ago than this is just now."""
_CHARTS = ("bad", "burn")
_MOST_CHARTED = 4
"""SLOs whose charts are drawn; a page of more is read by nobody."""
_AGAIN = frozenset({"dead", "suppressed", "cancelled"})


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now: to acknowledge it, to follow `link`, or neither."""

    text: str
    act: bool = False
    word: str = ""
    link: str = ""


def view(session: Session, settings: Settings, incident: Incident, now: float) -> dict[str, Any]:
    """All that the page of an incident shows."""
    fired = [t for t in alerts.of_incident(session, incident.id) if t.change == "fires"]
    shown = [standings.one(session, s.slo) for s in incident.slos]
    lost = losses.losses(incident, shown)
    events = timeline.of(session, incident.id)
    found = postmortems.of_incidents(session, [incident.id]).get(incident.id)
    row = incident_rows.row(incident, found, settings.postmortems.required_over, now)
    runbooks = {s.runbook for s in shown if s is not None and web_link(s.runbook)}
    return {
        "cycle": cycle_line(session, now),
        "incident": incident,
        "row": row,
        "next": _next(incident, events, found, now, required=row.required),
        "tiles": losses.tiles(incident, lost, now),
        "losses": [(loss, loss.gone(now)) for loss in lost],
        "began": moment(incident.started_at, now),
        "ended": moment(incident.resolved_at or now, now) if incident.status == "resolved" else "",
        "owners": sorted({s.owner for s in shown if s is not None and s.owner}),
        "runbooks": sorted(runbooks),
        "alerts": alert_rows.history_rows(session, fired, now),
        "events": [_event(event, now) for event in events],
        "proofs": evidence.proofs(incidents.evidence(session, incident.id), now),
        "shares": _shares(session, incident, now),
        "charts": _charts(session, incident, shown, now),
        "changes": [_change(a, incident.started_at, now) for a in _changes(session, incident)],
        "deliveries": [
            _delivery(session, n, now) for n in outbox.listed(session, incident=incident.id)
        ],
        "postmortem": found,
        "siblings": _siblings(session, settings, incident, now),
    }


def acknowledged_by(events: Sequence[Event]) -> str:
    """Who acknowledged an incident last."""
    return next((e.who for e in reversed(events) if e.kind == "acknowledged"), "Somebody")


def _next(
    incident: Incident,
    events: Sequence[Event],
    found: Summary | None,
    now: float,
    *,
    required: bool,
) -> NextStep:
    if incident.status == "open":
        return NextStep(_untaken(incident, now), act=True)
    if incident.status == "acknowledged":
        taken = _taken(incident, acknowledged_by(events), now)
        return NextStep(f"{taken} It resolves by itself once none of its alerts fires.")
    link = f"/postmortems/{incident.id}"
    if found is None:
        told = "A postmortem is required; its draft comes with the next cycle." if required else ""
        return NextStep(f"It is over. {told}".strip())
    if found.status == "published":
        return NextStep("It is over, and its postmortem is published.", link=link, word="Read it")
    if found.status == "review":
        return NextStep("Its postmortem waits for a reviewer.", link=link, word="Review it")
    needed = f"is required: {found.required_why}." if required else "is drafted."
    word = "Write it" if found.untouched else "Go on writing"
    return NextStep(f"It is over. Its postmortem {needed}", link=f"{link}/edit", word=word)


def _untaken(incident: Incident, now: float) -> str:
    """For how long nobody has acknowledged it."""
    age = fmt.span(now - incident.opened_at)
    again = "It is back" if incident.reopened else f"Open for {age}"
    if incident.assignee:
        return f"{again}, and {incident.assignee} has not acknowledged it."
    return f"{again}, and nobody has it."


def _taken(incident: Incident, by: str, now: float) -> str:
    """Who has it, and who acknowledged it how long ago."""
    seconds = now - (incident.acknowledged_at or now)
    ago = f"{fmt.span(seconds)} ago" if seconds >= _JUST_NOW else "just now"
    if incident.assignee and incident.assignee != by:
        return f"{incident.assignee} has it; {by} acknowledged it {ago}."
    return f"{by} has it, and acknowledged it {ago}."


def _event(event: Event, now: float) -> dict[str, Any]:
    late = event.recorded_at - event.at
    return {
        "at": moment(event.at, now),
        "kind": event.kind.replace("-", " "),
        "who": event.who,
        "text": event.text,
        "said": event.kind == "commented",
        # Bookings come a bucket and the lag later; more than that is worth a word.
        "late": fmt.span(late) if late > 10 * 60 else "",
    }


def _shares(session: Session, incident: Incident, now: float) -> list[tuple[str, Any]]:
    """By SLO, the label values with most bad events over the whole incident."""
    end = int(incident.resolved_at or now)
    found = []
    for s in incident.slos:
        meter = meter_at(slos.meters_of(session, s.slo), incident.opened_at)
        if meter is not None:
            worst = contributors.top(session, meter.id, incident.started_at, end)
            told = breakdown.shares(worst)
            if told:
                found.append((s.slo, told))
    return found


def _charts(
    session: Session, incident: Incident, shown: Sequence[Standing | None], now: float
) -> list[dict[str, Any]]:
    """By SLO, bad events and burn from an hour before it began to an hour after its end."""
    found = []
    for number, standing in enumerate([s for s in shown if s is not None][:_MOST_CHARTED]):
        end = min(
            (incident.resolved_at or standing.at) + _MARGIN, max(standing.at, incident.opened_at)
        )
        span = Span(incident.started_at - _MARGIN, end)
        drawn = panels.charts_over(
            session, standing, span, names=_CHARTS, now=now, prefix=f"of-{number}-"
        )
        if drawn:
            address = slo_url(standing.service, standing.name)
            times = urlencode({"from": rfc3339(span.start), "to": rfc3339(span.end)})
            found.append({"slo": standing.slo, "charts": drawn, "url": f"{address}?{times}"})
    return found


def _changes(session: Session, incident: Incident) -> list[Annotation]:
    """What changed shortly before, of any of its SLOs, the last change first."""
    start, end = incident.started_at - CHANGED_WITHIN, incident.opened_at + 1
    found = {
        a.id: a for s in incident.slos for a in kept_annotations.between(session, start, end, s.slo)
    }
    return sorted(found.values(), key=lambda a: (-a.at, a.id))


def _change(found: Annotation, started_at: int, now: float) -> dict[str, Any]:
    before = started_at - found.at
    side = "before" if before > 0 else "after"
    words = f"{fmt.span(abs(before))} {side} the burn began" if before else "as the burn began"
    return {
        "at": moment(found.at, now),
        "kind": found.kind,
        "title": found.title,
        "text": found.text,
        "url": web_link(found.url),
        "scope": found.scope,
        "who": found.who,
        "when": words,
        "labels": ", ".join(f"{name}={value}" for name, value in found.labels),
    }


def _delivery(session: Session, n: Notification, now: float) -> dict[str, Any]:
    tries = outbox.attempts_of(session, n.id) if n.attempts > 1 or n.state != "delivered" else []
    return {
        "id": n.id,
        "receiver": n.receiver,
        "kind": n.facts.kind,
        "badge": STATES[n.state],
        "made": moment(n.created_at, now),
        "ended": None if n.ended_at is None else moment(n.ended_at, now),
        "next": moment(n.next_at, now) if n.state == "pending" else None,
        "attempts": n.attempts,
        "error": n.error,
        "tries": [(moment(t.started, now), t.outcome, t.status, t.error or t.reply) for t in tries],
        "again": n.state in _AGAIN,
    }


def _siblings(
    session: Session, settings: Settings, incident: Incident, now: float
) -> dict[str, Any]:
    """The incidents that the same SLOs were in before, and how many there were of late."""
    ids = [s.slo for s in incident.slos]
    found = {
        other.id: other
        for slo_id in ids
        for other in incidents.many(
            session, slo=slo_id, until=incident.opened_at, limit=SIBLINGS, before=incident.id
        )
    }
    newest = sorted(found.values(), key=lambda i: (-i.opened_at, -i.id))[:SIBLINGS]
    written = postmortems.of_incidents(session, [i.id for i in newest])
    over = settings.postmortems.required_over
    since = incident.opened_at - _SIBLINGS_OVER * _DAY
    return {
        "rows": [incident_rows.row(i, written.get(i.id), over, now) for i in newest],
        "number": incident_tally.number_of(session, ids, since, incident.opened_at),
        "days": _SIBLINGS_OVER,
    }
