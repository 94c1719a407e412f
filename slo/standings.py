"""Standings: the numbers of many SLOs at once, from a few bulk reads of the store.

Each cycle asks for them as of every SLO's last reading, and keeps with each a
memo of what the next cycle needs: the grid of readings behind its sparkline and
forecast, the state (which has hysteresis) and the newest covered bucket. The grid
holds bare readings, so neither corrections nor exclusions nor a longer backfill
make it wrong: they are applied, and missing points fetched, whenever it is used.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import orjson

from slo.domain.budget import HISTORY_SECONDS, budget_of, expected_events
from slo.domain.burn import burn_rate
from slo.domain.exclusion import (
    Mark,
    bad_until,
    instants_needed,
    net_seconds,
    snapped,
    tally,
)
from slo.domain.forecast import FORECAST_SPANS, exhausted_after
from slo.domain.grid import burndown, grid_instants, grid_step, spent_since
from slo.domain.ledger import NOTHING
from slo.domain.span import Span, bucket_floor, rfc3339, union
from slo.domain.standing import BURN_SPANS, Budget, Forecast, Note, Standing
from slo.domain.state import NO_DATA_SECONDS, data_state, next_state
from slo.domain.window import CalendarWindow
from slo.domain.wording import indicator_text
from slo.store import corrections, exclusions, notes, readings, slos
from slo.store import standings as stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Correction, Exclusion, Reading, Tally
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.standing import DataState, State


_NOISE = 1e-6
"""What sums of floats may differ by without meaning anything."""

SLICE_KINDS = frozenset({"mean", "slices", "freshness"})


@dataclass(frozen=True, slots=True)
class Subject:
    """An SLO to compute: as it is defined now, with its indicator resolved and its meter.

    `now` is the clock and `lag` the source's, in seconds; both tell how fresh the
    data are.
    """

    slo: SLO
    indicator: Indicator
    meter: Meter
    now: int
    lag: int = 15
    paused: bool = False


@dataclass(slots=True)
class _Memo:
    """What one cycle leaves for the next; points are `instant -> (good, total)`."""

    meter: int
    step: int
    state: State | None = None
    last_data: int | None = None
    points: dict[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store knows of all subjects, read once."""

    by_scope: Mapping[str, Sequence[Exclusion]]
    corrections: Mapping[str, Sequence[Correction]]
    notes: Mapping[int, Sequence[Note]]
    memos: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """One subject, the spans to look at, and the instants whose readings they need."""

    subject: Subject
    slo: SLO
    past: bool
    begun: int
    end: int
    window: Span
    period: Span
    memo: _Memo
    exclusions: Sequence[Exclusion]
    instants: frozenset[int]


@dataclass(frozen=True, slots=True)
class _View:
    """One SLO's ledger: its readings by instant, what is excluded and what is corrected."""

    begun: int
    known: Mapping[int, Reading | None]
    excluded: Sequence[Span]
    corrections: Sequence[Correction]

    @classmethod
    def of(cls, plan: _Plan, facts: _Facts, found: Mapping[tuple[int, int], Reading]) -> _View:
        """The view of a plan whose instants were looked up."""
        meter = plan.subject.meter
        known = {t: found.get((meter.id, t)) for t in plan.instants}
        excluded: Sequence[Span] = ()
        corrected = facts.corrections.get(plan.slo.id, ())
        if plan.exclusions:
            known |= {r.end: r for r in known.values() if r is not None}
            bare = cls(plan.begun, known, (), ())
            excluded = snapped(plan.exclusions, bare.reading_at, meter.bucket)
        return cls(plan.begun, known, excluded, corrected)

    def reading_at(self, instant: int) -> Reading | None:
        """The last reading at or before one of the instants that were looked up."""
        return self.known[max(instant, self.begun)]

    def tally(self, span: Span) -> Tally:
        """The events of a span, net and corrected."""
        return tally(span, self.reading_at, self.excluded, self.corrections)


