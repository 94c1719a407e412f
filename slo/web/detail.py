"""The view of one SLO's page: its tiles, charts and tables, for a range of time."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from slo.domain.duration import format_duration, parse_duration
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span, bucket_end, bucket_floor
from slo.domain.window import CALENDAR_UNITS, CalendarWindow, RollingWindow
from slo.web import charts, series, urgency
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Correction, Exclusion
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing
    from slo.domain.window import Window
    from slo.web.charts import Chart, Shade
    from slo.web.series import Track

WINDOW = "window"
_HOUR = 3600
_DAY = 86_400
_RANGES = (("1h", _HOUR), ("6h", 6 * _HOUR), ("1d", _DAY), ("7d", 7 * _DAY), ("1y", 365 * _DAY))


@dataclass(frozen=True, slots=True)
class Tab:
    """One range that the page can show."""

    key: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the numbers on top; `bad` colours it."""

    label: str
    value: str
    detail: str
    bad: bool = False


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
    window = window_of(standing)
    seconds = dict(_RANGES).get(key)
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


def window_of(standing: Standing) -> Window:
    """The window that the standing's label names; `month (Europe/Berlin)` has a zone."""
    if standing.window_kind == "rolling":
        return RollingWindow(parse_duration(standing.window_label))
    name, _, zone = standing.window_label.partition(" (")
    unit = next(u for u in CALENDAR_UNITS if u == name)
    return CalendarWindow(unit, zone.removesuffix(")") or "UTC")


def tabs(standing: Standing, key: str) -> list[Tab]:
    """The ranges from short to long, the SLO's own window among them."""
    own = Tab(WINDOW, window_name(standing), key not in dict(_RANGES))
    length = standing.window.seconds
    if standing.window_kind == "calendar":
        period = window_of(standing).period_at(standing.at)
        length = period.seconds
    found = [
        (seconds, Tab(name, _short(name), key == name))
        for name, seconds in _RANGES
        if seconds != length or key == name
    ]
    return [tab for _, tab in sorted([*found, (length, own)], key=lambda pair: pair[0])]


def window_name(standing: Standing) -> str:
    """The window's length as it is shown: `30 d`, `month (Europe/Berlin)`."""
    label = standing.window_label
    return _short(label) if standing.window_kind == "rolling" else label


def promise(standing: Standing) -> str:
    """What is promised, in a sentence: `99 % of requests under 200 ms, over a rolling 30 d`."""
    over = "a rolling" if standing.window_kind == "rolling" else "the calendar"
    share = fmt.objective(standing.objective)
    return f"{share} of {standing.indicator_text}, over {over} {window_name(standing)}"


def tiles(standing: Standing, now: float) -> list[Tile]:
    """The six numbers."""
    budget, bad = standing.budget, standing.state == "exhausted"
    unit = "slices" if standing.slices else "events"
    left = f"{fmt.count(budget.allowed - budget.spent)} of {fmt.count(budget.allowed)} {unit}"
    rates = dict(standing.burn_rates)
    slower = " \u00b7 ".join(
        f"{_short(name)} {fmt.burn(rates[name])}" for name in ("6h", "3d") if name in rates
    )
    missing = fmt.DASH
    if standing.coverage is not None:
        without = max(0.0, 1 - standing.coverage) * standing.window.seconds
        missing = f"{fmt.span(without)} without data" if without >= 1 else "no time without data"
    return [
        Tile(
            "SLI",
            fmt.sli(standing.sli, standing.objective),
            f"objective {fmt.objective(standing.objective)}",
        ),
        Tile(
            "Budget left",
            fmt.percent(budget.remaining),
            left + (", projected" if budget.projected else ""),
            bad,
        ),
        Tile(f"Bad {unit}", fmt.count(standing.bad), f"of {fmt.count(standing.total)}"),
        Tile(f"Burn rate, 1{fmt.SPACE}h", fmt.burn(rates.get("1h")), slower),
        Tile("Coverage", fmt.percent(standing.coverage, 2), missing),
        Tile("Budget gone", urgency.forecast(standing, now), _paces(standing, now), bad),
    ]


def burn_table(standing: Standing) -> list[tuple[str, str, str]]:
    """Span, burn rate, and how long a whole budget lasts at that rate."""
    length = window_of(standing).period_at(standing.at).seconds
    return [
        (_short(name), fmt.burn(rate), fmt.span(length / rate) if rate else "for ever")
        for name, rate in standing.burn_rates
        if rate is not None
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
    step, unit = fmt.span(plan_.step), "slices" if standing.slices else "events"
    burn_name = fmt.span(plan_.burn_seconds)
    allowed = standing.budget.allowed
    if plan_.long:
        left = series.history(track, shown, objective, plan_.window.period_at, allowed)
        about = f"left of the {window_name(standing)} that ended then"
    else:
        left = series.burndown(track, standing.window, shown, allowed)
        about = f"left of the {window_name(standing)} that end now"
        if standing.window_kind == "calendar":
            about = f"left of this {window_name(standing)}"

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
            "; ".join(filter(None, (about, marks))),
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


def definition(standing: Standing, meter: Meter | None) -> list[tuple[str, str]]:
    """What is counted and judged, as pairs of name and text."""
    pairs = [
        ("SLO", standing.slo),
        ("Objective", fmt.objective(standing.objective)),
        ("Window", f"{standing.window_kind}, {window_name(standing)}"),
        ("Indicator", standing.indicator + (" (estimated)" if standing.estimated else "")),
    ]
    if meter is not None:
        pairs += _indicator_pairs(indicator_from_json(meter.indicator))
        pairs.append(("Bucket", fmt.span(meter.bucket)))
        if meter.booked_from is not None and meter.booked_to is not None:
            booked = f"{fmt.stamp(meter.booked_from)} to {fmt.stamp(meter.booked_to)} UTC"
            pairs.append(("Ledger", booked))
    pairs += [(f"Label {name}", value) for name, value in standing.labels]
    return pairs


def corrected(corrections: Iterable[Correction], window: Span) -> list[tuple[str, str, str, str]]:
    """The window's corrections: bucket, good, total, and who says why."""
    return [
        (fmt.stamp(c.end), fmt.count(c.good), fmt.count(c.total), f"{c.who}: {c.why}")
        for c in corrections
        if window.start < c.end <= window.end
    ]


def _paces(standing: Standing, now: float) -> str:
    return " \u00b7 ".join(
        f"by {_short(f.basis)}: "
        + ("stays" if f.exhausted_at is None else _when(f.exhausted_at, now))
        for f in standing.forecasts
    )


def _when(at: int, now: float) -> str:
    return "spent" if at <= now else fmt.coming(at, now)


def _indicator_pairs(indicator: Indicator) -> list[tuple[str, str]]:
    """What an indicator was given, as slo.yaml names it; what it was not given is left out."""
    values = ((f.name, getattr(indicator, f.name)) for f in dataclasses.fields(indicator))
    return [
        (name.replace("_", " "), _spoken(value))
        for name, value in values
        if name != "kind" and value is not None and value is not False
    ]


def _spoken(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _percent_tick(value: float) -> str:
    return f"{value * 100:.4g}".replace("-", fmt.MINUS) + f"{fmt.SPACE}%"


def _short(label: str) -> str:
    return f"{label[:-1]}{fmt.SPACE}{label[-1]}" if label[:-1].isdigit() else label
