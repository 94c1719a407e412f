"""The rules of incidents: where a firing alert goes, when a burn began and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from slo.domain.digits import significant
from slo.domain.duration import format_duration
from slo.domain.incident import REOPENED_WITHIN, SHARED_WITHIN
from slo.domain.objective import format_percent
from slo.domain.policy import SEVERE, BudgetRule, BurnRule, FloorRule, windows_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.alert import Transition
    from slo.domain.policy import Rule, Severity

STEP = 300
"""Seconds of one step in which the beginning and the end of a burn are sought."""

MOST_POINTS = 100
"""Readings that are kept as evidence."""

BURNS_FROM = 1.0
"""The burn rate from which on a step burns: it spends more than its share of the budget."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident that a firing alert might go to. Instants are epoch seconds."""

    id: int
    fresh_at: int
    """When it opened or last reopened."""
    resolved_at: int | None = None
    """None: it is open."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a firing alert goes: into an open incident, a reopened one, or a new one."""

    action: Literal["join", "reopen", "open"]
    incident: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The burn rate of `(end - STEP, end]`; None without events."""

    end: int
    burn: float | None


def place(
    at: int, own: Candidate | None, newest: Candidate | None, of_service: Iterable[Candidate]
) -> Place:
    """Where an alert goes that fires `at`.

    `own` is the open incident of its SLO, `newest` the last one that its SLO was in,
    `of_service` the open ones of its service.
    """
    if own is not None:
        return Place("join", own.id)
    if newest is not None and newest.resolved_at is None:
        return Place("join", newest.id)  # It was reopened by another of its SLOs.
    near = [c for c in of_service if abs(at - c.fresh_at) <= SHARED_WITHIN]
    if near:
        return Place("join", max(near, key=lambda c: (c.fresh_at, c.id)).id)
    if newest is not None and at - (newest.resolved_at or at) <= REOPENED_WITHIN:
        return Place("reopen", newest.id)
    return Place("open")


def higher(one: Severity, other: Severity | None) -> bool:
    """Whether `one` is more severe than `other`; None is less than all."""
    return SEVERE[one] > (SEVERE[other] if other is not None else 0)


def first_burning(steps: Sequence[Step], within: int) -> Step | None:
    """The first step of the burn that the last of these steps is in, or came just after.

    `steps` lie side by side, oldest first. The burn's last step ends at most `within`
    seconds before the last one. Steps without events neither burn nor end a burn.
    """
    first = None
    for step in reversed(steps):
        if step.burn is None:
            continue
        if step.burn >= BURNS_FROM:
            first = step
        elif first is not None or steps[-1].end - step.end >= within:
            break
    return first


def last_burning(steps: Sequence[Step]) -> Step | None:
    """The last step that burns; None: none does."""
    burning = (s for s in reversed(steps) if s.burn is not None and s.burn >= BURNS_FROM)
    return next(burning, None)


def evidence_step(seconds: int) -> int:
    """How far apart the readings of a span lie that are kept: a multiple of `STEP`."""
    return -(-seconds // (MOST_POINTS * STEP)) * STEP


def title_of(transition: Transition) -> str:
    """What an incident is called that opens with this alert."""
    slo = transition.slo
    match transition.kind:
        case "burn":
            rate = dict(transition.numbers).get("long_burn")
            fast = "" if rate is None else f" {significant(rate, 3)}x too fast"
            return f"{slo} burns its error budget{fast}"
        case "floor":
            return f"{slo} lies below its floor"
        case "dead":
            return f"{slo}: every target is down"
        case "gone":
            return f"{slo}: its series are gone with their targets"
        case _:
            return f"{slo}: {transition.rule}"


def rule_text(rule: Rule) -> str:
    """A rule of the alert policy in words."""
    verb = f"{rule.severity}s"
    if isinstance(rule, BurnRule):
        sure = ", where that is beyond chance" if rule.confident else ""
        return (
            f"{rule.name} {verb} at a burn rate of {rule.factor.normalize():f}x over both"
            f" {windows_text(rule)}, from {rule.min_bad_events} bad on{sure}"
        )
    if isinstance(rule, FloorRule):
        over = format_duration(timedelta(seconds=rule.span))
        return (
            f"{rule.name} {verb} below {format_percent(rule.least)} good over {over}, beyond chance"
        )
    if isinstance(rule, BudgetRule):
        return f"{rule.name} {verb} once {format_percent(rule.spent)} of the error budget is spent"
    after = format_duration(timedelta(seconds=rule.after))
    return f"{rule.name} {verb} when there were no data for {after}"
