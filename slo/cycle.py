"""One cycle: the story of the service.

Ask how far to book, read what each SLO needs, count it, and write readings, alerts,
incidents, notifications and standings in one transaction. A crash anywhere leaves a
whole span or none of it, and the next cycle goes on from the last reading. Live
running and catching up after an outage are the same code with a longer span.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slo.context import collector_paused
from slo.declaring import declare
from slo.domain.indicator import Events, Latency, Mean
from slo.domain.span import Span, bucket_floor
from slo.domain.standing import FAULT, UNMATCHED
from slo.horizon import backfill_reach, horizon_of
from slo.prometheus.collector import collect
from slo.prometheus.errors import SourceError
from slo.prometheus.head import ingests_within
from slo.prometheus.job import Fault, Job
from slo.publishing import stand_booked, stand_still, stand_unmetered
from slo.store import booking, cycles, edges, notes
from slo.store.engine import reading, writing
from slo.store.errors import StoreError, StoreRefused
from slo.watching import Silence, watch_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slo.context import Context, Spent
    from slo.declaring import Counted
    from slo.domain.meter import Edge
    from slo.horizon import Horizon
    from slo.prometheus.job import Outcome

_log = logging.getLogger(__name__)

FIRST_READING = 600
"""Seconds that a new ledger's first reading lies in the past."""

LONGEST_SPAN = 21_600
"""Seconds that one transaction books of an SLO; a longer absence takes several."""

