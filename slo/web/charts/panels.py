"""The charts of an SLO over a span of time: what to read for them, and what to draw."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.exclusion import instants_needed, snapped
from slo.domain.policy import BurnRule
from slo.domain.span import Span
from slo.store import corrections, exclusions, readings, slos
from slo.web.charts import budgets, marking, plots, series
from slo.web.site import current_site
from slo.web.windows import window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Correction, Exclusion, Reading
    from slo.domain.meter import Meter
    from slo.domain.policy import Policy
    from slo.domain.standing import Standing
    from slo.domain.window import Window
    from slo.store.slos import Revision
    from slo.web.charts.marks import Mark
    from slo.web.charts.series import Track
    from slo.web.charts.svg import Chart

ALL = ("budget", "bad", "burn", "events")
"""The charts there are, in the order in which they are shown."""

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows of an SLO beside its readings, and the policy that slo.yaml declares."""

    standing: Standing
    meter: Meter
    """The one whose ledger is shown."""
    running: Meter
    exclusions: tuple[Exclusion, ...]
    """Those that cover it."""
    corrections: tuple[Correction, ...]
    revisions: tuple[Revision, ...]
    """Oldest first."""
    policy: Policy | None
    """None: it is not in slo.yaml any more."""

    @property
    def former(self) -> bool:
        """Whether the meter shown is another than the one that runs."""
        return self.meter.id != self.running.id

    @property
    def window(self) -> Window:
        """The window of the standing."""
        return window_of(self.standing)

    def objective_at(self) -> Callable[[int], float]:
        """The objective in force at an instant."""
        since = [revision.since for revision in self.revisions]
        known = [float(revision.objective) for revision in self.revisions]
        today = float(self.standing.objective)

        def find(at: int) -> float:
            return known[max(0, bisect_right(since, at) - 1)] if known else today

        return find


@dataclass(frozen=True, slots=True)
class Plan:
    """Which times to read for the charts over `shown`, and which of them are drawn."""

    shown: Span
    step: int
    burns: tuple[int, ...]
    """The lengths over which burn rates are drawn, in seconds."""
    times: tuple[int, ...]
    drawn: frozenset[int]
    past: bool
    """Windows that ended then are shown, not the window that ends now."""
    excluded: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """The charts over one span, and all that is marked on them."""

    charts: tuple[Chart, ...]
    marks: tuple[Mark, ...]
    step: int


def kept_span(session: Session, meter: Meter, shown: Span) -> Span:
    """The span moved out to kept readings: long ago, one may be kept for an hour or a day only."""
    first = readings.readings_at(session, {meter.id: [shown.start]}).get((meter.id, shown.start))
    last = readings.first_at_or_after(session, meter.id, shown.end)
    start = shown.start if first is None else first.end
    return Span(start, shown.end if last is None else last.end)


def charts_over(
    session: Session,
    standing: Standing,
    shown: Span,
    *,
    names: Collection[str] = ALL,
    now: float,
    prefix: str = "",
) -> list[Chart]:
    """The charts of an SLO over any span, with what happened marked; none before its first cycle.

    `names` chooses among `ALL`. `prefix` keeps the ids of several SLOs on a page apart.
    """
    facts = facts_of(session, standing)
    if facts is None:
        return []
    return list(board(session, facts, shown, names=names, now=now, prefix=prefix).charts)


def facts_of(session: Session, standing: Standing, meter: str = "") -> Facts | None:
    """The facts of an SLO; None while it has no meter. `meter` is the id of a former one."""
    running = slos.meter_of(session, standing.slo)
    if running is None:
        return None
    every = slos.meters_of(session, standing.slo) if meter else ()
    shown = next((one for one in every if str(one.id) == meter), running)
    return Facts(
        standing,
        shown,
        running,
        tuple(e for e in exclusions.of(session) if e.covers(standing.slo)),
        tuple(corrections.of(session, [shown.id])[shown.id]),
        tuple(slos.revisions(session, standing.slo)),
        declared_policy(standing),
    )


def declared_policy(standing: Standing) -> Policy | None:
    """The alert policy that slo.yaml declares for an SLO; None: it does not have the SLO."""
    declared = (s for s in current_site().settings.slos if s.id == standing.slo)
    return next((slo.alert_policy for slo in declared), None)


