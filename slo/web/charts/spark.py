"""Small marks for tables: the trend of a budget as a line, and what is left of it as a bar.

A page may hold a thousand of these, so they say no more than differs: colours, sizes
and strokes are the style sheet's, and steps too small to be seen are left out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.web.charts.axes import drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.standing import SparkPoint

WIDTH, HEIGHT = 110, 48
METER_WIDTH = 84

Spot = tuple[int, int]


def sparkline(points: Sequence[SparkPoint]) -> Markup:
    """The budget left as a small line, 100 % at the top; a dashed line marks 0 % once crossed."""
    known = [p.remaining for p in points if p.remaining is not None]
    if not known:
        return Markup("")
    low = min(0.0, *known)
    scale = HEIGHT / (1.0 - low)
    zero = f'<path class="zero" d="M0 {scale:.0f}h{WIDTH}"/>' if low < 0 else ""
    runs = "".join(_path(run) for run in _runs(points, scale))
    return drawn(
        f'<svg class="spark" viewBox="0 -3 {WIDTH} {HEIGHT + 6}" preserveAspectRatio="none">'
        f'{zero}<path d="{runs}"/></svg>'
    )


def meter(remaining: float | None) -> Markup:
    """A bar of the budget left, from 0 to 100 %; the figure stands beside it."""
    share = 0.0 if remaining is None else min(1.0, max(0.0, remaining))
    fill = f'<path d="M0 0h{max(share * METER_WIDTH, 2):.0f}"/>' if share else ""
    return drawn(f'<svg class="meter">{fill}</svg>')


def _runs(points: Sequence[SparkPoint], scale: float) -> list[list[Spot]]:
    """Stretches without holes, on a grid of half pixels."""
    start = points[0].at
    across = WIDTH / max(1, points[-1].at - start)
    runs: list[list[Spot]] = [[]]
    for point in points:
        if point.remaining is None:
            runs.append([])
        else:
            height = round((1.0 - min(1.0, point.remaining)) * scale)
            _extend(runs[-1], (round((point.at - start) * across), height))
    return [run for run in runs if run]


def _extend(run: list[Spot], spot: Spot) -> None:
    """One more spot; one that the line passes anyway is dropped."""
    if len(run) > 1:
        (x0, y0), (x1, y1), (x2, y2) = run[-2], run[-1], spot
        if (y1 - y0) * (x2 - x0) == (y2 - y0) * (x1 - x0):
            run.pop()
    run.append(spot)


def _path(run: Sequence[Spot]) -> str:
    """A stretch as a path of relative steps; a single spot is a short dash."""
    steps = [f"{x1 - x0} {y1 - y0}" for (x0, y0), (x1, y1) in pairwise(run)] or ["2 0"]
    return f"M{run[0][0]} {run[0][1]}l" + " ".join(steps).replace(" -", "-")
