"""The gate of an SLO or a service: asked of the store, and held open by people.

Reads the standings of one service and the overrides that hold, nothing else, so that
pipelines may ask as often as they like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.gate import GateDecision, GateOverride, GateRules, SLOGate, decide, decide_slo
from slo.domain.refusal import RefusedError
from slo.domain.scope import EVERYTHING, ScopeError, parse_scope
from slo.domain.span import rfc3339
from slo.sent import LARGEST_ID, LONGEST_WHO, LONGEST_WHY, ensure_scope, ensure_text, ensure_until
from slo.store import gate_overrides, slos, standings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings

LONGEST_HELD_DAYS = 7


class UnknownGateError(LookupError):
    """There is no such service or SLO; the message names what is near."""


def ask(session: Session, settings: Settings, scope: str, now: float) -> GateDecision:
    """The gate of a service (`payments`) or an SLO (`payments/latency`) at `now`.

    Raises `UnknownGateError` for what is neither declared nor was ever judged.
    """
    service, _, name = scope.partition("/")
    own = [] if name in {"", EVERYTHING} else [scope]
    single = standings.one(session, scope, now=now) if own else None
    of_it = () if own else standings.of_service(session, service, now=now)
    known = (single,) if single else of_it
    found = {standing.slo: standing for standing in known}
    declared = {slo.id: slo for slo in settings.of_service(service)}
    ids = own or list(dict.fromkeys([*declared, *found]))
    if not ids or not all(one in declared or one in found for one in ids):
        raise UnknownGateError(_unknown(session, settings, scope))
    overrides = gate_overrides.holding(session, now, service)
    max_age = settings.gate.max_age.total_seconds()
    gates = []
    for one in sorted(ids):
        slo = declared.get(one)
        chosen = settings.gate.closes_on if slo is None or slo.gate is None else slo.gate
        gates.append(decide_slo(one, found.get(one), GateRules(chosen, max_age), now, overrides))
    return decide(gates)


def hold_open(
    session: Session,
    settings: Settings,
    *,
    scope: str,
    until: str,
    who: str,
    why: str,
    now: int,
) -> GateOverride:
    """Holds the gate of a service or an SLO open until a time, at most a week ahead.

    `until` is a duration or a time. Raises `RefusedError`.
    """
    chosen = ensure_scope(session, settings, scope)
    if chosen == EVERYTHING:
        raise RefusedError("scope", "* is every service; hold the gates open that must be, by name")
    wanted = GateOverride(
        0,
        chosen,
        ensure_until(until, now, LONGEST_HELD_DAYS),
        ensure_text("who", who, LONGEST_WHO),
        ensure_text("why", why, LONGEST_WHY),
        now,
    )
    return gate_overrides.add(session, wanted)


def release(session: Session, override_id: int, *, who: str, why: str, now: int) -> GateOverride:
    """Ends an override before its time; raises `RefusedError` where none holds."""
    who, why = ensure_text("who", who, LONGEST_WHO), ensure_text("why", why, LONGEST_WHY)
    ended = None
    if override_id < LARGEST_ID:
        ended = gate_overrides.end(session, override_id, now, who, why)
    if ended is None:
        raise RefusedError("id", f"there is no override {override_id} that holds a gate open")
    return ended


def decision_json(scope: str, decision: GateDecision, now: float) -> dict[str, Any]:
    """A gate as the JSON of API and CLI."""
    return {
        "at": rfc3339(now),
        "gate": scope,
        "state": decision.state,
        "reasons": list(decision.reasons),
        "overrides": [override_json(one) for one in decision.overrides],
        "slos": [_slo_json(gate) for gate in decision.slos],
    }


def override_json(found: GateOverride) -> dict[str, Any]:
    """An override as the JSON of API and CLI."""
    return {
        "id": found.id,
        "scope": found.scope,
        "until": rfc3339(found.until),
        "who": found.who,
        "why": found.why,
        "at": rfc3339(found.at),
        "ended_at": None if found.ended_at is None else rfc3339(found.ended_at),
    }


def _slo_json(gate: SLOGate) -> dict[str, Any]:
    standing = gate.standing
    firing = [a for a in standing.alerts if a.since is not None] if standing is not None else []
    return {
        "slo": gate.slo,
        "state": gate.state,
        "counts": gate.counts,
        "reasons": list(gate.reasons),
        "notes": list(gate.notes),
        "override": None if gate.override is None else gate.override.id,
        "budget_state": None if standing is None else standing.state,
        "budget_remaining": None if standing is None else standing.budget.remaining,
        "data": None if standing is None else standing.data,
        "alerts": [{"rule": a.rule, "severity": a.severity, "reason": a.reason} for a in firing],
        "incident": None if standing is None else standing.incident,
        "read_at": None if standing is None else rfc3339(standing.at),
    }


def _unknown(session: Session, settings: Settings, scope: str) -> str:
    known = [*(slo.id for slo in settings.slos), *(one.id for one in slos.all_slos(session))]
    try:
        parse_scope(scope, known)
    except ScopeError as error:
        return str(error)
    return f"{scope} was never judged and is no longer in slo.yaml"