def board(
    session: Session,
    facts: Facts,
    shown: Span,
    *,
    now: float,
    names: Collection[str] = ALL,
    prefix: str = "",
) -> Board:
    """The charts over a span with their marks; reads the store and writes nothing."""
    plan, track = track_over(session, facts, shown, names=names)
    happened = marking.marks_over(
        session, facts.standing.slo, shown, facts.exclusions, facts.revisions, now
    )
    marks = [*marking.gap_marks(series.gaps(track, shown)), *happened]
    window = facts.standing.window
    if shown.start < window.start < shown.end:
        marks.append(marking.window_mark(window.start))
    marks = sorted(marks, key=lambda mark: mark.start)
    pen = plots.Pen(facts, plan, track, marks, prefix)
    return Board(tuple(pen.draw(name) for name in ALL if name in names), tuple(marks), plan.step)


def track_over(
    session: Session,
    facts: Facts,
    shown: Span,
    *,
    names: Collection[str] = ALL,
    step: int | None = None,
) -> tuple[Plan, Track]:
    """The ledger at the times that charts over a span need; a `step` in seconds is whole buckets.

    Without one it is as long as the span needs.
    """
    found: dict[int, Reading] = {}
    steps = step or series.step_for(shown.seconds, facts.meter.bucket)
    plan = plan_of(session, facts, shown, names, steps, found)
    _read(session, facts.meter.id, plan.times, found)
    return plan, series.track(plan.times, found, facts.corrections, plan.excluded, plan.drawn)


def plan_of(
    session: Session,
    facts: Facts,
    shown: Span,
    names: Collection[str],
    step: int,
    found: dict[int, Reading],
) -> Plan:
    """The times that charts over `shown` need; `found` keeps what had to be read for that."""
    whole, begun = facts.standing.window, facts.meter.booked_from
    wanted = series.grid(shown, step)
    _read(session, facts.meter.id, wanted, found)
    grid = series.kept(wanted, found)
    step = max([step, *(after - before for before, after in pairwise(grid))])
    past = facts.former or shown.start < whole.start or shown.end > whole.end
    times = {*grid, whole.start}
    if "budget" in names and past:
        times |= budgets.ends_of(facts.window, facts.meter, grid, shown)
    burns = burn_spans(facts.policy, step)
    if "burn" in names:
        times |= series.looking_back(grid, burns)
    wide = Span(min(times), max(times))
    excluded = _excluded(session, facts, wide, found)
    edges = {edge for span in excluded for edge in (span.start, span.end)}
    if begun is not None:
        edges.add(begun)
    times |= {edge for edge in edges if wide.start < edge < wide.end}
    # A step begins where the ledger does: else what was counted until the next would be lost.
    drawn = frozenset(grid) if begun is None else frozenset({*grid, begun})
    return Plan(shown, step, burns, tuple(sorted(times)), drawn, past, tuple(excluded))


def burn_spans(policy: Policy | None, step: int) -> tuple[int, ...]:
    """The spans whose burn rates are worth a line: an hour, and the policy's long windows.

    One that is shorter than a step would show a part of it only, and is left out.
    """
    rules = () if policy is None else policy.rules
    spans = {_HOUR, *(rule.long for rule in rules if isinstance(rule, BurnRule))}
    return tuple(sorted({span for span in spans if span >= step} or {step}))


def _excluded(
    session: Session, facts: Facts, wide: Span, found: dict[int, Reading]
) -> Sequence[Span]:
    """What does not count of a span, with edges moved out to kept readings as budgets do it."""
    meter = facts.meter
    applying = [e for e in facts.exclusions if e.span.overlap(wide)]
    if not applying:
        return ()
    begun = wide.end if meter.booked_from is None else meter.booked_from
    needed = instants_needed(wide, applying, meter.bucket)
    _read(session, meter.id, {max(at, begun) for at in needed}, found)

    def reading_at(instant: int) -> Reading | None:
        return found.get(max(instant, begun))

    return snapped(applying, reading_at, meter.bucket)


def _read(
    session: Session, meter: int, instants: Collection[int], found: dict[int, Reading]
) -> None:
    missing = [at for at in instants if at not in found]
    known: Mapping[tuple[int, int], Reading] = readings.readings_at(session, {meter: missing})
    for (_, at), one in known.items():
        found[at] = found[one.end] = one
