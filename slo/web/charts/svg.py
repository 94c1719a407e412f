"""Charts as SVG made on the server: they read without a script, and in any width.

The plot is stretched to its box and its strokes are not; texts and marks stand at
percentages of the width in layers of their own, so they keep their size on a phone.
All times are UTC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from slo.web import format as fmt
from slo.web.charts import axes, levels, marks
from slo.web.charts.axes import Scale, drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.span import Span
    from slo.web.charts.axes import Ticker
    from slo.web.charts.levels import Level
    from slo.web.charts.marks import Mark
    from slo.web.charts.series import Point

Teller = Callable[[float | None], str]
WIDTH, HEIGHT = 1000, 200
_APART = "\x1f"
"""Parts texts; no text that is shown holds it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart; `stroke` is its pattern, so that colour is not all that tells it."""

    name: str
    tone: str
    points: Sequence[Point]
    stroke: str = "solid"
    area: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a chart's legend: a line's name, and its look."""

    name: str
    tone: str
    stroke: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, ready for its template; `rows` is the same data as text."""

    id: str
    title: str
    subtitle: str
    keys: tuple[Key, ...]
    under: Markup
    plot: Markup
    over: Markup
    y_axis: Markup
    x_axis: Markup
    rows: Markup
    summary: str
    empty: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the lines, as they head the table."""
        return tuple(key.name for key in self.keys)


@dataclass(frozen=True, slots=True)
class Plot:
    """What to draw: the values of `lines` over `span`, each told by `tell`."""

    id: str
    title: str
    subtitle: str
    lines: Sequence[Line]
    span: Span
    tell: Teller
    tick: Ticker
    levels: Sequence[Level] = field(default=())
    top: float | None = None
    marks: Sequence[Mark] = field(default=())


def render_chart(plot: Plot) -> Chart:
    """The chart of a plot; without any value it is `empty` and its summary says so."""
    known = [value for line in plot.lines for value in _values(line)]
    ticks = axes.nice_ticks(*_domain(plot, known))
    scale = Scale(plot.span, ticks[0], ticks[-1])
    plot = _listed(plot, scale)
    summary = _summary(plot)
    return Chart(
        id=plot.id,
        title=plot.title,
        subtitle=plot.subtitle,
        keys=tuple(Key(line.name, line.tone, line.stroke) for line in plot.lines),
        under=marks.under(plot.id, plot.marks, scale),
        plot=_plot_svg(plot, summary, ticks, scale),
        over=marks.over(plot.marks, levels.texts(plot.levels, scale), scale),
        y_axis=axes.y_axis(ticks, plot.tick, scale),
        x_axis=axes.x_axis(scale),
        rows=_rows(plot),
        summary=summary,
        empty=not known,
    )


def _listed(plot: Plot, scale: Scale) -> Plot:
    """With the dashed lines in its subtitle that no text on the chart tells."""
    absent = levels.unnamed(plot.levels, scale)
    if not absent:
        return plot
    told = f"not named there, from the top: {'; '.join(absent)}"
    return replace(plot, subtitle="; ".join(filter(None, (plot.subtitle, told))))


def _values(line: Line) -> list[float]:
    return [p.value for p in line.points if p.value is not None and math.isfinite(p.value)]


def _domain(plot: Plot, known: Sequence[float]) -> tuple[float, float]:
    values = [*known, *(level.value for level in plot.levels)]
    high = max([*values, *([plot.top] if plot.top is not None else [])], default=1.0)
    low = min([*values, 0.0])
    return low, high if high > low else low + 1.0


def _plot_svg(plot: Plot, summary: str, ticks: Sequence[float], scale: Scale) -> Markup:
    head = (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-labelledby="{plot.id}-t {plot.id}-d" '
        f'data-from="{plot.span.start}" data-to="{plot.span.end}">'
    )
    parts = [
        head,
        f'<title id="{plot.id}-t">{escape(plot.title)}</title>',
        f'<desc id="{plot.id}-d">{escape(summary)}</desc>',
    ]
    parts += [_level("rule", scale.y(tick)) for tick in ticks]
    for line in plot.lines:
        parts.append(f'<g class="tone-{line.tone}">')
        parts += [_stretch(line, run, scale) for run in _runs(line.points)]
        parts.append("</g>")
    parts += [_limit(level, scale) for level in plot.levels]
    parts.append(f'<line class="cursor" y1="0" y2="{HEIGHT}" visibility="hidden"/></svg>')
    return drawn("".join(parts))


