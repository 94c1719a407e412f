"""The chart of a postmortem: burn rates around an incident, as one SVG that stands alone.

It has no style of its own: presentation attributes and `currentColor` fit a page
in light and dark, a file, and a strict content security policy.
"""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING

from slo.domain.digits import significant
from slo.domain.span import utc
from slo.postmortem.facts import minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.incident import Incident
    from slo.domain.span import Span
    from slo.postmortem.affected import Burn

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 708, 34, 226
_WIDTH, _HEIGHT = 720, 262
_HEAD = (
    f'<svg xmlns="http://www.w3.org/2000/svg" class="burn-chart" width="100%" '
    f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" fill="none" font-size="11" '
    'font-family="system-ui, sans-serif">'
)
_COLOURS = ("#d9482b", "#3b7ddd", "#2f9e6e", "#b07d12")
"""One per SLO, readable on white and on near black."""
_MOST_POINTS = 240
_TICKS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_MOST_TIME_TICKS = 7
_DESC = re.compile(r"<desc[^>]*>(.*?)</desc>", re.DOTALL)


def render_chart(incident: Incident, burns: Sequence[Burn], span: Span) -> str:
    """The SVG of the burn rates over `span`, at most four SLOs; empty where there are none."""
    drawn = [(b, _thinned(b)) for b in burns if any(v is not None for _, v in b.points)]
    drawn = drawn[: len(_COLOURS)]
    if not drawn or not span.seconds:
        return ""
    highest = max(v for _, points in drawn for _, v in points if v is not None)
    step = _step(max(highest, 1.0) / 4)
    top = step * max(1, math.ceil(max(highest, 1.0) / step - 1e-9))
    frame = _Frame(span, top)
    told = html.escape(describe(incident, [b for b, _ in drawn], span))
    parts = [
        _HEAD,
        f"<title>Burn rate around incident {incident.id}</title><desc>{told}</desc>",
        *_axes(frame, step),
        *_marks(incident, frame),
    ]
    for index, (burn, points) in enumerate(drawn):
        parts += _line(burn, points, _COLOURS[index], index, frame)
    return "".join([*parts, "</svg>"])


def alternative(svg: str) -> str:
    """The chart in words, as the chart itself holds them."""
    found = _DESC.search(svg)
    return html.unescape(found.group(1)) if found else ""


def describe(incident: Incident, burns: Sequence[Burn], span: Span) -> str:
    """The chart in words: the highest and the last burn rate of each SLO."""
    told = []
    for burn in burns:
        known = [(value, at) for at, value in burn.points if value is not None]
        value, at = max(known, key=lambda pair: pair[0])
        told.append(
            f"{burn.slo} burned at most {value:,.1f}x, at {minute(at)}, and {known[-1][0]:,.1f}x"
            " at the end"
        )
    return (
        f"Burn rate from {minute(span.start)} to {minute(span.end)} UTC. {'; '.join(told)}."
        f" The alert fired at {minute(incident.opened_at)}."
    )


class _Frame:
    """Where a time and a burn rate lie in the picture."""

    def __init__(self, span: Span, top: float) -> None:
        self.span, self.top = span, top

    def x(self, at: float) -> float:
        share = (at - self.span.start) / self.span.seconds
        return _LEFT + min(1.0, max(0.0, share)) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        return _BOTTOM - min(1.0, value / self.top) * (_BOTTOM - _TOP)


def _thinned(burn: Burn) -> list[tuple[int, float | None]]:
    """At most 240 points; the highest of each stretch stays, because peaks are the point."""
    size = -(-len(burn.points) // _MOST_POINTS)
    stretches = [burn.points[i : i + size] for i in range(0, len(burn.points), size)]
    return [max(s, key=lambda p: -1.0 if p[1] is None else p[1]) for s in stretches]


def _step(raw: float) -> float:
    size = 10.0 ** math.floor(math.log10(raw))
    return next(s * size for s in _TICKS if s * size >= raw * (1 - 1e-9))


def _axes(frame: _Frame, step: float) -> list[str]:
    parts = []
    for index in range(round(frame.top / step) + 1):
        y = frame.y(index * step)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="currentColor" stroke-opacity=".15"/>'
            + _text(_LEFT - 6, y + 4, f"{significant(index * step, 4)}x", "end")
        )
    ticks = next(
        (s for s in _TIME_STEPS if frame.span.seconds / s <= _MOST_TIME_TICKS),
        -(-frame.span.seconds // _MOST_TIME_TICKS),
    )
    daily = frame.span.seconds > 2 * 86_400
    for at in range((frame.span.start // ticks + 1) * ticks, frame.span.end, ticks):
        word = utc(at).strftime("%m-%d %H:%M" if daily else "%H:%M")
        parts.append(_text(frame.x(at), _BOTTOM + 16, word, "middle"))
    parts.append(_text(_RIGHT, _HEIGHT - 6, "UTC; burn rate, 1x spends the budget", "end"))
    return parts


def _marks(incident: Incident, frame: _Frame) -> list[str]:
    """Upright lines where the burn began, the alert fired, and the incident ended."""
    marks = (
        (incident.started_at, "began", 0),
        (incident.opened_at, "alert", 1),
        (incident.mitigated_at, "below 1x", 0),
        (incident.resolved_at, "resolved", 1),
    )
    parts = []
    for at, word, row in marks:
        if at is not None:
            x = frame.x(at)
            parts.append(
                f'<path d="M{x:.1f} {_TOP - 4}V{_BOTTOM}" stroke="currentColor" '
                'stroke-opacity=".45" stroke-dasharray="3 3"/>'
                + _text(x, 12 + row * 13, word, "end" if x > _RIGHT - 40 else "middle")
            )
    return parts


def _line(
    burn: Burn, points: Sequence[tuple[int, float | None]], colour: str, index: int, frame: _Frame
) -> list[str]:
    """One SLO's line, with holes where there was no data, and its name below."""
    path, pen = [], "M"
    for at, value in points:
        if value is None:
            pen = "M"
        else:
            path.append(f"{pen}{frame.x(at):.1f} {frame.y(value):.1f}")
            pen = "L"
    x = _LEFT + index * 150
    name = burn.slo if len(burn.slo) <= 22 else burn.slo[:21] + "…"  # noqa: PLR2004 -- fits 150 px.
    return [
        f'<path d="{"".join(path)}" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>',
        f'<path d="M{x} {_HEIGHT - 10}h10" stroke="{colour}" stroke-width="3"/>',
        _text(x + 14, _HEIGHT - 6, name, "start"),
    ]


def _text(x: float, y: float, word: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="currentColor" text-anchor="{anchor}">'
        f"{html.escape(word)}</text>"
    )
