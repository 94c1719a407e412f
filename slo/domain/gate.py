"""Gates: may a change go out now? A decision over standings, with its reasons in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from slo.domain.digits import significant
from slo.domain.duration import format_duration
from slo.domain.scope import in_scope
from slo.domain.span import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.standing import Standing, StandingAlert

GateReason = Literal["exhausted", "restricted", "caution", "page", "ticket", "incident"]
GateState = Literal["open", "closed", "unknown"]

_LEVELS = {"caution": 1, "restricted": 2, "exhausted": 3}
_WORDS = {
    "exhausted": "the error budget is spent",
    "restricted": "little of the error budget is left",
    "caution": "the error budget runs low",
}


@dataclass(frozen=True, slots=True)
class GateRules:
    """What closes the gate of an SLO, and how old a standing may be, in seconds.

    Nothing in `closes_on`: the SLO is left out of gates.
    """

    closes_on: tuple[GateReason, ...]
    max_age: float


@dataclass(frozen=True, slots=True)
class GateOverride:
    """A gate that somebody holds open until an instant; epoch seconds."""

    id: int
    scope: str
    until: int
    who: str
    why: str
    at: int
    ended_at: int | None = None

    def holds_at(self, now: float) -> bool:
        """Whether it holds any gate open at `now`."""
        end = self.until if self.ended_at is None else min(self.until, self.ended_at)
        return self.at <= now < end

    def holds(self, slo: str, now: float) -> bool:
        """Whether it holds the gate of the SLO with this id open at `now`."""
        return self.holds_at(now) and in_scope(self.scope, slo)


@dataclass(frozen=True, slots=True)
class SLOGate:
    """The gate of one SLO: `reasons` say what closes it, `notes` what else is to know."""

    slo: str
    state: GateState
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    standing: Standing | None = None
    override: GateOverride | None = None
    """What holds it open; its reasons stay."""
    counts: bool = True
    """Whether it has a say in the gate of its service."""


@dataclass(frozen=True, slots=True)
class GateDecision:
    """A gate over SLOs: closed if any is closed, unknown if any is unknown and none closed."""

    state: GateState
    reasons: tuple[str, ...]
    slos: tuple[SLOGate, ...]
    overrides: tuple[GateOverride, ...] = ()


def decide(gates: Iterable[SLOGate]) -> GateDecision:
    """The gate over several SLOs; over none that counts it is unknown."""
    found = tuple(gates)
    counting = [gate for gate in found if gate.counts]
    states = {gate.state for gate in counting}
    state: GateState = "open"
    if "closed" in states:
        state = "closed"
    elif "unknown" in states:
        state = "unknown"
    reasons = tuple(
        f"{gate.slo}: {reason}"
        for gate in sorted(counting, key=lambda gate: gate.state != "closed")
        if gate.state != "open"
        for reason in gate.reasons
    )
    if not counting:
        state, reasons = "unknown", ("none of the SLOs has a say in gates",)
    held = {gate.override.id: gate.override for gate in counting if gate.override is not None}
    return GateDecision(state, reasons, found, tuple(held.values()))


def decide_slo(
    slo: str,
    standing: Standing | None,
    rules: GateRules,
    now: float,
    overrides: Sequence[GateOverride] = (),
) -> SLOGate:
    """The gate of one SLO at `now`, of which there may be no standing yet."""
    if standing is not None and standing.paused:
        note = "it is no longer in slo.yaml"
        return SLOGate(slo, "open", notes=(note,), standing=standing, counts=False)
    if not rules.closes_on:
        note = "nothing closes its gate (closes_on is empty)"
        return SLOGate(slo, "open", notes=(note,), standing=standing, counts=False)
    doubts = _doubts(standing, rules, now)
    closing = () if standing is None or _is_old(standing, rules, now) else _closing(standing, rules)
    state: GateState = "closed" if closing else "unknown" if doubts else "open"
    reasons, notes = closing or doubts, doubts if closing else ()
    if standing is not None and standing.state == "new":
        notes += ("under a day of history; too early to judge its budget",)
    holding = [override for override in overrides if override.holds(slo, now)]
    if not holding:
        return SLOGate(slo, state, reasons, notes, standing)
    last = max(holding, key=lambda override: (override.until, override.id))
    return SLOGate(slo, "open", reasons, notes, standing, last)


def _closing(standing: Standing, rules: GateRules) -> tuple[str, ...]:
    """Why the gate is closed, in words; empty: nothing closes it."""
    reasons = []
    bounds = [_LEVELS[reason] for reason in rules.closes_on if reason in _LEVELS]
    level = _LEVELS.get(standing.state, 0)
    if bounds and level >= min(bounds):
        remaining = standing.budget.remaining
        left = "" if remaining is None else f": {significant(remaining * 100, 4)}% is left"
        reasons.append(f"{_WORDS[standing.state]}{left}")
    reasons += [_told(alert) for alert in standing.alerts if _closes(alert, rules)]
    if "incident" in rules.closes_on and standing.incident is not None:
        reasons.append(f"incident {standing.incident} is open")
    return tuple(reasons)


def _closes(alert: StandingAlert, rules: GateRules) -> bool:
    if alert.since is None:
        return False
    # Who stops at a ticket stops at a page.
    return alert.severity in rules.closes_on or (
        alert.severity == "page" and "ticket" in rules.closes_on
    )


def _told(alert: StandingAlert) -> str:
    return f"a {alert.severity} fires since {rfc3339(alert.since or 0)}: {alert.reason}"


def _doubts(standing: Standing | None, rules: GateRules, now: float) -> tuple[str, ...]:
    """Why nothing is known, in words; empty: what is known is new enough."""
    if standing is None:
        return ("no cycle has judged it yet",)
    if _is_old(standing, rules, now):
        limit = format_duration(timedelta(seconds=rules.max_age))
        last = f"its last reading is of {rfc3339(standing.at)}, over {limit} ago"
        return (f"{last}: is slo serve running, and does Prometheus answer?",)
    # A new SLO may have no data yet because what it watches was never deployed.
    if standing.data == "none" and standing.state != "new":
        since = standing.last_data
        return ("no data" + ("" if since is None else f" since {rfc3339(since)}"),)
    return ()


def _is_old(standing: Standing, rules: GateRules, now: float) -> bool:
    return now - standing.at > rules.max_age
