"""Alerts as JSON: one function makes `GET /api/v1/alerts` and `slo alerts --json`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slo.domain.policy import SEVERE
from slo.domain.span import maybe_rfc3339, rfc3339
from slo.status import finite
from slo.store import alerts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.alert import AlertState, Transition
    from slo.web.alert_filter import Filter

MOST = 1000
"""Transitions that one answer may hold."""


def alerts_json(session: Session, wanted: Filter, now: float) -> dict[str, Any]:
    """What fires, which rules are frozen though quiet, and the transitions, newest first.

    `next` continues the history as `before`; null: that is all.
    """
    states = {
        (slo_id, rule): state
        for slo_id, of_slo in alerts.states(session).items()
        for rule, state in of_slo.items()
        if wanted.fits(slo_id, state)
    }
    firing = {key: state for key, state in states.items() if state.firing}
    found = replace(wanted, limit=wanted.limit + 1).history(session)
    shown = found[: wanted.limit]
    ends = alerts.ends_of(session, [t.id for t in shown if t.change == "fires"])
    began = [t.began for t in shown if t.began is not None]
    fired = [state.alert for state in firing.values() if state.alert is not None]
    starts = alerts.by_id(session, [*began, *fired])
    return {
        "at": rfc3339(now),
        "firing": [
            _firing_json(slo_id, state, starts, now) for (slo_id, _), state in _sorted(firing)
        ],
        "frozen": [
            {"slo": slo_id, "rule": rule, "reason": state.frozen}
            for (slo_id, rule), state in sorted(states.items(), key=lambda item: item[0])
            if state.frozen and not state.firing
        ],
        "history": [_transition_json(t, starts, ends) for t in shown],
        "next": shown[-1].id if len(found) > len(shown) else None,
    }


def _sorted(
    firing: Mapping[tuple[str, str], AlertState],
) -> Sequence[tuple[tuple[str, str], AlertState]]:
    """Pages first, then the newest."""
    return sorted(
        firing.items(),
        key=lambda item: (-SEVERE[item[1].severity], -(item[1].since or 0), item[0]),
    )


def _firing_json(
    slo_id: str, state: AlertState, starts: Mapping[int, Transition], now: float
) -> dict[str, Any]:
    began = None if state.alert is None else starts.get(state.alert)
    muted = state.muted_until is not None and state.muted_until > now
    return {
        "id": state.alert,
        "slo": slo_id,
        "rule": state.rule,
        "kind": state.kind,
        "severity": state.severity,
        "since": maybe_rfc3339(state.since),
        "seconds": None if state.since is None else max(0, round(now - state.since)),
        "reason": state.reason,
        "frozen": state.frozen or None,
        "muted_until": maybe_rfc3339(state.muted_until) if muted else None,
        "late": began is not None and began.late,
        "numbers": {} if began is None else _numbers(began),
        "incident": None if began is None else began.incident,
    }


def _transition_json(
    t: Transition, starts: Mapping[int, Transition], ends: Mapping[int, Transition]
) -> dict[str, Any]:
    start = t if t.change == "fires" else starts.get(t.began or 0)
    end = ends.get(t.id) if t.change == "fires" else t
    return {
        "id": t.id,
        "at": rfc3339(t.at),
        "slo": t.slo,
        "rule": t.rule,
        "kind": t.kind,
        "severity": t.severity,
        "change": t.change,
        "decided_at": rfc3339(t.decided_at),
        "late": t.late,
        "reason": t.reason,
        "numbers": _numbers(t),
        "began": t.began,
        "seconds": None if start is None or end is None else end.at - start.at,
        "incident": t.incident,
    }


def _numbers(t: Transition) -> dict[str, float | None]:
    return {name: finite(value) for name, value in t.numbers}
