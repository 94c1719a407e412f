"""Grids: readings at equally spaced instants of a window, for sparklines and forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.standing import SparkPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slo.domain.span import Span
    from slo.domain.standing import Budget

SPARK_POINTS = 30
_HOUR = 3600
_STEPS = (
    *(60, 120, 300, 600, 900, 1800),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72, 96, 144, 192)),
)
_FEWEST = 48
"""A grid holds about 60 points, and where a step fits, no fewer than this."""


def grid_step(seconds: int, bucket: int) -> int:
    """The spacing of a grid over a window of `seconds`: a round one that readings are kept at."""
    fitting = [s for s in _STEPS if s % bucket == 0 and s * _FEWEST <= seconds]
    return fitting[-1] if fitting else bucket


def grid_instants(span: Span, step: int) -> range:
    """The multiples of `step` inside `span`, both of its edges left out."""
    return range((span.start // step + 1) * step, span.end, step)


@dataclass(frozen=True, slots=True)
class Grid:
    """Cumulative bad events (total less good, as read) at `first` and each `step` after it."""

    step: int
    first: int = 0
    bad: tuple[float, ...] = ()

    @property
    def instants(self) -> range:
        """Where its points are, in epoch seconds."""
        return range(self.first, self.first + len(self.bad) * self.step, self.step)

    def missing(self, wanted: range) -> list[int]:
        """Those of the `wanted` instants, of the same step, that it does not hold."""
        held = self.instants
        if not held or not wanted:
            return list(wanted)
        before = range(wanted.start, min(held.start, wanted.stop), self.step)
        return [*before, *range(max(held.stop, wanted.start), wanted.stop, self.step)]

    def over(self, wanted: range, bad_at: Callable[[int], float | None]) -> Grid:
        """The grid at just the `wanted` instants, those that it does not hold by `bad_at`.

        Without any points if one of them has no reading.
        """
        held = self.instants
        points: list[float | None] = [bad_at(t) for t in wanted if not held or t < held.start]
        if held and wanted:
            first = max(0, (wanted.start - held.start) // self.step)
            points += self.bad[first : max(0, (wanted[-1] - held.start) // self.step + 1)]
            points += [
                bad_at(t) for t in range(max(held.stop, wanted.start), wanted.stop, self.step)
            ]
        known = tuple(p for p in points if p is not None)
        return Grid(self.step, wanted.start, known if len(known) == len(points) else ())


def burndown(
    window: Span, begun: int, budget: Budget, bad: Sequence[tuple[int, float]]
) -> tuple[SparkPoint, ...]:
    """Up to 30 points from the window's start to its end: what then was left of `budget`.

    `bad` is instants and the bad events since the window's start, the window's end
    among them; before `begun`, where the ledger begins, nothing is known.
    """
    if budget.allowed <= 0:
        return ()
    head = [SparkPoint(window.start, None if begun > window.start else 1.0)]
    if window.start < begun < window.end:
        head.append(SparkPoint(begun, 1.0))
    last, room = len(bad) - 1, SPARK_POINTS - len(head)
    if last >= room:
        # Evenly spaced, the last one among them.
        bad = [bad[last - n * last // room] for n in range(room - 1, -1, -1)]
    allowed = budget.allowed
    return (*head, *(SparkPoint(at, 1 - spent / allowed) for at, spent in bad if at > begun))


def spent_since(budget: Budget, window: Span, bad: Sequence[tuple[int, float]]) -> int | None:
    """The last instant at which the window's bad events reached `budget.allowed`, or None.

    Between two points of `bad` they are taken to come evenly.
    """
    found = None
    then, before = window.start, 0.0
    for at, spent in bad:
        if before < budget.allowed <= spent:
            share = (budget.allowed - before) / (spent - before)
            found = then + round((at - then) * share)
        then, before = at, spent
    return found