def compute(
    session: Session, subjects: Sequence[Subject], at: Mapping[str, int] | None = None
) -> list[tuple[Standing, str | None]]:
    """The standing of each subject, and the memo to keep with it as its grid (JSON).

    A window ends at the SLO's last reading; with an instant in `at` (by SLO id,
    epoch seconds) at the last bucket's end at or before it, judged by the revision
    then in force, without hysteresis, and with None for the memo.
    """
    at = at or {}
    subjects = _as_of(session, subjects, at)
    facts = _facts(session, subjects)
    plans = [_plan(s, at.get(s.slo.id), facts) for s in subjects]
    wanted: dict[int, set[int]] = defaultdict(set)
    for plan in plans:
        wanted[plan.subject.meter.id] |= plan.instants
    found = readings.readings_at(session, wanted)
    return [_result(plan, facts, found) for plan in plans]


def _result(
    plan: _Plan, facts: _Facts, found: Mapping[tuple[int, int], Reading]
) -> tuple[Standing, str | None]:
    view = _View.of(plan, facts, found)
    subject, slo, meter, end = plan.subject, plan.slo, plan.subject.meter, plan.end
    events = view.tally(plan.window)
    counted = net_seconds(Span(max(plan.window.start, plan.begun), end), view.excluded)
    rest = _rest(plan)
    expected = None if rest is None else _expected(plan, view, rest)
    budget = budget_of(slo.objective, events, expected)
    burn_rates = tuple(
        (name, burn_rate(view.tally(Span(end - seconds, end)), slo.objective))
        for name, seconds in BURN_SPANS
    )
    marks = _marks(plan, found)
    bad = bad_until(marks, plan.window, view.reading_at, view.excluded, view.corrections)
    forecasts = _forecasts(plan, budget, dict(burn_rates), counted + (rest or 0), bad)
    last_data = _last_data(plan, view)
    previous = None if plan.past else plan.memo.state
    state = next_state(previous, budget.remaining, slo.bounds, max(0, end - plan.begun))
    last = view.reading_at(end)
    standing = Standing(
        slo=slo.id,
        service=slo.service,
        name=slo.name,
        objective=slo.objective,
        indicator=subject.indicator.kind,
        indicator_text=indicator_text(subject.indicator, meter.bucket),
        estimated=subject.indicator.kind == "query",
        slices=subject.indicator.kind in SLICE_KINDS,
        window_kind="calendar" if isinstance(slo.window, CalendarWindow) else "rolling",
        window_label=slo.window.label(),
        window=plan.window,
        at=end if last is None else min(last.end, end),
        good=events.good,
        bad=events.bad,
        total=events.total,
        sli=events.sli,
        budget=budget,
        burn_rates=burn_rates,
        coverage=min(1.0, events.covered / counted) if counted else None,
        state=state,
        data=data_state(last_data, end if plan.past else subject.now, meter.bucket, subject.lag),
        exhausted_at=_exhausted_at(plan, budget, forecasts, bad),
        forecasts=forecasts,
        notes=_notes(plan, events, facts.notes.get(meter.id, ())),
        sparkline=burndown(plan.window, plan.begun, budget, bad),
        owner=slo.owner,
        description=slo.description,
        runbook=slo.runbook,
        labels=slo.labels,
        paused=subject.paused,
        last_data=last_data,
    )
    return standing, None if plan.past else _memo_text(plan, marks, state, last_data)


def _as_of(session: Session, subjects: Sequence[Subject], at: Mapping[str, int]) -> list[Subject]:
    """The subjects with those of `at` as they were then defined."""
    by_instant: dict[int, list[str]] = defaultdict(list)
    for subject in subjects:
        if subject.slo.id in at:
            by_instant[at[subject.slo.id]].append(subject.slo.id)
    then = {}
    for instant, slo_ids in by_instant.items():
        then |= slos.revision_at(session, slo_ids, instant)
    result = []
    for subject in subjects:
        revision = then.get(subject.slo.id)
        if revision is not None:
            slo = dataclasses.replace(
                subject.slo,
                objective=revision.objective,
                window=revision.window,
                owner=revision.owner,
                description=revision.description,
                runbook=revision.runbook,
                labels=revision.labels,
            )
            subject = dataclasses.replace(subject, slo=slo)  # noqa: PLW2901 -- as of then
        result.append(subject)
    return result


