"""Grids: readings at equally spaced instants of a window, for sparklines and forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.standing import SparkPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def burndown(
    window: Span, begun: int, budget: Budget, bad: Sequence[tuple[int, float]]
) -> tuple[SparkPoint, ...]:
    """Up to 30 points from the window's start to its end: what then was left of `budget`.

    `bad` is instants and the bad events since the window's start, the window's end
    among them; before `begun`, where the ledger begins, nothing is known.
    """
    if budget.allowed <= 0:
        return ()
    points = [SparkPoint(window.start, None if begun > window.start else 1.0)]
    if window.start < begun < window.end:
        points.append(SparkPoint(begun, 1.0))
    points += [SparkPoint(at, 1 - spent / budget.allowed) for at, spent in bad if at > begun]
    last = len(points) - 1
    if last < SPARK_POINTS:
        return tuple(points)
    return tuple(points[n * last // (SPARK_POINTS - 1)] for n in range(SPARK_POINTS))


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
