"""The table of an SLO's alert policy: each rule, what it sees now, and whether it fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.domain.burn import burn_rate
from slo.domain.digits import significant
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule, budget_share
from slo.web import format as fmt
from slo.web.moment import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.policy import Rule
    from slo.rulings import Ruling

_DAY = 86_400
ICONS = {"page": "\u25b2", "ticket": "\u25b3"}
_ABSENT = {
    "dead": "every target is down",
    "gone": "the series are gone with their targets",
    "blind": "the source is silent",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule, all in texts; `tone` colours what it says."""

    rule: str
    tier: str
    severity: str
    icon: str
    long: str
    short: str
    threshold: str
    now_long: Markup | str
    now_short: str
    says: str
    tone: str
    spends: str
    reason: str


def rule_rows(found: Iterable[Ruling], window_seconds: int, now: float) -> list[RuleRow]:
    """The rules as rows, in the policy's order; the SLO's window is `window_seconds` long."""
    return [_row(ruling, window_seconds, now) for ruling in found]


def _row(ruling: Ruling, window_seconds: int, now: float) -> RuleRow:
    rule = ruling.rule
    tier, spends = _tier(rule, window_seconds)
    long, short, threshold = _looks_at(rule)
    now_long, now_short = _sees(ruling, now)
    says, tone = _says(ruling, now)
    return RuleRow(
        rule.name,
        tier,
        rule.severity,
        ICONS[rule.severity],
        long,
        short,
        threshold,
        now_long,
        now_short,
        says,
        tone,
        spends,
        ruling.decision.reason,
    )


def _tier(rule: Rule, window_seconds: int) -> tuple[str, str]:
    """What a rule stands for, and how fast what it fires on spends the budget."""
    if isinstance(rule, BurnRule):
        share = fmt.short_percent(float(budget_share(rule, window_seconds)))
        lasts = _days(window_seconds / float(rule.factor))
        return f"{share} of the budget in {fmt.span(rule.long)}", f"budget in {lasts}"
    if isinstance(rule, FloorRule):
        return f"share of good events over {fmt.span(rule.span)}", fmt.DASH
    if isinstance(rule, BudgetRule):
        return "error budget spent", fmt.objective(rule.spent)
    return f"no data: {_ABSENT[rule.kind]}", fmt.DASH


def _days(seconds: float) -> str:
    """How long a budget lasts, finer than whole days: `2.1 d`."""
    return f"{significant(seconds / _DAY, 2)}{fmt.SPACE}d" if seconds >= _DAY else fmt.span(seconds)


def _looks_at(rule: Rule) -> tuple[str, str, str]:
    """Long window, short window, threshold."""
    if isinstance(rule, BurnRule):
        return fmt.span(rule.long), fmt.span(rule.short), fmt.times(rule.factor)
    if isinstance(rule, FloorRule):
        return fmt.span(rule.span), fmt.DASH, f"below {fmt.objective(rule.least)}"
    if isinstance(rule, BudgetRule):
        return "window", fmt.DASH, f"from {fmt.objective(rule.spent)}"
    return fmt.DASH, fmt.DASH, f"for {fmt.span(rule.after)}"


def _sees(ruling: Ruling, now: float) -> tuple[Markup | str, str]:
    """What the rule sees now over its long and its short window."""
    rule, seen = ruling.rule, ruling.moment
    if isinstance(rule, BurnRule):
        rates = (burn_rate(seen.tally(w), seen.objective) for w in (rule.long, rule.short))
        long, short = (fmt.burn(rate, rule.factor) for rate in rates)
        return long, short
    if isinstance(rule, FloorRule):
        return fmt.percent(seen.tally(rule.span).sli, 2, rule.least), fmt.DASH
    if isinstance(rule, BudgetRule):
        return fmt.percent(seen.spent, limit=rule.spent), fmt.DASH
    since = ruling.state.absent_since
    if since is None:
        return "data arrive", fmt.DASH
    return Markup("none since {}").format(moment(since, now)), fmt.DASH


def _says(ruling: Ruling, now: float) -> tuple[str, str]:
    """Whether it fires, in words, and the tone of that."""
    state, verdict = ruling.state, ruling.decision.verdict
    frozen = f"frozen: {state.frozen}" if verdict == "frozen" else ""
    if state.firing and state.since is not None:
        parts = [f"firing since {_since(state.since, now)}", frozen]
        if state.muted_until is not None and state.muted_until > now:
            parts.append(f"muted until {_since(state.muted_until, now)}")
        if state.calm_since is not None and not frozen:
            parts.append(f"below since {_since(state.calm_since, now)}")
        return "; ".join(filter(None, parts)), "red" if state.severity == "page" else "amber"
    if frozen:
        return frozen, "amber"
    if verdict == "inconclusive":
        return _lacks(ruling), "amber"
    if isinstance(ruling.rule, AbsenceRule) and state.absent_since is not None:
        return f"fires {_since(state.absent_since + ruling.rule.after, now)}", "amber"
    return "no", ""


def _lacks(ruling: Ruling) -> str:
    """What an inconclusive rule is short of."""
    rule = ruling.rule
    if isinstance(rule, BurnRule | FloorRule):
        span = rule.long if isinstance(rule, BurnRule) else rule.span
        missing = rule.min_bad_events - ruling.moment.tally(span).bad
        if missing > 0:
            events = "event" if missing <= 1 else "events"
            return f"needs {fmt.count(missing)} more bad {events}"
    return "inconclusive: too few events to be sure"


def _since(at: float, now: float) -> str:
    """A time of today as the clock shows it, others with their day."""
    return fmt.clock(at) if fmt.day(at) == fmt.day(now) and now - at < _DAY else fmt.stamp(at)
