"""The budgets of several SLOs on one chart: how much of each is left over one axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.exclusion import instants_needed, snapped
from slo.domain.span import Span, bucket_end
from slo.store import corrections, readings, slos
from slo.web import format as fmt
from slo.web.charts import plots, series, svg
from slo.web.charts.levels import Level
from slo.web.charts.svg import Line, Plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Correction, Exclusion
    from slo.domain.meter import Meter
    from slo.domain.standing import Standing
    from slo.web.charts.marks import Mark
    from slo.web.charts.series import Point
    from slo.web.charts.svg import Chart

MOST_LINES = 8
"""Lines that an eye can tell apart on one chart."""
FLOOR = -1.0
"""Lines end here: one budget spent many times over would press all others flat."""
_POINTS = 200
_HOUR, _MONTH = 3600, 31 * 86_400
_TONES = ("blue", "amber", "healthy", "red")
_STROKES = ("solid", "dashes", "dots", "dash-dot", "long")


def shown_span(standings: Iterable[Standing]) -> Span:
    """From where the longest window began to the newest reading, yet no more than a month.

    A year beside a week would press the week flat, so only windows that are all longer
    than a month are shown longer, as long as the shortest of them. A window begins
    where its ledger does, if that is later.
    """
    known = list(standings)
    end = max(s.at for s in known)
    begun = [_begun(s) for s in known]
    start = max(min(begun), min(max(begun), end - _MONTH))
    return Span(min(start, end - _HOUR), end)


def _begun(standing: Standing) -> int:
    young = (note.last for note in standing.notes if note.kind == "young")
    return next((at for at in young if at is not None), standing.window.start)


def lowest(standings: Iterable[Standing]) -> list[Standing]:
    """The SLOs with least budget left, as many as one chart tells apart; by name."""
    known = [s for s in standings if s.budget.remaining is not None]
    least = sorted(known, key=lambda s: (s.budget.remaining or 0.0, s.slo))
    return sorted(least[:MOST_LINES], key=lambda s: s.slo)


def render_budgets(
    session: Session,
    standings: Sequence[Standing],
    away: Sequence[Exclusion],
    marks: Sequence[Mark],
) -> Chart:
    """The budget left of each SLO in the window that ends now, each of its own window."""
    drawn, shown = lowest(standings), shown_span(standings)
    ids = [s.slo for s in drawn]
    # The last meter of each is that of the standing.
    meters = {slo: of[-1] for slo, of in slos.meters_by_slo(session, ids).items() if of}
    late = corrections.of(session, [meter.id for meter in meters.values()])
    points = {
        s.slo: _budget(
            session,
            s,
            meters[s.slo],
            [e for e in away if e.covers(s.slo) and e.span.overlap(s.window)],
            late[meters[s.slo].id],
            shown,
        )
        for s in drawn
        if s.slo in meters
    }
    lines = [
        Line(
            s.name,
            _TONES[place % len(_TONES)],
            points.get(s.slo, ()),
            _STROKES[place % len(_STROKES)],
        )
        for place, s in enumerate(drawn)
    ]
    return svg.render_chart(
        Plot(
            "budgets",
            "Budgets left",
            _about(standings, drawn),
            lines,
            shown,
            _told,
            plots.percent_tick,
            levels=(Level(0.0),),
            top=1.0,
            marks=marks,
        )
    )


def _about(standings: Sequence[Standing], drawn: Sequence[Standing]) -> str:
    parts = ["of each SLO, in its own window that ends now"]
    if len(drawn) < len(standings):
        parts.append(f"the {len(drawn)} with least left of {len(standings)}")
    if any((s.budget.remaining or 0.0) < FLOOR for s in drawn):
        parts.append(f"what is below {fmt.percent(FLOOR, 0)} stands at the foot")
    return "; ".join(parts)


def _told(value: float | None) -> str:
    told = fmt.percent(value)
    return f"{told} or less" if value is not None and value <= FLOOR else told


def _budget(
    session: Session,
    standing: Standing,
    meter: Meter,
    away: Sequence[Exclusion],
    late: Sequence[Correction],
    shown: Span,
) -> list[Point]:
    """The budget left at each time of the grid, exclusions and corrections heeded."""
    begun, found = meter.booked_from, {}
    if begun is None:
        return []

    def read(instants: Iterable[int]) -> None:
        for (_, at), one in readings.readings_at(session, {meter.id: instants}).items():
            found[at] = found[one.end] = one

    grid = set(series.grid(shown, _step(shown, meter.bucket)))
    excluded: Sequence[Span] = ()
    if away:
        read(max(at, begun) for at in instants_needed(standing.window, away, meter.bucket))
        excluded = snapped(away, lambda at: found.get(max(at, begun)), meter.bucket)
    edges = {at for span in excluded for at in (span.start, span.end)}
    start = max(begun, standing.window.start)
    times = sorted(at for at in {*grid, *edges, start} if at <= shown.end)
    read(times)
    track = series.track(times, found, late, excluded, grid)
    left = series.burndown(track, standing.window, shown, standing.budget.allowed)
    return [series.Point(p.at, None if p.value is None else max(FLOOR, p.value)) for p in left]


def _step(shown: Span, bucket: int) -> int:
    """The step of the grid; one for all lines, so that their table has no holes."""
    fitting = (step for step in series.STEPS if shown.seconds / step <= _POINTS)
    return bucket_end(next(fitting, series.STEPS[-1]), bucket)
