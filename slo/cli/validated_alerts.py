"""The alert rules of all SLOs in few lines: equal policies over equal windows are one group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.config.windows import usual_length
from slo.domain.digits import significant
from slo.domain.duration import format_duration
from slo.domain.objective import format_percent
from slo.domain.policy import (
    AbsenceRule,
    BudgetRule,
    BurnRule,
    FloorRule,
    budget_share,
    windows_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from slo.domain.policy import Policy
    from slo.domain.slo import SLO

_FEW = 4
"""So many SLOs of a group are named; of more, the first and how many more."""


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """SLOs that share their rules: a title, a line per rule, and the default rules left out."""

    title: str
    lines: tuple[str, ...]
    dropped: tuple[str, ...]


def alert_groups(slos: Sequence[SLO]) -> list[AlertGroup]:
    """The groups in the order of their first SLO."""
    found: dict[tuple[Policy, str, int], list[SLO]] = {}
    for slo in slos:
        seconds = round(usual_length(slo.window).total_seconds())
        found.setdefault((slo.alert_policy, slo.window.label(), seconds), []).append(slo)
    return [
        AlertGroup(f"{_names(group)} over {label}", tuple(_lines(policy, seconds)), policy.dropped)
        for (policy, label, seconds), group in found.items()
    ]


def _names(slos: Sequence[SLO]) -> str:
    ids = [slo.id for slo in slos]
    if len(ids) <= _FEW:
        return ", ".join(ids)
    return f"{', '.join(ids[: _FEW - 1])} and {len(ids) - _FEW + 1:,} more SLOs"


def _lines(policy: Policy, seconds: int) -> Iterator[str]:
    names = [rule.name for rule in policy.rules if isinstance(rule, BurnRule | FloorRule)]
    wide = max(map(len, names), default=0)
    for rule in policy.rules:
        match rule:
            case BurnRule():
                told = f"{rule.severity:<6} {rule.factor:f}x over {windows_text(rule)}"
                share = _percent(budget_share(rule, seconds))
                yield f"{rule.name:<{wide}}  {told}, {share} of the budget{_least(rule)}"
            case FloorRule():
                span = format_duration(timedelta(seconds=rule.span))
                told = f"{rule.severity:<6} below {format_percent(rule.least)} over {span}"
                yield f"{rule.name:<{wide}}  {told}{_least(rule)}"
            case _:
                continue
    if spent := [r for r in policy.rules if isinstance(r, BudgetRule)]:
        shares = ", ".join(format_percent(rule.spent) for rule in spent)
        yield f"{'budget':<{wide}}  {spent[0].severity:<6} at {shares} spent"
    absent = [
        f"{rule.name} after {format_duration(timedelta(seconds=rule.after))} ({rule.severity})"
        for rule in policy.rules
        if isinstance(rule, AbsenceRule)
    ]
    yield f"{'no data':<{wide}}  {', '.join(absent) or 'no alert'}"


def _least(rule: BurnRule | FloorRule) -> str:
    return f", from {rule.min_bad_events} bad events" if rule.min_bad_events > 1 else ""


def _percent(share: Decimal) -> str:
    """A share of the budget with at most three figures, as people say it: `2%`, `1.67%`."""
    return f"{significant(float(share * 100), 3)}%"
