"""The JSON API of an SLO's numbers over time: what its page draws, as values."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.domain.duration import DurationError, format_duration, parse_duration
from slo.domain.ledger import OTHER
from slo.domain.span import Span, bucket_end, bucket_floor, rfc3339
from slo.domain.window import CalendarWindow
from slo.judging import judge
from slo.status import finite, note_json
from slo.store import contributors, slos
from slo.store.engine import reading
from slo.web.api.chosen import ensure_standing
from slo.web.api.cursor import make_cursor, page_of, read_cursor
from slo.web.api.models.numbers import (
    ContributorQuery,
    Contributors,
    PastWindows,
    PeriodQuery,
    Series,
    SeriesQuery,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.charts import budgets, panels, series
from slo.web.problem import refusal
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.domain.ledger import Contribution, Tally
    from slo.domain.standing import Standing
    from slo.domain.verdict import Verdict
    from slo.web.charts.panels import Facts, Plan
    from slo.web.charts.series import Point, Track

blueprint = Blueprint("api_numbers", __name__, url_prefix=PREFIX)

_SLO = "/slos/<service>/<name>"
_MOST_POINTS = 5000


@operation(blueprint, "GET", f"{_SLO}/series", permission="read", query=SeriesQuery, answer=Series)
def show_series(service: str, name: str, query: SeriesQuery) -> dict[str, Any]:
    """Gives the numbers behind the charts: events, budget left and burn rates in steps."""
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        facts = panels.facts_of(session, standing)
        bucket = 60 if facts is None else facts.meter.bucket
        shown = _span(standing, query.from_, query.to, bucket)
        step = _step(query.step, shown, bucket)
        points, objective = [], float(standing.objective)
        if facts is not None:
            objective = facts.objective_at()(shown.end)
            plan, track = panels.track_over(session, facts, shown, step=step)
            points = _points(facts, plan, track)
    return {
        "slo": standing.slo,
        "start": rfc3339(shown.start),
        "end": rfc3339(shown.end),
        "step": step,
        "objective": objective,
        "points": points,
    }


@operation(
    blueprint, "GET", f"{_SLO}/windows", permission="read", query=PeriodQuery, answer=PastWindows
)
def list_windows(service: str, name: str, query: PeriodQuery) -> dict[str, Any]:
    """Judges the periods that any meter's ledger holds, newest first, with the running one."""
    position = read_cursor(query.cursor, int)
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        facts = panels.facts_of(session, standing)
        own = None if facts is None else facts.window
        zone = own.zone if isinstance(own, CalendarWindow) else "UTC"
        unit = own.unit if isinstance(own, CalendarWindow) else "month"
        calendar = CalendarWindow(query.unit or unit, zone)
        booked = slos.booked_span(session, standing.slo)
        end = standing.at if position is None else min(standing.at, position[0])
        periods = () if booked is None else calendar.periods_back(end, booked.start)
        shown, more = page_of(list(islice(periods, query.limit + 1)), query.limit)
        verdicts = judge(session, [standing.slo], shown, current_site().clock())[standing.slo]
    return {
        "slo": standing.slo,
        "unit": calendar.unit,
        "windows": [_verdict_json(verdict) for verdict in verdicts],
        "next": make_cursor(shown[-1].start) if more else None,
    }


@operation(
    blueprint,
    "GET",
    f"{_SLO}/contributors",
    permission="read",
    query=ContributorQuery,
    answer=Contributors,
)
def list_contributors(service: str, name: str, query: ContributorQuery) -> dict[str, Any]:
    """Lists the label sets with most bad events of a span, counted in whole hours."""
    with reading(current_site().engine) as session:
        standing = ensure_standing(session, service, name)
        shown = _span(standing, query.from_, query.to, 1)
        meter = slos.meter_of(session, standing.slo)
        found, hour = [], None
        if meter is not None:
            found = contributors.top(session, meter.id, shown.start, shown.end, query.limit)
            hour = contributors.worst_hour(session, meter.id, shown.start, shown.end)
    bad = sum(one.bad for one in found)
    return {
        "slo": standing.slo,
        "start": rfc3339(shown.start),
        "end": rfc3339(shown.end),
        "worst_hour": None if hour is None else rfc3339(hour),
        "contributors": [_contributor_json(one, bad) for one in found],
    }


def _span(standing: Standing, start: int | None, end: int | None, bucket: int) -> Span:
    """The span that is asked for, in whole buckets; it ends at the last reading or before."""
    last = standing.at if end is None else min(bucket_end(end, bucket), standing.at)
    first = standing.window.start if start is None else bucket_floor(start, bucket)
    if first >= last:
        text = f"{rfc3339(first)} is not before {rfc3339(last)}, where what is booked ends"
        raise refusal("query", "from", f"{text}; begin earlier")
    return Span(first, last)


def _step(text: str | None, shown: Span, bucket: int) -> int:
    if text is None:
        return series.step_for(shown.seconds, bucket)
    try:
        wanted = round(parse_duration(text).total_seconds())
    except DurationError as error:
        raise refusal("query", "step", str(error)) from None
    step = -(-max(wanted, 1) // bucket) * bucket
    if shown.seconds / step > _MOST_POINTS:
        told = f"gives over {_MOST_POINTS:,} points; take a longer one, or a shorter span"
        raise refusal("query", "step", told)
    return step


def _points(facts: Facts, plan: Plan, track: Track) -> list[dict[str, Any]]:
    objective, shown = facts.objective_at(), plan.shown
    left = _by_time(budgets.budget_left(facts, plan, track))
    burns = {
        format_duration(timedelta(seconds=seconds)): _by_time(
            series.burn_rate(track, shown, seconds, objective)
        )
        for seconds in plan.burns
    }
    found = []
    for start, end in track.steps(shown):
        at, first, last = track.times[end], track.read[start], track.read[end]
        events = None if first is None or last is None else last - first
        found.append(
            {
                "at": rfc3339(at),
                **_events_json(events, at - track.times[start]),
                "remaining": left.get(at),
                "burn_rates": {name: rates.get(at) for name, rates in burns.items()},
            }
        )
    return found


def _events_json(events: Tally | None, seconds: int) -> dict[str, float | None]:
    if events is None:
        return dict.fromkeys(("good", "bad", "total", "coverage"))
    return {
        "good": max(0.0, events.total - events.bad),
        "bad": events.bad,
        "total": max(0.0, events.total),
        "coverage": min(1.0, events.covered / seconds),
    }


def _by_time(points: list[Point]) -> dict[int, float | None]:
    return {point.at: finite(point.value) for point in points}


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    budget = verdict.budget
    return {
        "start": rfc3339(verdict.period.start),
        "end": rfc3339(verdict.period.end),
        "objective": None if verdict.objective is None else float(verdict.objective),
        "good": verdict.total - verdict.bad,
        "bad": verdict.bad,
        "total": verdict.total,
        "sli": finite(verdict.sli),
        "budget": None
        if budget is None
        else {
            "allowed": budget.allowed,
            "spent": budget.spent,
            "remaining": finite(budget.remaining),
            "projected": budget.projected,
        },
        "coverage": finite(verdict.coverage),
        "met": verdict.met,
        "running": verdict.running,
        "notes": [note_json(note) for note in verdict.notes],
    }


def _contributor_json(one: Contribution, bad: float) -> dict[str, Any]:
    return {
        "labels": None if one.labels == OTHER else json.loads(one.labels),
        "bad": one.bad,
        "total": one.total,
        "share": one.bad / bad if bad > 0 else None,
    }
