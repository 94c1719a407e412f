"""Telling: the notice of an incident, into the outbox and onto the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.digits import significant
from slo.domain.notification import Contributor, Facts, Notice
from slo.domain.objective import format_percent
from slo.domain.policy import SEVERE
from slo.incidents.evidence import declared
from slo.incidents.report import length
from slo.notify.outbox import enqueue
from slo.store import alerts, contributors, slos, standings, timeline
from slo.store.outbox import installation_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import AlertState
    from slo.domain.incident import Incident
    from slo.domain.notification import NoticeKind

_CONTRIBUTORS = 5
_WORDS: dict[NoticeKind, str] = {
    "opened": "that it opened",
    "raised": "that it was raised",
    "reopened": "that it reopened",
    "acknowledged": "that somebody took it",
    "resolved": "that it is over",
    "flapping": "that it is flapping",
}


def tell(
    session: Session,
    settings: Settings,
    incident: Incident,
    kind: NoticeKind,
    transition: str,
    summary: str,
    now: int,
    at: int | None = None,
) -> tuple[str, ...]:
    """Enqueues a notice of an incident and writes who is told; gives the receivers.

    `transition` tells this notice from the others of the incident; `at` (by default
    now) is when it happened what is told.
    """
    slo_id = _spokesman(session, incident)
    facts = _facts(session, settings, incident, slo_id, kind, summary, now if at is None else at)
    notice = Notice(f"incident/{incident.id}", transition, facts)
    receivers = enqueue(session, settings, notice, now)
    told = _WORDS.get(kind, kind)
    if receivers:
        text = f"Telling {', '.join(receivers)} {told}."
    elif kind in {"acknowledged", "resolved"}:
        return receivers  # Nobody was told before, so there is nothing to end.
    else:
        text = f"Nobody is told {told}: no route of slo.yaml fits a {incident.severity} of it."
    detail = {"transition": transition, "receivers": list(receivers), "kind": kind}
    timeline.add(session, incident.id, "notified", text, at=now, now=now, detail=detail)
    return receivers


def reason_of(states: Mapping[str, Mapping[str, AlertState]], incident: Incident) -> str:
    """Why the worst of an incident's alerts fires, in words."""
    found = [
        (SEVERE[state.severity], state.since or 0, state.reason)
        for s in incident.slos
        if s.open
        for state in states.get(s.slo, {}).values()
    ]
    return max(found)[2] if found else incident.title


def summary_of_end(incident: Incident, by: str, why: str) -> str:
    """What the end of an incident tells: how long, what was lost, and who says so."""
    lasted = length((incident.resolved_at or incident.opened_at) - incident.started_at)
    bad = sum(s.bad for s in incident.slos)
    shares = [s.budget_share for s in incident.slos if s.budget_share is not None]
    spent = f", {significant(max(shares) * 100, 3)}% of the error budget" if shares else ""
    reason = f" {by}: {why}" if why else ""
    return f"Over after {lasted}; {bad:,.0f} bad events{spent}.{reason}"


def _spokesman(session: Session, incident: Incident) -> str:
    """The SLO whose numbers are told: that of the worst alert that fires, else the first."""
    ids = [s.slo for s in incident.slos]
    states = alerts.firing(session, [s.slo for s in incident.slos if s.open])
    worst = {
        slo_id: max(SEVERE[state.severity] for state in of_slo.values())
        for slo_id, of_slo in states.items()
        if of_slo
    }
    return max(ids, key=lambda slo_id: (worst.get(slo_id, 0), -ids.index(slo_id)))


def _facts(
    session: Session,
    settings: Settings,
    incident: Incident,
    slo_id: str,
    kind: NoticeKind,
    summary: str,
    at: int,
) -> Facts:
    standing = standings.one(session, slo_id)
    slo = declared(settings, slo_id)
    meter = slos.meter_of(session, slo_id)
    said = slo or standing
    more = len(incident.slos) - 1
    others = f" (and {more} more SLO{'s' if more > 1 else ''})" if more else ""
    end = incident.resolved_at or at
    worst = [] if meter is None else contributors.top(session, meter.id, incident.started_at, end)
    return Facts(
        kind=kind,
        severity=incident.severity,
        dedup_key=f"{installation_id(session)}/incident/{incident.id}",
        title=incident.title + others,
        summary=summary,
        at=at,
        service=incident.service,
        installation=settings.name,
        incident=incident.id,
        slos=tuple(s.slo for s in incident.slos),
        owner="" if said is None else said.owner,
        runbook="" if said is None else said.runbook,
        labels=() if said is None else said.labels,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        contributors=tuple(Contributor(c.labels, c.bad, c.total) for c in worst if c.bad > 0)[
            :_CONTRIBUTORS
        ],
        url=f"{settings.url}/incidents/{incident.id}" if settings.url else "",
        reopened=incident.reopened,
        objective="" if standing is None else format_percent(standing.objective),
        window="" if standing is None else standing.window_label,
        budget_remaining=None if standing is None else standing.budget.remaining,
        burn_rates=() if standing is None else standing.burn_rates,
        exhausted_at=None if standing is None else standing.exhausted_at,
    )