MOST_SECONDS = 2_160_000
"""Seconds that one pass books of all SLOs together: their samples are in memory at once."""


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What a cycle did: SLOs booked, and faults by SLO id (or by `source NAME`)."""

    booked: frozenset[str] = frozenset()
    faults: Mapping[str, Fault] = field(default_factory=dict)
    caught_up: bool = True
    """Whether every SLO that can be read is booked as far as it can be now."""
    silent: Mapping[str, Silence] = field(default_factory=dict)
    """Sources that cannot be read or ingest nothing."""

    @property
    def errors(self) -> Counter[str]:
        """Faults by kind."""
        return Counter(fault.kind for fault in self.faults.values())


def run_cycle(context: Context, now: float, seconds: float) -> CycleReport:
    """Book all SLOs of the context as far as `now` (epoch seconds) allows.

    Works for about `seconds`; what is left then, the next cycle books.
    """
    with collector_paused():
        return _run(context, now, time.monotonic() + seconds)


def _run(context: Context, now: float, deadline: float) -> CycleReport:
    before, begun = replace(context.spent), time.monotonic()
    with writing(context.engine) as session:
        number = cycles.start(session, int(now))
    declaration = declare(context, int(now))
    # Those too of which no SLO can be counted: it may be because they do not answer.
    by_source: dict[str, list[Counted]] = {slo.source: [] for slo in context.settings.slos}
    for c in declaration.counted:
        by_source[c.slo.source].append(c)
    with ThreadPoolExecutor(max(1, len(by_source)), "cycle") as pool:
        # Each source by itself: one that hangs keeps no other waiting.
        parts = list(
            pool.map(lambda s: _book_source(context, s, by_source[s], now, deadline), by_source)
        )
    booked = frozenset[str]().union(*(part.booked for part in parts))
    faults = dict(declaration.faults)
    for part in parts:
        faults.update(part.faults)
    silent = {name: found for part in parts for name, found in part.silent.items()}
    read = [source for source in by_source if source not in silent]
    watch_sources(context.engine, context.settings, read, silent, int(now))
    rest = [c for c in declaration.counted if c.slo.id not in booked]
    stand_still(context, rest, faults, now)
    stand_unmetered(context, declaration.faults, now)
    _finish(context, number, now, before, begun, len(booked), faults)
    return CycleReport(booked, faults, all(part.caught_up for part in parts), silent)


def _book_source(
    context: Context, source: str, counted: Sequence[Counted], now: float, deadline: float
) -> CycleReport:
    """Book the SLOs of one source as far as it can be now; a source that fails is a fault."""
    booked: set[str] = set()
    faults: dict[str, Fault] = {}
    try:
        horizon = horizon_of(context.clients[source], context.source(source), now)
    except SourceError as error:
        fault = Fault(error.kind, str(error))
        return CycleReport(faults={f"source {source}": fault}, silent={source: Silence(str(error))})
    todo = _begun(context, source, counted, horizon, faults)
    shown = False
    while todo and time.monotonic() < deadline:
        outcomes = _collect(context, source, todo, horizon, deadline)
        faults |= {o.job.slo.id: o.fault for o in outcomes if o.fault is not None}
        done = _write(context, todo, outcomes, now, faults)
        booked |= done
        shown = shown or any(_shows_samples(o) for o in outcomes)
        todo = _behind(todo, outcomes, done, horizon)
    silent = {} if shown else _silence(context, source, horizon)
    return CycleReport(frozenset(booked), faults, not todo, silent)


def _shows_samples(outcome: Outcome) -> bool:
    """Whether the newest bucket holds samples: then the source is not silent.

    An evaluated query proves nothing: Prometheus answers it from samples of five minutes ago.
    """
    is_counted = isinstance(outcome.job.indicator, Events | Latency | Mean)
    booking = outcome.booking
    return is_counted and booking is not None and booking.increments[-1].covered > 0


def _silence(context: Context, source: str, horizon: Horizon) -> dict[str, Silence]:
    """Why a source is silent, of which no SLO showed samples; asked only then."""
    within = ingests_within(context.source(source).scrape_interval.total_seconds())
    head = horizon.head
    try:
        if head.ingests(head.now, within):
            return {}
        newest = head.newest()
    except SourceError as error:
        return {source: Silence(str(error))}
    why = f"it answers, and has scraped nothing for {within:.0f} seconds"
    return {source: Silence(why, None if newest is None else int(newest))}


def _begun(
    context: Context,
    source: str,
    counted: Sequence[Counted],
    horizon: Horizon,
    faults: dict[str, Fault],
) -> list[Counted]:
    """The same SLOs; new meters are told how far back their ledger is to reach.

    While the source cannot tell how far that is, the new ones wait, and only they.
    """
    new = {c.slo.id for c in counted if c.meter.booked_to is None and c.meter.watch_from is None}
    if not new:
        return list(counted)
    try:
        reach = backfill_reach(context, source, int(horizon.until))
    except SourceError as error:
        faults |= dict.fromkeys(new, Fault(error.kind, str(error)))
        return [c for c in counted if c.slo.id not in new]
    begun = []
    with writing(context.engine) as session:
        for c in counted:
            if c.slo.id not in new:
                begun.append(c)
                continue
            start = _first_reading(c, horizon)
            begin = min(start, bucket_floor(reach, c.slo.bucket)) if reach else start
            booking.set_backfill(session, c.meter.id, begin, begin)
            begun.append(replace(c, meter=replace(c.meter, watch_from=begin)))
    return begun


def _collect(
    context: Context, source: str, counted: Sequence[Counted], horizon: Horizon, deadline: float
) -> list[Outcome]:
    """What each SLO's span holds."""
    with reading(context.engine) as session:
        kept = edges.edges_of(session, [c.meter.id for c in counted])
    longest = max(1, min(LONGEST_SPAN, MOST_SECONDS // len(counted)))
    jobs = [_job(context, c, horizon, kept.get(c.meter.id, []), longest) for c in counted]
    jobs = [job for job in jobs if job.span.seconds]
    return collect(jobs, context.reader(source, deadline), horizon.head)


def _first_reading(c: Counted, horizon: Horizon) -> int:
    end = bucket_floor(horizon.until, c.slo.bucket)
    return bucket_floor(end - FIRST_READING, c.slo.bucket)


def _job(context: Context, c: Counted, horizon: Horizon, kept: Sequence[Edge], longest: int) -> Job:
    """The span from the SLO's last reading on, of at most `longest` seconds or a bucket."""
    end = bucket_floor(horizon.until, c.slo.bucket)
    first = c.meter.booked_to is None
    start = c.meter.booked_to
    if start is None:
        start = _first_reading(c, horizon)
    end = min(end, start + max(c.slo.bucket, bucket_floor(longest, c.slo.bucket)))
    max_gap = int(context.settings.max_gap.total_seconds())
    watch_from = start if c.meter.watch_from is None else c.meter.watch_from
    return Job(
        c.slo,
        c.indicator,
        c.meter,
        Span(start, end),
        # A series silent for longer than `max_gap` is forgotten: it may have counted before.
        max(watch_from, start - max_gap),
        int(context.source(c.slo.source).scrape_interval.total_seconds()),
        tuple(kept),
        fresh=first,
    )


def _behind(
    todo: Sequence[Counted], outcomes: Sequence[Outcome], booked: set[str], horizon: Horizon
) -> list[Counted]:
    """The SLOs whose whole span was booked and that still lie behind, with their meters moved on.

    One whose newest buckets wait for samples waits for the next cycle.
    """
    ends = {
        o.job.slo.id: o.job.span.end
        for o in outcomes
        if o.booking is not None and o.booking.span.end == o.job.span.end
    }
    return [
        replace(c, meter=replace(c.meter, booked_to=ends[c.slo.id]))
        for c in todo
        if c.slo.id in booked
        and c.slo.id in ends
        and ends[c.slo.id] < bucket_floor(horizon.until, c.slo.bucket)
    ]


def _write(
    context: Context,
    counted: Sequence[Counted],
    outcomes: Sequence[Outcome],
    now: float,
    faults: dict[str, Fault],
) -> set[str]:
    """Book what was counted, with standings, in one transaction; gives the SLOs booked.

    A booking that cannot be written is found by halves, so that it stops no other.
    """
    found = [o for o in outcomes if o.booking is not None]
    if not found:
        return set()
    try:
        return _write_together(context, counted, found, now)
    except Exception as error:
        # A store that does not answer fails for all; what it refuses is one booking's fault.
        if isinstance(error, StoreError) and not isinstance(error, StoreRefused):
            raise
        if len(found) > 1:
            middle = len(found) // 2
            parts = (found[:middle], found[middle:])
            return set().union(*(_write(context, counted, p, now, faults) for p in parts))
        slo_id = found[0].job.slo.id
        _log.exception("booking %s failed", slo_id)
        faults[slo_id] = Fault("internal", repr(error))
        return set()


def _write_together(
    context: Context, counted: Sequence[Counted], found: Sequence[Outcome], now: float
) -> set[str]:
    by_slo = {c.slo.id: c for c in counted}
    with writing(context.engine) as session:
        for kind in (FAULT, UNMATCHED):
            notes.clear_all(session, [o.job.meter.id for o in found], kind)
        meters = booking.book(session, [o.booking for o in found if o.booking is not None])
        booked = [by_slo[o.job.slo.id] for o in found if o.job.meter.id in meters]
        stand_booked(
            session, context, booked, [o.booking for o in found if o.booking is not None], now
        )
    return {c.slo.id for c in booked}


def _finish(
    context: Context,
    number: int,
    now: float,
    before: Spent,
    begun: float,
    booked: int,
    faults: Mapping[str, Fault],
) -> None:
    for name, fault in faults.items():
        if context.told.is_news(name, fault.message, now):
            _log.warning("%s: %s", name, fault.message, extra={"subject": name, "kind": fault.kind})
    for name in context.told.over(faults):
        _log.info("%s is read again", name, extra={"subject": name})
    with writing(context.engine) as session:
        cycles.finish(
            session,
            number,
            int(now),
            slos=len(context.settings.slos),
            booked=booked,
            samples=context.spent.samples - before.samples,
            requests=context.spent.requests - before.requests,
            errors=len(faults),
            seconds=time.monotonic() - begun,
        )
