"""Standings: the numbers of many SLOs at once, from a few bulk reads of the store."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from slo.domain.budget import budget_of, expected_events
from slo.domain.burn import burn_rate
from slo.domain.forecast import FORECAST_SPANS, exhausted_after
from slo.domain.grid import Grid, burndown, spent_since
from slo.domain.lookup import Memo, Subject, View, plan_of
from slo.domain.span import Span, rfc3339
from slo.domain.standing import BURN_SPANS, FAULT, Forecast, Note, Standing
from slo.domain.state import data_state, fresh_seconds, next_state
from slo.domain.wording import indicator_text
from slo.store import corrections, exclusions, notes, readings, slos
from slo.store import standings as stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Correction, Exclusion, Reading, Tally
    from slo.domain.lookup import Plan
    from slo.domain.standing import Budget, State
    from slo.store.slos import Revision

__all__ = ["SLICE_KINDS", "Subject", "compute"]

SLICE_KINDS = frozenset({"mean", "slices", "freshness"})
"""The kinds of indicator whose events are buckets."""

_NOISE = 1e-6
"""Events that sums of floats may differ by without meaning anything."""


def compute(
    session: Session, subjects: Sequence[Subject], at: Mapping[str, int] | None = None
) -> list[tuple[Standing, str | None]]:
    """The standing of each subject, and the memo to keep with it as its grid (JSON).

    A window ends at the SLO's last reading; with an instant in `at` (by SLO id,
    epoch seconds) at the last bucket's end at or before it, judged by the revision
    then in force, without hysteresis, and with None for the memo. Costs one query
    each for readings, exclusions, corrections, notes and memos.
    """
    past = at or {}
    facts = _facts(session, subjects)
    plans = [
        plan_of(s, past.get(s.slo.id), facts.exclusions(s.slo.id), facts.memo(s.slo.id))
        for s in _as_of(session, subjects, past)
    ]
    wanted: dict[int, set[int]] = defaultdict(set)
    for plan in plans:
        wanted[plan.subject.meter.id] |= plan.instants
    found = readings.readings_at(session, wanted)
    return [_result(plan, facts, found) for plan in plans]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store knows of all subjects, read once."""

    by_scope: Mapping[str, Sequence[Exclusion]]
    corrections: Mapping[int, Sequence[Correction]]
    """By meter."""
    notes: Mapping[int, Sequence[Note]]
    memos: Mapping[str, str]

    def exclusions(self, slo: str) -> Iterable[Exclusion]:
        """The exclusions that cover the SLO; see `Exclusion.covers`."""
        service = slo.partition("/")[0]
        for scope in ("*", f"{service}/*", slo):
            yield from self.by_scope.get(scope, ())

    def memo(self, slo: str) -> Memo | None:
        """What the last cycle left for this one."""
        text = self.memos.get(slo)
        return None if text is None else _parse_memo(text)


def _facts(session: Session, subjects: Sequence[Subject]) -> _Facts:
    slo_ids = [s.slo.id for s in subjects]
    by_scope: dict[str, list[Exclusion]] = defaultdict(list)
    for exclusion in exclusions.of(session):
        by_scope[exclusion.scope].append(exclusion)
    return _Facts(
        by_scope,
        corrections.of(session, [s.meter.id for s in subjects]),
        notes.of(session, [s.meter.id for s in subjects]),
        stored.grids(session, slo_ids),
    )


def _as_of(session: Session, subjects: Sequence[Subject], past: Mapping[str, int]) -> list[Subject]:
    """The subjects, those of `past` as they were then defined."""
    by_instant: dict[int, list[str]] = defaultdict(list)
    for subject in subjects:
        if subject.slo.id in past:
            by_instant[past[subject.slo.id]].append(subject.slo.id)
    then: dict[str, Revision] = {}
    for instant, slo_ids in by_instant.items():
        then |= slos.revision_at(session, slo_ids, instant)
    return [
        _revised(subject, then[subject.slo.id]) if subject.slo.id in then else subject
        for subject in subjects
    ]


def _revised(subject: Subject, revision: Revision) -> Subject:
    slo = dataclasses.replace(
        subject.slo,
        objective=revision.objective,
        window=revision.window,
        owner=revision.owner,
        description=revision.description,
        runbook=revision.runbook,
        labels=revision.labels,
    )
    return dataclasses.replace(subject, slo=slo)


