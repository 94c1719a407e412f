"""Budgets on charts: what was left of each window, as standings tell it.

Within the window that ends now a chart shows how its budget burns down. Over any other
range, and for a former meter, each point is of the window that ended then; its
budget is what the standing at the end of that window says, or the standing now
where the window still runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS, expected_events, rest_of
from slo.domain.exclusion import net_seconds
from slo.domain.span import Span, bucket_floor, union
from slo.domain.window import CalendarWindow
from slo.web.charts import series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slo.domain.meter import Meter
    from slo.domain.window import Window
    from slo.web.charts.panels import Facts, Plan
    from slo.web.charts.series import Point, Track


def budget_left(facts: Facts, plan: Plan, track: Track) -> list[Point]:
    """The budget left at each time: of the window that ends now, or of those that ended then."""
    if not plan.past:
        standing = facts.standing
        return series.burndown(track, standing.window, plan.shown, standing.budget.allowed)
    allowed = _allowed(facts, plan, track)
    return series.history(track, plan.shown, facts.window.period_at, allowed)


def ends_of(window: Window, meter: Meter, times: Iterable[int], shown: Span) -> set[int]:
    """The instants whose readings the budgets of the windows that ended at `times` need."""
    booked = booked_span(meter)
    if booked is None:
        return set()
    if isinstance(window, CalendarWindow):
        return _ends_of_periods(window, booked, shown)
    starts = {window.span_at(at).start: at for at in times}
    young = {at - HISTORY_SECONDS for start, at in starts.items() if start < booked.start}
    return {*starts, *(at for at in young if at > booked.start)}


def booked_span(meter: Meter) -> Span | None:
    """What a meter's ledger holds, in whole buckets; None where it is empty."""
    if meter.booked_from is None or meter.booked_to is None:
        return None
    return Span(meter.booked_from, bucket_floor(meter.booked_to, meter.bucket))


def _ends_of_periods(window: CalendarWindow, booked: Span, shown: Span) -> set[int]:
    edges, at = set(), min(shown.end, booked.end)
    while at > max(shown.start, booked.start):
        period = window.period_at(at)
        edges |= {period.start, min(period.end, booked.end)}
        if period.end > booked.end:
            edges.add(booked.end - HISTORY_SECONDS)
        at = period.start
    return edges


def _allowed(facts: Facts, plan: Plan, track: Track) -> Callable[[Span], float]:
    """The bad events that a whole window allows."""
    window, standing = facts.window, facts.standing
    running = None if facts.former else window.period_at(standing.at)
    calendar = isinstance(window, CalendarWindow)
    booked, objective = booked_span(facts.meter), facts.objective_at()
    away = union(exclusion.span for exclusion in facts.exclusions)

    def allowed(whole: Span) -> float:
        if whole == running:
            return standing.budget.allowed
        if booked is None:
            return 0.0
        end = min(whole.end, booked.end)
        events, expected = max(0.0, track.net(Span(whole.start, end)).total), 0.0
        rest = rest_of(whole, booked, calendar=calendar)
        if rest is not None:
            recent = Span(max(booked.start, end - HISTORY_SECONDS), end)
            expected = expected_events(
                track.net(recent), net_seconds(recent, plan.excluded), net_seconds(rest, away)
            )
        return (1 - objective(end)) * (events + expected)

    return allowed