def _facts(session: Session, subjects: Sequence[Subject]) -> _Facts:
    slo_ids = [s.slo.id for s in subjects]
    by_scope: dict[str, list[Exclusion]] = defaultdict(list)
    for exclusion in exclusions.of(session):
        by_scope[exclusion.scope].append(exclusion)
    return _Facts(
        by_scope,
        corrections.of(session, slo_ids),
        notes.of(session, [s.meter.id for s in subjects]),
        stored.grids(session, slo_ids),
    )


def _plan(subject: Subject, at: int | None, facts: _Facts) -> _Plan:
    slo, meter = subject.slo, subject.meter
    booked = meter.booked_to
    end = bucket_floor(subject.now if booked is None else booked, meter.bucket)
    if at is not None:
        end = min(end, bucket_floor(at, meter.bucket))
    begun = end if meter.booked_from is None or booked is None else meter.booked_from
    window, period = slo.window.span_at(end), slo.window.period_at(end)
    step = grid_step(period.seconds, meter.bucket)
    memo = _memo(facts.memos.get(slo.id), meter.id, step)
    wide = Span(min(window.start, end - HISTORY_SECONDS), max(period.end, end))
    scopes = ("*", f"{slo.service}/*", slo.id)
    applying = [
        e for scope in scopes for e in facts.by_scope.get(scope, ()) if e.span.overlap(wide)
    ]
    instants = {window.start, end, *(end - s for _, s in BURN_SPANS)}
    if period.end > end or begun > window.start:
        instants.add(end - HISTORY_SECONDS)
    instants.update(_freshness_instants(memo, end, meter.bucket))
    if applying:
        instants.update(instants_needed(wide, applying, meter.bucket))
    instants.update(
        t for t in grid_instants(Span(max(window.start, begun), end), step) if t not in memo.points
    )
    return _Plan(
        subject,
        slo,
        at is not None,
        begun,
        end,
        window,
        period,
        memo,
        applying,
        frozenset(max(t, begun) for t in instants),
    )


def _freshness_instants(memo: _Memo, end: int, bucket: int) -> list[int]:
    """The instants that tell how old the newest covered bucket is."""
    if memo.last_data is not None:
        return [end - bucket, min(memo.last_data, end)]
    return [*(end - n * bucket for n in (1, 2, 3)), end - NO_DATA_SECONDS]


def _memo(text: str | None, meter: int, step: int) -> _Memo:
    """The memo in `text`, or an empty one where it is of another meter or spacing."""
    if text is not None:
        body = orjson.loads(text)
        if (body["meter"], body["step"]) == (meter, step):
            points = {t: (good, total) for t, good, total in body["points"]}
            return _Memo(meter, step, body["state"], body["last_data"], points)
    return _Memo(meter, step)


def _memo_text(plan: _Plan, marks: Sequence[Mark], state: State, last_data: int | None) -> str:
    body = {
        "meter": plan.memo.meter,
        "step": plan.memo.step,
        "state": state,
        "last_data": last_data,
        "points": [list(mark) for mark in marks[:-1]],
    }
    return orjson.dumps(body).decode()


def _marks(plan: _Plan, found: Mapping[tuple[int, int], Reading]) -> list[Mark]:
    """The grid inside the window as far as the ledger reaches, and the window's end."""
    meter, known = plan.subject.meter.id, plan.memo.points
    marks = []
    inside = Span(max(plan.window.start, plan.begun), plan.end)
    for t in (*grid_instants(inside, plan.memo.step), plan.end):
        if t in known:
            marks.append(Mark(t, *known[t]))
        elif (reading := found.get((meter, t))) is not None:
            marks.append(Mark(t, reading.good, reading.total))
    return marks


