"""Previews: what an exclusion changes in each SLO, by the ledger, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.budget import budget_of, expected_events
from slo.domain.exclusion import instants_needed, snapped, tally
from slo.domain.grid import Grid, grid_step
from slo.domain.ledger import NOTHING
from slo.domain.lookup import Memo, Subject, View, plan_of
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span, union
from slo.domain.state import next_state
from slo.store import corrections, exclusions, readings, slos
from slo.store import standings as stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.exclusion import ReadingAt
    from slo.domain.ledger import Correction, Exclusion, Reading, Tally
    from slo.domain.lookup import Plan
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.standing import Budget, State

_SNAP = 2 * 86_400
"""Further than this no edge moves: readings are kept at least once a day."""
_SLOS_AT_ONCE = 20
"""Their readings are in memory together; a recurring exclusion may ask for thousands of each."""


@dataclass(frozen=True, slots=True)
class Change:
    """What adding or removing exclusions changes in one SLO."""

    slo: str
    spans: tuple[Span, ...]
    """The spans that result: edges moved outward to the readings that are kept."""
    taken: Tally
    """The events of the ledger that no longer count; negative for those that count again."""
    before: Budget
    after: Budget
    state_before: State
    state_after: State


@dataclass(frozen=True, slots=True)
class _Case:
    """One SLO with its exclusions as they are, as they would be, and those that differ."""

    subject: Subject
    state: State | None
    without: Sequence[Exclusion]
    with_: Sequence[Exclusion]
    touched: Sequence[Exclusion]

    @property
    def ledger(self) -> Span:
        """The time that the ledger holds."""
        meter = self.subject.meter
        return Span(meter.booked_from or 0, meter.booked_to or 0)

    @property
    def near(self) -> Span:
        """The time in which readings are needed; empty if nothing touched lies in the ledger."""
        inside = [e.span for e in self.touched if e.span.overlap(self.ledger)]
        if not inside:
            return Span(0, 0)
        return Span(min(s.start for s in inside) - _SNAP, max(s.end for s in inside) + _SNAP)

    def plan(self, applying: Sequence[Exclusion]) -> Plan:
        """What a standing with these exclusions looks up."""
        meter, window = self.subject.meter, self.subject.slo.window
        period = window.period_at(self.ledger.end)
        memo = Memo(meter.id, Grid(grid_step(period.seconds, meter.bucket)), self.state)
        return plan_of(self.subject, None, applying, memo)

    def instants(self) -> set[int]:
        """All instants whose readings are needed."""
        every = [*self.without, *self.touched]
        own = instants_needed(self.near, every, self.subject.meter.bucket)
        plans = set(self.plan(self.without).instants | self.plan(self.with_).instants)
        return plans | {max(t, self.ledger.start) for t in (*own, self.ledger.end)}


def preview(
    session: Session,
    settings: Settings,
    now: int,
    added: Sequence[Exclusion] = (),
    removed: Sequence[Exclusion] = (),
) -> list[Change]:
    """What it changes in each declared SLO that has a ledger, in the order of slo.yaml.

    Reads only. The budgets are those that the next standing shows.
    """
    cases = _cases(session, settings, now, added, removed)
    corrected = corrections.of(session, [case.subject.meter.id for case in cases])
    changes = []
    for first in range(0, len(cases), _SLOS_AT_ONCE):
        part = cases[first : first + _SLOS_AT_ONCE]
        found = readings.readings_at(session, {c.subject.meter.id: c.instants() for c in part})
        changes += [_change(case, found, corrected[case.subject.meter.id]) for case in part]
    return changes


def _cases(
    session: Session,
    settings: Settings,
    now: int,
    added: Sequence[Exclusion],
    removed: Sequence[Exclusion],
) -> list[_Case]:
    touched = [*added, *removed]
    concerned = [slo for slo in settings.slos if any(e.covers(slo.id) for e in touched)]
    running = slos.running_meters(session)
    revised = slos.revision_at(session, [slo.id for slo in concerned], now)
    states = {s.slo: s.state for s in stored.all(session, sparklines=False)} if concerned else {}
    lags = {s.name: int(s.lag.total_seconds()) for s in settings.sources}
    existing = exclusions.of(session)
    gone = {e.id for e in removed}
    cases = []
    for slo in concerned:
        meter = running.get(slo.id)
        if meter is None or meter.booked_from is None or meter.booked_to is None:
            continue
        then = revised.get(slo.id)
        # An alternative may bring an objective of its own, which only the revision knows.
        judged = slo if then is None else replace(slo, objective=then.objective)
        without = [e for e in existing if e.covers(slo.id)]
        kept = [e for e in without if e.id not in gone]
        more = [e for e in added if e.covers(slo.id)]
        cases.append(
            _Case(
                _subject(judged, meter, now, lags[slo.source]),
                states.get(slo.id),
                without,
                [*kept, *more],
                [*more, *(e for e in removed if e.covers(slo.id))],
            )
        )
    return cases


def _subject(slo: SLO, meter: Meter, now: int, lag: int) -> Subject:
    return Subject(slo, indicator_from_json(meter.indicator), meter, now, lag)


def _change(
    case: _Case, found: Mapping[tuple[int, int], Reading], corrected: Sequence[Correction]
) -> Change:
    before, state_before = _budget(case, case.plan(case.without), found, corrected)
    after, state_after = _budget(case, case.plan(case.with_), found, corrected)
    reading_at = _readings(case, found)
    near, bucket = case.near, case.subject.meter.bucket

    def taken_out(some: Sequence[Exclusion]) -> list[Span]:
        return snapped([e for e in some if e.span.overlap(near)], reading_at, bucket)

    away, away_then = taken_out(case.without), taken_out(case.with_)
    own = taken_out([e for e in case.touched if e.span.overlap(case.ledger)])
    beyond = [e.span for e in case.touched if not e.span.overlap(case.ledger)]
    edges = [*away, *away_then]
    taken = NOTHING
    if own:
        hull = Span(min(s.start for s in edges), max(s.end for s in edges))
        taken = tally(hull, reading_at, away, corrected) - tally(
            hull, reading_at, away_then, corrected
        )
    spans = tuple(union([*own, *beyond]))
    return Change(case.subject.slo.id, spans, taken, before, after, state_before, state_after)


def _readings(case: _Case, found: Mapping[tuple[int, int], Reading]) -> ReadingAt:
    """The readings that were looked up, by the instants asked for and by their own ends."""
    meter, ledger = case.subject.meter, case.ledger
    known = {t: found.get((meter.id, t)) for t in case.instants()}
    known |= {r.end: r for r in known.values() if r is not None}
    return lambda instant: known[max(instant, ledger.start)]


def _budget(
    case: _Case,
    plan: Plan,
    found: Mapping[tuple[int, int], Reading],
    corrected: Sequence[Correction],
) -> tuple[Budget, State]:
    """The budget and the state as the next standing has them."""
    slo, view, rest = case.subject.slo, View.of(plan, found, corrected), plan.rest()
    expected = None
    if rest is not None:
        history = plan.history
        expected = expected_events(view.tally(history), view.counted_seconds(history), rest)
    budget = budget_of(slo.objective, view.tally(plan.window), expected)
    history_seconds = max(0, plan.end - plan.begun)
    return budget, next_state(plan.memo.state, budget.remaining, slo.bounds, history_seconds)
