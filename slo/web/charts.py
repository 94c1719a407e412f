"""Charts as SVG made on the server: they read without a script, and in any width.

The plot is stretched to its box and its strokes are not; axis texts stand at
percentages of the width, so they keep their size on a phone. All times are UTC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.span import Span
    from slo.domain.standing import SparkPoint
    from slo.web.series import Point

Teller = Callable[[float | None], str]
Ticker = Callable[[float], str]
WIDTH, HEIGHT = 1000, 200
_SPARK_WIDTH, _SPARK_HEIGHT = 240, 200
_TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS = (600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)
_DAY = 86_400
_MOST_TIME_TICKS = 6
_EDGE = 0.05
"""Texts nearer to an edge than this share are aligned to it."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A span set apart in a chart: `gap` (no data) or `excluded`."""

    kind: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, ready for its template; `rows` is the same data as text."""

    id: str
    title: str
    subtitle: str
    unit: str
    tone: str
    plot: Markup
    y_axis: Markup
    x_axis: Markup
    rows: Markup
    summary: str
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """What to draw: the values of `points` over `span`, each told by `tell`."""

    id: str
    title: str
    subtitle: str
    unit: str
    tone: str
    points: Sequence[Point]
    span: Span
    tell: Teller
    tick: Ticker
    limit: float | None = None
    top: float | None = None
    shades: Sequence[Shade] = field(default=())


def render_chart(plot: Plot) -> Chart:
    """The chart of a plot; without any value it is `empty` and its summary says so."""
    known = [p.value for p in plot.points if p.value is not None and math.isfinite(p.value)]
    ticks = nice_ticks(*_domain(plot, known))
    low, high = ticks[0], ticks[-1]
    summary = _summary(plot, known)

    def x(at: float) -> float:
        return (at - plot.span.start) / max(1, plot.span.seconds)

    def y(value: float) -> float:
        return (high - value) / (high - low)

    return Chart(
        id=plot.id,
        title=plot.title,
        subtitle=plot.subtitle,
        unit=plot.unit,
        tone=plot.tone,
        plot=_plot_svg(plot, summary, ticks, x, y),
        y_axis=_y_axis(ticks, plot.tick, y),
        x_axis=_x_axis(plot.span, x),
        rows=_rows(plot),
        summary=summary,
        empty=not known,
    )


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
    days = [n * _DAY for n in (1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365)]
    for step in (*_TIME_STEPS, *days):
        if span.seconds / step <= _MOST_TIME_TICKS:
            first = (span.start // step + 1) * step
            return list(range(first, span.end, step))
    return [span.start + span.seconds // 2]


def sparkline(points: Sequence[SparkPoint], tone: str) -> Markup:
    """The budget left as a small line, 100 % at the top; a dashed line marks 0 % once crossed."""
    known = [p.remaining for p in points if p.remaining is not None]
    if not known:
        return Markup('<svg class="spark" aria-hidden="true"></svg>')
    low = min(0.0, *known)
    scale = _SPARK_HEIGHT / (1.0 - low)
    zero = f'<path class="zero" d="M0 {int(scale)}H{_SPARK_WIDTH}"/>' if low < 0 else ""
    return _drawn(
        f'<svg class="spark tone-{tone}" viewBox="0 -20 {_SPARK_WIDTH} {_SPARK_HEIGHT + 40}" '
        f'aria-hidden="true" preserveAspectRatio="none">{zero}'
        f'<path class="line" d="{_spark_path(points, scale)}"/></svg>'
    )


def meter(remaining: float | None, tone: str) -> Markup:
    """A bar of the budget left, from 0 to 100 %; the figure stands beside it."""
    share = 0.0 if remaining is None else min(1.0, max(0.0, remaining))
    fill = (
        f'<rect class="fill" width="{max(share * 84, 2):.1f}" height="6" rx="3"/>' if share else ""
    )
    return _drawn(
        f'<svg class="meter tone-{tone}" width="84" height="6" viewBox="0 0 84 6" '
        f'aria-hidden="true"><rect class="track" width="84" height="6" rx="3"/>{fill}</svg>'
    )


def _drawn(svg: str) -> Markup:
    """SVG that goes into a page as it is: made of our own numbers and of escaped texts."""
    return Markup(svg)  # noqa: S704 -- the one door; all that enters it is escaped above.


def _domain(plot: Plot, known: Sequence[float]) -> tuple[float, float]:
    marks = [*known, *([plot.limit] if plot.limit is not None else [])]
    high = max([*marks, *([plot.top] if plot.top is not None else [])], default=1.0)
    low = min([*marks, 0.0])
    return low, high if high > low else low + 1.0


def _plot_svg(
    plot: Plot,
    summary: str,
    ticks: Sequence[float],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> Markup:
    head = (
        f'<svg class="plot tone-{plot.tone}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-labelledby="{plot.id}-t {plot.id}-d" '
        f'data-from="{plot.span.start}" data-to="{plot.span.end}">'
    )
    parts = [
        head,
        f'<title id="{plot.id}-t">{escape(plot.title)}</title>',
        f'<desc id="{plot.id}-d">{escape(summary)}</desc>',
    ]
    parts += [_level("rule", y(tick)) for tick in ticks]
    parts += [_shade(shade, x) for shade in plot.shades]
    parts += [_stretch(run, x, y) for run in _runs(plot.points)]
    if plot.limit is not None:
        parts.append(_level("limit", y(plot.limit)))
    parts.append(f'<line class="cursor" y1="0" y2="{HEIGHT}" visibility="hidden"/></svg>')
    return _drawn("".join(parts))


def _stretch(run: Sequence[Point], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    """The line of a stretch without holes, and the area below it down to the plot's floor."""
    line = "L".join(f"{x(p.at) * WIDTH:.1f} {y(p.value or 0) * HEIGHT:.1f}" for p in run)
    if len(run) == 1:  # A single point would be invisible.
        line += "h1"
    left, right = x(run[0].at) * WIDTH, x(run[-1].at) * WIDTH
    return (
        f'<path class="area" d="M{left:.1f} {HEIGHT}L{line}L{right:.1f} {HEIGHT}Z"/>'
        f'<path class="line" d="M{line}"/>'
    )