def _rest(plan: _Plan) -> int | None:
    """The seconds of the window that no reading can be of yet; None where it is full.

    Of a calendar period that is what is to come, of a rolling window the part
    before the ledger began; exclusions do not count.
    """
    if plan.period.end > plan.end:
        rest = Span(plan.end, plan.period.end)
    elif isinstance(plan.slo.window, CalendarWindow) or plan.begun <= plan.window.start:
        return None
    else:
        rest = Span(plan.window.start, min(plan.begun, plan.end))
    return net_seconds(rest, union(e.span for e in plan.exclusions))


def _expected(plan: _Plan, view: _View, rest: int) -> float:
    """The events to expect in `rest` seconds, from the last 28 days of the ledger."""
    history = Span(max(plan.begun, plan.end - HISTORY_SECONDS), plan.end)
    return expected_events(view.tally(history), net_seconds(history, view.excluded), rest)


def _forecasts(
    plan: _Plan,
    budget: Budget,
    burn_rates: Mapping[str, float | None],
    seconds: int,
    bad: Sequence[tuple[int, float]],
) -> tuple[Forecast, ...]:
    """When the budget, which stands for so many counted `seconds`, is gone."""
    if plan.period.end > plan.end:
        horizon, leaving = plan.period.end - plan.end, []
    elif isinstance(plan.slo.window, CalendarWindow):
        horizon, leaving = 0, []
    else:
        horizon = plan.window.seconds
        leaving = [(at - plan.window.start, spent) for at, spent in bad]
    result = []
    for basis, _ in FORECAST_SPANS:
        after = exhausted_after(budget, burn_rates[basis], seconds, horizon, leaving)
        result.append(Forecast(basis, None if after is None else plan.end + after))
    return tuple(result)


def _exhausted_at(
    plan: _Plan,
    budget: Budget,
    forecasts: Sequence[Forecast],
    bad: Sequence[tuple[int, float]],
) -> int | None:
    if budget.remaining is None:
        return None
    if budget.remaining <= 0:
        return spent_since(budget, plan.window, bad)
    return min((f.exhausted_at for f in forecasts if f.exhausted_at is not None), default=None)


def _last_data(plan: _Plan, view: _View) -> int | None:
    """The end of the newest covered bucket, to the accuracy of the readings looked up."""
    instants = sorted({max(t, plan.begun) for t in view.known if t <= plan.end}, reverse=True)
    for later, earlier in pairwise(instants):
        newer, older = view.known[later], view.known[earlier]
        if newer is not None and older is not None and newer.covered - older.covered > _NOISE:
            return newer.end
    return plan.memo.last_data


def _notes(plan: _Plan, events: Tally, booked: Sequence[Note]) -> tuple[Note, ...]:
    """The meter's notes that touch the window, after those that its numbers give rise to."""
    window, meter = plan.window, plan.subject.meter
    result = []
    if plan.subject.indicator.kind == "query":
        result.append(Note("estimated", "Counted by a query, so estimated, not exact."))
    if events.crossed > _NOISE:
        text = "More good than total events in the window: the two metrics disagree."
        result.append(Note("crossed", text, events.crossed, window.start, window.end))
    if meter.booked_from is not None and meter.backfill_to is not None and not plan.past:
        text = (
            f"History is being read: it reaches back to {rfc3339(meter.booked_from)}"
            f" of {rfc3339(meter.backfill_to)}."
        )
        result.append(Note("backfill", text, None, meter.backfill_to, meter.booked_from))
    elif meter.booked_from is not None and window.start < plan.begun < plan.end:
        text = f"The ledger begins at {rfc3339(plan.begun)}, inside the window."
        result.append(Note("young", text, None, window.start, plan.begun))
    result += [
        note
        for note in booked
        if (note.last is None or note.last > window.start)
        and (note.first is None or note.first <= window.end)
    ]
    return tuple(result)