def _result(
    plan: Plan, facts: _Facts, found: Mapping[tuple[int, int], Reading]
) -> tuple[Standing, str | None]:
    subject, slo, meter = plan.subject, plan.subject.slo, plan.subject.meter
    view = View.of(plan, found, facts.corrections.get(meter.id, ()))
    events, counted, rest = view.tally(plan.window), view.counted_seconds(plan.window), plan.rest()
    budget = _budget(view, events, rest)
    burn_rates = tuple(
        (name, burn_rate(view.tally(Span(plan.end - seconds, plan.end)), slo.objective))
        for name, seconds in BURN_SPANS
    )
    grid = view.grid()
    bad = view.bad_since_start(grid)
    forecasts = _forecasts(plan, budget, dict(burn_rates), counted + (rest or 0), bad)
    last, last_data = view.reading_at(plan.end), view.last_data()
    fresh_for = fresh_seconds(meter.bucket, subject.lag)
    state = next_state(plan.memo.state, budget.remaining, slo.bounds, max(0, plan.end - plan.begun))
    standing = Standing(
        slo=slo.id,
        service=slo.service,
        name=slo.name,
        objective=slo.objective,
        indicator=subject.indicator.kind,
        indicator_text=indicator_text(subject.indicator, meter.bucket),
        estimated=subject.indicator.kind == "query",
        slices=subject.indicator.kind in SLICE_KINDS,
        window_kind="calendar" if plan.calendar else "rolling",
        window_label=slo.window.label(),
        window=plan.window,
        at=plan.end if last is None else min(last.end, plan.end),
        good=events.good,
        bad=events.bad,
        total=events.total,
        sli=events.sli,
        budget=budget,
        burn_rates=burn_rates,
        coverage=min(1.0, events.covered / counted) if counted else None,
        state=state,
        data=data_state(last_data, plan.end if plan.past else subject.now, fresh_for),
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
        fresh_for=fresh_for,
        spent_as_booked=None if state == "new" else _spent_as_booked(view, budget, rest),
    )
    return standing, None if plan.past else _memo_text(plan, grid, state, last_data)


def _parse_memo(text: str) -> Memo:
    body = orjson.loads(text)
    grid = Grid(body["step"], body["first"], tuple(body["bad"]))
    return Memo(body["meter"], grid, body["state"], body["last_data"])


def _memo_text(plan: Plan, grid: Grid, state: State, last_data: int | None) -> str:
    body = {
        "meter": plan.memo.meter,
        "state": state,
        "last_data": last_data,
        "step": grid.step,
        "first": grid.first,
        "bad": grid.bad,
    }
    return orjson.dumps(body).decode()


def _budget(view: View, events: Tally, rest: int | None) -> Budget:
    """The budget of a window that holds `events`, with those to expect in its rest."""
    return budget_of(view.plan.subject.slo.objective, events, _expected(view, rest))


def _spent_as_booked(view: View, budget: Budget, rest: int | None) -> float | None:
    """The share of the budget that would be spent if nothing had been corrected."""
    if view.corrections:
        bare = dataclasses.replace(view, corrections=())
        budget = _budget(bare, bare.tally(view.plan.window), rest)
    return None if budget.remaining is None else 1 - budget.remaining


def _expected(view: View, rest: int | None) -> float | None:
    """The events to expect in the window's rest, from the ledger's last 28 days."""
    if rest is None:
        return None
    history = view.plan.history
    return expected_events(view.tally(history), view.counted_seconds(history), rest)


def _forecasts(
    plan: Plan,
    budget: Budget,
    burn_rates: Mapping[str, float | None],
    seconds: int,
    bad: Sequence[tuple[int, float]],
) -> tuple[Forecast, ...]:
    """When the budget, which stands for so many counted `seconds`, is gone."""
    horizon = plan.period.end - plan.end if plan.calendar else plan.window.seconds
    gone = () if plan.calendar else bad  # A month's bad events stay till it ends.
    result = []
    for basis, _ in FORECAST_SPANS:
        leaving = ((at - plan.window.start, spent) for at, spent in gone)
        after = exhausted_after(budget, burn_rates[basis], seconds, horizon, leaving)
        result.append(Forecast(basis, None if after is None else plan.end + after))
    return tuple(result)


def _exhausted_at(
    plan: Plan, budget: Budget, forecasts: Iterable[Forecast], bad: Sequence[tuple[int, float]]
) -> int | None:
    if budget.remaining is None:
        return None
    if budget.remaining <= 0:
        since = spent_since(budget, plan.window, bad)
        return plan.end if since is None else since
    return min((f.exhausted_at for f in forecasts if f.exhausted_at is not None), default=None)


def _notes(plan: Plan, events: Tally, booked: Iterable[Note]) -> tuple[Note, ...]:
    """The notes that the numbers give rise to, and the meter's own that touch the window."""
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
    result += [note for note in booked if _touches(note, plan)]
    return tuple(result)


def _touches(note: Note, plan: Plan) -> bool:
    """Whether a booked note concerns the window; a fault concerns the present alone."""
    if note.kind == FAULT:
        return not plan.past
    window = plan.window
    is_later = note.first is not None and note.first > window.end
    return not is_later and (note.last is None or note.last > window.start)