def _stretch(line: Line, run: Sequence[Point], scale: Scale) -> str:
    """The line of a stretch without holes, and the area below it down to the plot's floor."""
    across, start = WIDTH / max(1, scale.span.seconds), scale.span.start
    down, high = HEIGHT / (scale.high - scale.low), scale.high
    path = "L".join(
        f"{(p.at - start) * across:.1f} {(high - (p.value or 0)) * down:.1f}" for p in run
    )
    if len(run) == 1:  # A single point would be invisible.
        path += "h1"
    drawn_line = f'<path class="line {line.stroke}" d="M{path}"/>'
    if not line.area:
        return drawn_line
    left, right = scale.x(run[0].at) * WIDTH, scale.x(run[-1].at) * WIDTH
    area = f'<path class="area" d="M{left:.1f} {HEIGHT}L{path}L{right:.1f} {HEIGHT}Z"/>'
    return area + drawn_line


def _level(kind: str, share: float, left: float = 0.0, right: float = 1.0) -> str:
    height = f"{share * HEIGHT:.1f}"
    across = f'x1="{left * WIDTH:.4g}" x2="{right * WIDTH:.4g}"'
    return f'<line class="{kind}" {across} y1="{height}" y2="{height}"/>'


def _limit(level: Level, scale: Scale) -> str:
    left, right = 0.0, 1.0
    if level.span is not None:
        left, right = scale.x(level.span.start), scale.x(level.span.end)
    kind = f"limit tone-{level.tone}"
    return _level(kind, scale.y(level.value), max(0.0, left), min(1.0, right))


def _runs(points: Iterable[Point]) -> list[list[Point]]:
    """Stretches of points that have values; a line is not drawn across a hole."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.value is None or not math.isfinite(point.value):
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _rows(plot: Plot) -> Markup:
    """Table rows, newest last; `data-at` lets the read-out find its place."""
    by_line = [{p.at: p.value for p in line.points} for line in plot.lines]
    instants = sorted({at for values in by_line for at in values})
    cells = [_cells(plot.tell, [values.get(at) for at in instants]) for values in by_line]
    if not instants:
        return Markup()
    rows = [
        f'<tr data-at="{at}"><th scope="row">{_stamp(at)}</th>{"".join(told)}</tr>'
        for at, *told in zip(instants, *cells, strict=True)
    ]
    return drawn("".join(rows))


def _cells(tell: Teller, values: Iterable[float | None]) -> list[str]:
    """Values as cells, escaped all at once: a page has thousands."""
    texts = escape(_APART.join(tell(value) for value in values))
    return [f"<td>{text}</td>" for text in str(texts).split(_APART)]


@lru_cache(maxsize=8192)
def _stamp(at: int) -> str:
    """The charts of a page, and the page a minute later, tell the same instants."""
    return fmt.stamp(at)


def _summary(plot: Plot) -> str:
    told = [_told(line, values, plot) for line in plot.lines if (values := _values(line))]
    if not told:
        return "No data in this range."
    about = f"{plot.subtitle}. " if plot.subtitle else ""
    return (
        f"{about}From {fmt.stamp(plot.span.start)} to {fmt.stamp(plot.span.end)} UTC: "
        f"{'; '.join(told)}."
    )


def _told(line: Line, values: Sequence[float], plot: Plot) -> str:
    name = f"{line.name}: " if len(plot.lines) > 1 else ""
    return (
        f"{name}last {plot.tell(values[-1])}, lowest {plot.tell(min(values))}, "
        f"highest {plot.tell(max(values))}"
    )
