"""Axes of charts: round values, round times in UTC, and where a value stands on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slo.domain.span import Span

    Ticker = Callable[[float], str]

_TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)
_DAY = 86_400
_DAYS = (1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365)
_MOST_TIME_TICKS = 6
_EDGE = 0.05
"""Texts nearer to an edge than this share are aligned to it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where times and values stand in a chart, as shares of its width and height from the top."""

    span: Span
    low: float
    high: float

    def x(self, at: float) -> float:
        """The share of the width left of an instant."""
        return (at - self.span.start) / max(1, self.span.seconds)

    def y(self, value: float) -> float:
        """The share of the height above a value."""
        return (self.high - value) / (self.high - self.low)


def drawn(svg: str) -> Markup:
    """SVG that goes into a page as it is: made of our own numbers and of escaped texts."""
    return Markup(svg)  # noqa: S704 -- the one door; all that enters it is escaped before.


def nice_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from at or below `low` to at or above `high`, at most `most` + 1 of them."""
    wide = max(high - low, 1e-9)
    raw = wide / (most - 1)
    size = 10 ** math.floor(math.log10(raw))
    step = next(s * size for s in _TICK_STEPS if s * size >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def time_ticks(span: Span) -> list[int]:
    """Round times in UTC inside the span, at most six and never at its very edges."""
    for step in (*_TIME_STEPS, *(n * _DAY for n in _DAYS)):
        if span.seconds / step <= _MOST_TIME_TICKS:
            first = (span.start // step + 1) * step
            return list(range(first, span.end, step))
    return [span.start + span.seconds // 2]


def y_axis(ticks: Sequence[float], tick: Ticker, scale: Scale) -> Markup:
    """The values at the left."""
    texts = [
        f'<text x="100%" y="{scale.y(value) * 100:.1f}%" dy="4" text-anchor="end">'
        f"{escape(tick(value))}</text>"
        for value in ticks
    ]
    return drawn(f'<svg class="y-axis" aria-hidden="true">{"".join(texts)}</svg>')


def x_axis(scale: Scale) -> Markup:
    """The times below; days where more than two of them are shown."""
    daily = scale.span.seconds > 2 * _DAY
    texts = []
    for at in time_ticks(scale.span):
        share = scale.x(at)
        word = fmt.day(at) if daily or not at % _DAY else fmt.clock(at)
        texts.append(
            f'<text x="{share * 100:.2f}%" y="14" text-anchor="{_anchor(share)}">{escape(word)}'
            "</text>"
        )
    return drawn(f'<svg class="x-axis" aria-hidden="true">{"".join(texts)}</svg>')


def _anchor(share: float) -> str:
    """Which side of a text stands at a share of the width, so that it stays inside."""
    return "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"