def _shade(shade: Shade, x: Callable[[float], float]) -> str:
    left, right = max(0.0, x(shade.span.start)), min(1.0, x(shade.span.end))
    # A minute in a month would be no pixel wide; it is to be seen.
    wide = max((right - left) * WIDTH, 1.5)
    return (
        f'<rect class="{shade.kind}" x="{left * WIDTH:.1f}" y="0" width="{wide:.1f}" '
        f'height="{HEIGHT}"><title>{escape(shade.text)}</title></rect>'
    )


def _level(kind: str, share: float) -> str:
    height = f"{share * HEIGHT:.1f}"
    return f'<line class="{kind}" x1="0" x2="{WIDTH}" y1="{height}" y2="{height}"/>'


def _runs(points: Iterable[Point]) -> list[list[Point]]:
    """Stretches of points that have values; a line is not drawn across a hole."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.value is None or not math.isfinite(point.value):
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _spark_path(points: Sequence[SparkPoint], scale: float) -> str:
    """Whole numbers on a fine grid: a page may hold thousands of these."""
    start = points[0].at
    across = _SPARK_WIDTH / max(1, points[-1].at - start)
    path, pen = [], "M"
    for point in points:
        if point.remaining is None:
            pen = "M"
        else:
            height = int((1.0 - min(1.0, point.remaining)) * scale)
            path.append(f"{pen}{int((point.at - start) * across)} {height}")
            pen = "L"
    return "".join(path)


def _y_axis(ticks: Sequence[float], tick: Ticker, y: Callable[[float], float]) -> Markup:
    texts = [
        f'<text x="100%" y="{y(value) * 100:.1f}%" dy="4" text-anchor="end">{escape(tick(value))}'
        "</text>"
        for value in ticks
    ]
    return _drawn(f'<svg class="y-axis" aria-hidden="true">{"".join(texts)}</svg>')


def _x_axis(span: Span, x: Callable[[float], float]) -> Markup:
    ticks = time_ticks(span)
    daily = span.seconds > 2 * _DAY
    texts = []
    for at in ticks:
        share = x(at)
        anchor = "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"
        word = fmt.day(at) if daily else fmt.clock(at) if at % _DAY else fmt.day(at)
        texts.append(
            f'<text x="{share * 100:.2f}%" y="14" text-anchor="{anchor}">{escape(word)}</text>'
        )
    return _drawn(f'<svg class="x-axis" aria-hidden="true">{"".join(texts)}</svg>')


def _rows(plot: Plot) -> Markup:
    """Table rows, newest last; `data-at` lets the read-out find its place."""
    rows = [
        f'<tr data-at="{p.at}"><th scope="row">{fmt.stamp(p.at)}</th>'
        f"<td>{escape(plot.tell(p.value))}</td></tr>"
        for p in plot.points
    ]
    return _drawn("".join(rows))


def _summary(plot: Plot, known: Sequence[float]) -> str:
    if not known:
        return "No data in this range."
    return (
        f"{plot.subtitle}. From {fmt.stamp(plot.span.start)} to {fmt.stamp(plot.span.end)} UTC: "
        f"last {plot.tell(known[-1])}, lowest {plot.tell(min(known))}, "
        f"highest {plot.tell(max(known))}."
    )
