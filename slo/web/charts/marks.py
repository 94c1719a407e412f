"""Marks on the timeline of charts: spans and instants, each with a text and told in a legend.

They are drawn below the lines (spans) and above them (labels, bars, limits) in layers
that are not stretched, so that texts and patterns keep their shape at any width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup, escape

from slo.web import format as fmt
from slo.web.charts.axes import drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.web.charts.axes import Scale

MarkKind = Literal[
    "gap", "excluded", "incident", "page", "ticket", "annotation", "objective", "window"
]

_SHADED: tuple[MarkKind, ...] = ("gap", "excluded", "incident")
_BARS: dict[MarkKind, int] = {"page": 0, "ticket": 1}
_LINES: tuple[MarkKind, ...] = ("annotation", "objective", "window")
_LEAST_WIDE = 0.15
"""Per cent of the width: a minute in a month would be no pixel wide, and is to be seen."""
_APART = {True: 0.04, False: 0.012}
"""By whether they stand inside: labels nearer to the one before, in shares, are left out."""
_HIDDEN = 0.002
"""A mark within this share of the width of one of its kind cannot be told from it."""
_BAR = 5
FOOT = len(_BARS) * _BAR
"""How high the bars of alerts are, in pixels from the foot."""

ICONS: dict[MarkKind, str] = {
    "gap": "\u25a1",
    "excluded": "\u25a8",
    "incident": "\u25cf",
    "page": "\u25b2",
    "ticket": "\u25b3",
    "annotation": "\u25bc",
    "objective": "\u25c7",
    "window": "\u2502",
}
LEGEND: dict[MarkKind, str] = {
    "incident": "incident, with its number",
    "page": "bar at the foot: an alert fires that pages",
    "ticket": "bar above it: an alert fires that is a ticket",
    "annotation": "annotation: a deploy or another change; shaded for as long as it lasts",
    "excluded": "hatched: excluded, does not count",
    "gap": "grey: no data",
    "objective": "the objective changed",
    "window": "the window begins",
}
"""What each kind of mark means, in the order of the legend."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span or (without `end`) an instant to mark, with a short label and a whole sentence.

    `fact` is what the table of the timeline shows, without the time; `href` leads on.
    """

    kind: MarkKind
    start: int
    end: int | None
    label: str
    fact: str
    href: str = ""
    lasts: bool = False
    """It has not ended; `end` is where the chart does."""
    annotation: int | None = None
    """The id, where it is an annotation."""

    @property
    def when(self) -> str:
        """Its time in words, in UTC."""
        if self.end is None:
            return fmt.stamp(self.start)
        until = "now" if self.lasts else fmt.stamp(self.end)
        return f"{fmt.stamp(self.start)} to {until}"

    @property
    def icon(self) -> str:
        """The sign of its kind."""
        return ICONS[self.kind]

    @property
    def text(self) -> str:
        """Fact and time in one sentence."""
        return f"{self.fact}, {self.when} UTC"


def legend(marks: Iterable[Mark]) -> list[tuple[MarkKind, str, str]]:
    """Kind, icon and meaning of the kinds that there are."""
    there = {mark.kind for mark in marks}
    return [(kind, ICONS[kind], text) for kind, text in LEGEND.items() if kind in there]


def under(chart: str, marks: Sequence[Mark], scale: Scale) -> Markup:
    """The layer below the lines: shaded spans, and lines at instants."""
    parts = []
    for mark in _thinned(marks, scale):
        lasting = mark.kind == "annotation" and mark.end is not None
        if mark.kind in _SHADED or lasting:
            parts.append(_span(mark, scale, chart))
        if mark.kind in _LINES and 0 <= scale.x(mark.start) <= 1:
            parts.append(_instant(mark, scale))
    hatch = ""
    if any(mark.kind == "excluded" for mark in marks):
        hatch = (
            f'<pattern id="{chart}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><line class="hatch" y2="6"/></pattern>'
        )
    return drawn(f'<svg class="layer under" aria-hidden="true">{hatch}{"".join(parts)}</svg>')


def over(marks: Sequence[Mark], texts: Iterable[str], scale: Scale) -> Markup:
    """The layer above the lines: bars of alerts, labels, and the texts of dashed lines."""
    parts = [_bar(mark, scale) for mark in marks if mark.kind in _BARS]
    parts += _labels(_thinned(marks, scale), scale)
    parts += texts
    return drawn(f'<svg class="layer over">{"".join(parts)}</svg>')


def _thinned(marks: Sequence[Mark], scale: Scale) -> list[Mark]:
    """The marks without those that one of their kind hides; the table below has them all."""
    reached: dict[MarkKind, float] = {}
    kept = []
    for mark in sorted(marks, key=lambda m: m.start):
        start, end = scale.x(mark.start), scale.x(mark.end or mark.start)
        last = reached.get(mark.kind)
        if last is not None and max(start + _HIDDEN, end) <= last:
            continue
        reached[mark.kind] = max(start + _HIDDEN, end) + _HIDDEN
        kept.append(mark)
    return kept


def _box(mark: Mark, scale: Scale) -> tuple[float, float]:
    """Left edge and width in per cent, inside the chart."""
    end = scale.span.end if mark.end is None else mark.end
    left, right = max(0.0, scale.x(mark.start)) * 100, min(1.0, scale.x(end)) * 100
    wide = max(right - left, _LEAST_WIDE)
    return min(left, 100 - wide), wide


def _span(mark: Mark, scale: Scale, chart: str) -> str:
    left, wide = _box(mark, scale)
    shape = f'x="{left:.2f}%" width="{wide:.2f}%" height="100%"'
    title = f"<title>{escape(mark.text)}</title>"
    hatched = ""
    if mark.kind == "excluded":
        hatched = f'<rect fill="url(#{chart}-hatch)" {shape}>{title}</rect>'
    return f'<rect class="{mark.kind}" {shape}>{title}</rect>{hatched}'


def _instant(mark: Mark, scale: Scale) -> str:
    at = f"{scale.x(mark.start) * 100:.2f}%"
    return (
        f'<line class="at-{mark.kind}" x1="{at}" x2="{at}" y1="0" y2="100%">'
        f"<title>{escape(mark.text)}</title></line>"
    )


def _bar(mark: Mark, scale: Scale) -> str:
    left, wide = _box(mark, scale)
    down = (_BARS[mark.kind] + 1) * _BAR
    return (
        f'<rect class="fires-{mark.kind}" x="{left:.2f}%" width="{wide:.2f}%" y="100%" '
        f'height="{_BAR - 1}" transform="translate(0 -{down})">'
        f"<title>{escape(mark.text)}</title></rect>"
    )


def _labels(marks: Sequence[Mark], scale: Scale) -> list[str]:
    """The labels, as many as have room: numbers of incidents inside, signs of others above."""
    last: dict[bool, float] = {}
    parts = []
    for mark in sorted((m for m in marks if m.label), key=lambda m: m.start):
        share = max(0.0, scale.x(mark.start))
        inside = mark.kind == "incident"
        room = _APART[inside]
        if share > 1 or share - last.get(inside, -1.0) < room:
            continue
        last[inside] = share
        late = share > 1 - room
        place = f'y="11" dx="{-3 if late else 3}"' if inside else 'y="-3"'
        side = ("end" if late else "start") if inside else "middle"
        text = (
            f'<text class="on-{mark.kind}" x="{share * 100:.2f}%" {place} '
            f'text-anchor="{side}">{escape(mark.label)}<title>{escape(mark.text)}</title></text>'
        )
        # The table of the timeline has the same links for the keyboard, once and not per chart.
        parts.append(
            f'<a href="{escape(mark.href)}" tabindex="-1" aria-hidden="true">{text}</a>'
            if mark.href
            else text
        )
    return parts
