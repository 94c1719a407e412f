"""The four charts of an SLO, each by its name: what is drawn, in which units and words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.digits import significant
from slo.domain.policy import BurnRule
from slo.domain.span import Span
from slo.web import format as fmt
from slo.web.charts import budgets, series, svg
from slo.web.charts.levels import Level
from slo.web.charts.svg import Line, Plot
from slo.web.windows import window_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.web.charts.marks import Mark
    from slo.web.charts.panels import Facts, Plan
    from slo.web.charts.series import Track
    from slo.web.charts.svg import Chart

_LOOKS = (
    ("amber", "solid"),
    ("blue", "dashes"),
    ("healthy", "dots"),
    ("none", "dash-dot"),
    ("red", "long"),
)
"""Tones and strokes of burn rates, from the shortest span to the longest."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws the charts of one SLO over one span."""

    facts: Facts
    plan: Plan
    track: Track
    marks: Sequence[Mark]
    prefix: str = ""

    def draw(self, name: str) -> Chart:
        """The chart of this name: `budget`, `bad`, `burn` or `events`."""
        made = {"budget": self._budget, "bad": self._bad, "burn": self._burn}
        return svg.render_chart(made.get(name, self._events)())

    @property
    def _unit(self) -> str:
        return "slices" if self.facts.standing.slices else "events"

    def _budget(self) -> Plot:
        standing, plan = self.facts.standing, self.plan
        name = window_name(standing)
        about = f"left of the {name} that end now"
        if plan.past:
            about = f"left of the {name} that ended then"
        elif standing.window_kind == "calendar":
            about = f"left of this {name}"
        elif standing.paused:
            about = f"left of the {name} that ended {fmt.stamp(standing.at)} UTC"
        if any(note.kind == "backfill" for note in standing.notes):
            about += "; history is being read; the numbers above follow with the next cycle"
        left = budgets.budget_left(self.facts, plan, self.track)
        return Plot(
            self.prefix + "budget",
            "Error budget",
            about,
            (Line("Budget left", "blue", left, area=True),),
            plan.shown,
            fmt.percent,
            percent_tick,
            levels=(Level(0.0),),
            top=1.0,
            marks=self.marks,
        )

    def _bad(self) -> Plot:
        shown = self.plan.shown
        objective = self.facts.objective_at()
        edges = [shown.start, *self._changes(), shown.end]
        levels = [
            Level(1 - objective(start), f"objective {_share(objective(start))}", Span(start, end))
            for start, end in pairwise(edges)
        ]
        return Plot(
            self.prefix + "bad",
            f"Bad {self._unit}",
            f"share of all, per {fmt.span(self.plan.step)}; dashed: allowed in the long run",
            (Line("Bad share", "red", series.bad_share(self.track, shown), area=True),),
            shown,
            lambda v: fmt.percent(v, 2),
            percent_tick,
            levels=levels,
            marks=self.marks,
        )

    def _changes(self) -> list[int]:
        """When another objective came into force within the chart."""
        return [
            after.since
            for before, after in pairwise(self.facts.revisions)
            if before.objective != after.objective
            and self.plan.shown.start < after.since < self.plan.shown.end
        ]

    def _burn(self) -> Plot:
        shown, objective = self.plan.shown, self.facts.objective_at()
        looks = [_LOOKS[n % len(_LOOKS)] for n in range(len(self.plan.burns))]
        lines = [
            Line(
                fmt.span(seconds),
                tone,
                series.burn_rate(self.track, shown, seconds, objective),
                stroke,
                area=number == 0,
            )
            for number, (seconds, (tone, stroke)) in enumerate(
                zip(self.plan.burns, looks, strict=True)
            )
        ]
        rules = self._burn_rules()
        dashed = "dashed: where the policy fires" if rules else "dashed: spends just the budget"
        return Plot(
            self.prefix + "burn",
            "Burn rates",
            f"over the last {_and([fmt.span(s) for s in self.plan.burns])}; {dashed}",
            lines,
            shown,
            fmt.burn,
            lambda v: f"{significant(v, 4)}x",
            levels=_thresholds(rules) or (Level(1.0, "1x"),),
            marks=self.marks,
        )

    def _burn_rules(self) -> list[BurnRule]:
        """The burn-rate rules whose long window has a line."""
        rules = () if self.facts.policy is None else self.facts.policy.rules
        return [r for r in rules if isinstance(r, BurnRule) and r.long in self.plan.burns]

    def _events(self) -> Plot:
        shown = self.plan.shown
        return Plot(
            self.prefix + "events",
            f"{self._unit.capitalize()} per minute",
            f"good and bad, mean of each {fmt.span(self.plan.step)}",
            (
                Line("Good", "blue", series.per_minute(self.track, shown, "good"), area=True),
                Line("Bad", "red", series.per_minute(self.track, shown, "bad"), "dashes"),
            ),
            shown,
            fmt.count,
            fmt.short_count,
            marks=self.marks,
        )


def percent_tick(value: float) -> str:
    """A share as an axis names it."""
    return significant(value * 100, 4).replace("-", fmt.MINUS) + f"{fmt.SPACE}%"


def _thresholds(rules: Sequence[BurnRule]) -> tuple[Level, ...]:
    return tuple(
        Level(
            float(rule.factor),
            f"{rule.severity} {fmt.times(rule.factor)}, {fmt.span(rule.long)}",
            tone="red" if rule.severity == "page" else "amber",
        )
        for rule in rules
    )


def _share(objective: float) -> str:
    return f"{objective * 100:.10g}{fmt.SPACE}%"


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
