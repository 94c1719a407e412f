"""Alert policies: the rules by which an SLO's alerts fire, as data.

Burn-rate tiers and their numbers are those of the SRE Workbook, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from slo.domain.duration import format_duration

Severity = Literal["page", "ticket"]
NoData = Literal["page", "ticket", "bad", "ignore"]
AbsenceKind = Literal["dead", "gone", "blind"]

SEVERE: dict[Severity, int] = {"ticket": 1, "page": 2}
"""The order of severities."""

CONFIDENT_BELOW = Decimal("0.99")
"""Objectives below this get the ladder for accuracy, and are judged by confidence bounds."""


@dataclass(frozen=True, slots=True)
class BurnRule:
    """Fires while the burn rates over both windows reach `factor`; windows in seconds.

    `min_bad_events` must lie in the long window. A `confident` rule also needs the
    Wilson bound of the long window's bad share to lie beyond the threshold.
    """

    name: str
    severity: Severity
    factor: Decimal
    long: int
    short: int
    min_bad_events: int = 1
    confident: bool = False
    kind: Literal["burn"] = "burn"


@dataclass(frozen=True, slots=True)
class FloorRule:
    """Fires while the indicator over `span` seconds lies below `least`, by its Wilson bound."""

    name: str
    severity: Severity
    least: Decimal
    span: int = 3600
    min_bad_events: int = 2
    kind: Literal["floor"] = "floor"


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """Fires once the share `spent` of the error budget is spent."""

    name: str
    severity: Severity
    spent: Decimal
    kind: Literal["budget"] = "budget"


@dataclass(frozen=True, slots=True)
class AbsenceRule:
    """Fires when there were no data for `after` seconds.

    Dead: the source ingests and every target of the SLO is down. Gone: the source
    ingests and the targets have left it. Blind: the source itself is silent.
    """

    name: AbsenceKind
    severity: Severity
    after: int

    @property
    def kind(self) -> AbsenceKind:
        """The kind of absence; it is the rule's name."""
        return self.name


Rule = BurnRule | FloorRule | BudgetRule | AbsenceRule


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one SLO, and sentences about default rules that were dropped."""

    rules: tuple[Rule, ...]
    dropped: tuple[str, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """The rule of this name."""
        return next((rule for rule in self.rules if rule.name == name), None)


LADDER: tuple[BurnRule, ...] = (
    BurnRule("page-1h", "page", Decimal("14.4"), 3600, 300, 2),
    BurnRule("page-6h", "page", Decimal(6), 21600, 1800, 2),
    BurnRule("ticket-1d", "ticket", Decimal(3), 86400, 7200),
    BurnRule("ticket-3d", "ticket", Decimal(1), 259200, 21600),
)
"""The tiers of objectives from 99 % on; the same factors for every SLO window."""

ACCURACY_LADDER: tuple[BurnRule, ...] = (
    BurnRule("page-6h", "page", Decimal(3), 21600, 1800, 2, confident=True),
    BurnRule("ticket-3d", "ticket", Decimal("1.5"), 259200, 21600, 1, confident=True),
)
"""The tiers of objectives below 99 %, such as accuracy."""

BUDGET_SHARES = (Decimal("0.5"), Decimal("0.75"), Decimal("0.9"), Decimal(1))
DEAD_AFTER, GONE_AFTER, BLIND_AFTER = 300, 600, 600


@lru_cache(maxsize=1024)
def default_policy(objective: Decimal, no_data: NoData = "page") -> Policy:
    """The rules that an objective gets where slo.yaml says nothing.

    A tier over half of the most that the objective can burn is dropped, with a sentence.
    """
    ladder = ACCURACY_LADDER if objective < CONFIDENT_BELOW else LADDER
    most = most_burn(objective)
    kept = [rule for rule in ladder if rule.factor <= most / 2]
    dropped = tuple(
        f"{rule.name} is left out: at {rule.factor}x it is over half of {float(most):.4g}x,"
        f" the most that an objective of {objective * 100:f}".rstrip("0").rstrip(".")
        + " % can burn"
        for rule in ladder
        if rule not in kept
    )
    rules: list[Rule] = [*kept]
    least = 1 - 2 * (1 - objective)
    if objective < CONFIDENT_BELOW and least > 0:
        rules.append(FloorRule("floor", "page", least))
    rules += [BudgetRule(f"budget-{int(share * 100)}", "ticket", share) for share in BUDGET_SHARES]
    return Policy((*rules, *absence_rules(no_data)), dropped)


def absence_rules(no_data: NoData) -> tuple[AbsenceRule, ...]:
    """The rules for missing data that a `no_data` stands for."""
    if no_data in {"ignore", "bad"}:
        return ()
    dead: Severity = "page" if no_data == "page" else "ticket"
    return (
        AbsenceRule("dead", dead, DEAD_AFTER),
        AbsenceRule("gone", "ticket", GONE_AFTER),
        AbsenceRule("blind", "ticket", BLIND_AFTER),
    )


def most_burn(objective: Decimal) -> Decimal:
    """The burn rate when every event is bad: `1 / (1 - objective)`."""
    return 1 / (1 - objective)


def budget_share(rule: BurnRule, window_seconds: int) -> Decimal:
    """The share of the budget that a burn at the rule's factor spends over its long window."""
    return rule.factor * rule.long / window_seconds


def impossible(rule: Rule, objective: Decimal) -> str | None:
    """Why a rule can never fire, with the arithmetic; None: it can."""
    most = most_burn(objective)
    if isinstance(rule, BurnRule) and rule.factor > most:
        return (
            f"can never fire: with an objective of {objective} the burn rate is at most"
            f" 1 / (1 - {objective}) = {float(most):.6g}, and {rule.name} asks for {rule.factor}"
        )
    if isinstance(rule, FloorRule) and rule.least <= 0:
        return f"can never fire: the indicator is never below {rule.least}"
    return None


def windows_text(rule: BurnRule) -> str:
    """The windows of a rule, such as `1h and 5m`."""
    long, short = (format_duration(timedelta(seconds=s)) for s in (rule.long, rule.short))
    return f"{long} and {short}"
