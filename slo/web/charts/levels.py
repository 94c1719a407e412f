"""Dashed lines at values, and where the texts stand that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import escape

from slo.web.charts.marks import FOOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.span import Span
    from slo.web.charts.axes import Scale

_LINE = 0.09
"""The share of the height that a line of text takes."""
_LETTER = 0.018
"""The share of a phone's width that a letter takes."""
_FOOT_HIGH = 0.07
"""The share of the height that the bars of alerts take at the foot."""


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line at a value, over all of the chart or a part of it; `text` stands on it."""

    value: float
    text: str = ""
    span: Span | None = None
    tone: str = "red"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text stands, down or up to its own line, in shares from the chart's upper left."""

    left: float
    right: float
    top: float
    bottom: float

    def meets(self, other: _Place) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, level: Level, scale: Scale) -> bool:
        """Whether the line of a level crosses the text, or parts it from its own."""
        across = self.left < _end(level, scale) and _start(level, scale) < self.right
        return across and self.top <= scale.y(level.value) <= self.bottom


def unnamed(levels: Sequence[Level], scale: Scale) -> list[str]:
    """The texts of lines all across that have no room, from the top; marks tell of the others."""
    there = [level for level, _ in _placed(levels, scale)]
    absent = (one for one in levels if one.text and one.span is None and one not in there)
    return [one.text for one in sorted(absent, key=lambda one: -one.value)]


def texts(levels: Sequence[Level], scale: Scale) -> list[str]:
    """What dashed lines mean, where there is room."""
    parts = []
    for level, place in _placed(levels, scale):
        share, side = (0.0, "start") if place.left == 0 else (place.right, "end")
        high = scale.y(level.value)
        down = 12 if place.top == high else -4
        if _at_foot(high):
            down -= FOOT
        parts.append(
            f'<text class="level tone-{level.tone}" x="{share * 100:.2f}%" y="{high * 100:.1f}%" '
            f'dy="{down}" text-anchor="{side}">{escape(level.text)}</text>'
        )
    return parts


def _placed(levels: Sequence[Level], scale: Scale) -> list[tuple[Level, _Place]]:
    """The texts that have room, each beside its own line alone; what holds latest comes first."""
    found: list[tuple[Level, _Place]] = []
    named = sorted((one for one in levels if one.text), key=lambda one: -one.value)
    for level in sorted(named, key=lambda one: -_end(one, scale)):
        others = [one for one in levels if _misleads(one, level, scale)]
        for place in _places(level, scale):
            taken = any(place.meets(other) for _, other in found)
            if not taken and not any(place.holds(other, scale) for other in others):
                found.append((level, place))
                break
    return found


def _misleads(other: Level, level: Level, scale: Scale) -> bool:
    """Whether a text could be taken for another line's: one of another value at the same time.

    Objectives that follow each other part where one ends, and the text stands at its own end.
    """
    begun, ended = _start(other, scale), _end(other, scale)
    meanwhile = begun < _end(level, scale) and _start(level, scale) < ended
    return meanwhile and other.value != level.value


def _places(level: Level, scale: Scale) -> list[_Place]:
    """Where the text may stand: at its line's right end, and at the left of a line all across."""
    high, right = scale.y(level.value), _end(level, scale)
    top, bottom = high - _LINE - (_FOOT_HIGH if _at_foot(high) else 0.0), high
    if high < _LINE:  # Below where the chart ends right above.
        top, bottom = high, high + _LINE
    wide = len(level.text) * _LETTER
    ends = [(right - wide, right)]
    if level.span is None:
        ends.append((0.0, wide))
    return [_Place(left, right, top, bottom) for left, right in ends if left >= 0]


def _at_foot(high: float) -> bool:
    """Whether a text has to stand above the bars of alerts, which lie at the foot."""
    return high > 1 - _LINE


def _start(level: Level, scale: Scale) -> float:
    return 0.0 if level.span is None else max(0.0, scale.x(level.span.start))


def _end(level: Level, scale: Scale) -> float:
    return 1.0 if level.span is None else min(1.0, scale.x(level.span.end))
