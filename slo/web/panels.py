"""The charts of one SLO's page: what to read for a range of time, and what to draw of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.span import Span, bucket_end, bucket_floor
from slo.web import charts, detail, series
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.ledger import Exclusion
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing
    from slo.domain.window import Window
    from slo.web.charts import Chart, Shade
    from slo.web.series import Track

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read for the charts: the span shown, its step, and the grid of times."""

    window: Window
    shown: Span
    step: int
    burn_seconds: int
    times: tuple[int, ...]
    long: bool
    """Whether more than the window is shown, so that past windows are."""


def plan(standing: Standing, meter: Meter, key: str, exclusions: Iterable[Exclusion]) -> Plan:
    """The times that the range `key` needs; an unknown key means the window."""
    window = detail.window_of(standing)
    seconds = dict(detail.RANGES).get(key)
    whole = standing.window
    shown = whole if seconds is None else Span(whole.end - seconds, whole.end)
    long = shown.start < whole.start
    if meter.booked_from is not None and long:  # No empty months before the ledger began.
        shown = Span(min(max(shown.start, meter.booked_from), whole.start), shown.end)
    step = series.step_for(shown.seconds, meter.bucket)
    burn_seconds = max(_HOUR, step)
    first = window.period_at(shown.start).start if long else shown.start - burn_seconds
    edges = {edge for span in outward(exclusions, meter.bucket) for edge in (span.start, span.end)}
    inside = {edge for edge in edges if min(first, whole.start) < edge < whole.end}
    times = {*series.grid(Span(first, shown.end), step), shown.start, whole.start, *inside}
    return Plan(window, shown, step, burn_seconds, tuple(sorted(times)), long)


def outward(exclusions: Iterable[Exclusion], bucket: int) -> list[Span]:
    """The spans that do not count, with their edges moved outward to whole buckets."""
    return [
        Span(bucket_floor(e.span.start, bucket), bucket_end(e.span.end, bucket)) for e in exclusions
    ]


def shades(track: Track, shown: Span, exclusions: Iterable[Exclusion]) -> list[Shade]:
    """What is set apart in the charts: time without data, and time that does not count."""
    found = [
        charts.Shade("gap", gap, f"no data, {fmt.stamp(gap.start)} to {fmt.stamp(gap.end)}")
        for gap in series.gaps(track, shown)
    ]
    for exclusion in exclusions:
        inside = exclusion.span.overlap(shown)
        if inside is not None:
            found.append(charts.Shade("excluded", inside, f"excluded: {exclusion.why}"))
    return found


def render_charts(
    standing: Standing, plan_: Plan, track: Track, exclusions: Sequence[Exclusion]
) -> list[Chart]:
    """Budget, share of bad events, burn rate, events per minute."""
    shown, objective = plan_.shown, float(standing.objective)
    apart = shades(track, shown, exclusions)
    marks = ", ".join(
        word
        for kind, word in (("gap", "grey: no data"), ("excluded", "blue: excluded"))
        if any(shade.kind == kind for shade in apart)
    )
    behind = ""
    if any(note.kind == "backfill" for note in standing.notes):
        behind = "history is being read; the numbers above follow with the next cycle"
    step, unit = fmt.span(plan_.step), "slices" if standing.slices else "events"
    burn_name = fmt.span(plan_.burn_seconds)
    allowed = standing.budget.allowed
    if plan_.long:
        left = series.history(track, shown, objective, plan_.window.period_at, allowed)
        about = f"left of the {detail.window_name(standing)} that ended then"
    else:
        left = series.burndown(track, standing.window, shown, allowed)
        about = f"left of the {detail.window_name(standing)} that end now"
        if standing.window_kind == "calendar":
            about = f"left of this {detail.window_name(standing)}"

    def draw(
        name: str,
        title: str,
        subtitle: str,
        tone: str,
        points: Sequence[series.Point],
        tell: charts.Teller,
        tick: charts.Ticker,
        *,
        limit: float | None = None,
        top: float | None = None,
    ) -> Chart:
        return charts.render_chart(
            charts.Plot(
                name, title, subtitle, title, tone, points, shown, tell, tick, limit, top, apart
            )
        )

    return [
        draw(
            "budget",
            "Error budget",
            "; ".join(filter(None, (about, behind, marks))),
            "blue",
            left,
            fmt.percent,
            _percent_tick,
            limit=0.0,
            top=1.0,
        ),
        draw(
            "bad",
            f"Bad {unit}",
            f"share of all, per {step}; dashed: allowed in the long run",
            "red",
            series.bad_share(track, shown),
            lambda v: fmt.percent(v, 2),
            _percent_tick,
            limit=1 - objective,
        ),
        draw(
            "burn",
            f"Burn rate, {burn_name}",
            "dashed: 1x spends the budget just by the window's end",
            "amber",
            series.burn_rate(track, shown, plan_.burn_seconds, objective),
            fmt.burn,
            lambda v: f"{v:,.4g}x",
            limit=1.0,
        ),
        draw(
            "rate",
            f"{unit.capitalize()} per minute",
            f"mean of each {step}",
            "blue",
            series.per_minute(track, shown),
            fmt.rate,
            lambda v: f"{v:,.6g}",
        ),
    ]


def _percent_tick(value: float) -> str:
    return f"{value * 100:.4g}".replace("-", fmt.MINUS) + f"{fmt.SPACE}%"
