"""Backfill: extend ledgers into the past, newest day first, in chunks that can be resumed.

A chunk is counted like any span, with its left edges read from the source, and
booked before the ledger's first reading. It decides no alerts.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.span import Span, bucket_end
from slo.prometheus.collector import collect
from slo.prometheus.errors import SourceError
from slo.prometheus.job import Fault, Job
from slo.prometheus.resolve import had_data
from slo.store import booking, slos
from slo.store.engine import reading, writing
from slo.upkeep import pinned_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from slo.config.settings import Keep
    from slo.context import Context
    from slo.declaring import Counted
    from slo.domain.booking import Booking
    from slo.prometheus.head import Head
    from slo.prometheus.raw import RawReader

_log = logging.getLogger(__name__)

DAY = 86_400
BATCH = 25
"""SLOs in one chunk: their samples of a day are held in memory at once."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill is: seconds of ledger booked, and still wanted, over all SLOs."""

    booked: int
    wanted: int
    at: int | None = None
    """The end of the chunk that was booked last, epoch seconds."""


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """Seconds of ledger that were booked, and faults by SLO id."""

    booked: int
    faults: Mapping[str, Fault]


def want_backfill(context: Context, counted: Sequence[Counted], start: int) -> None:
    """Want the ledgers of these SLOs to reach back to `start` (epoch seconds), a bucket's edge."""
    with writing(context.engine) as session:
        for c in counted:
            begin = start // c.slo.bucket * c.slo.bucket
            if c.meter.booked_from is None or begin < c.meter.booked_from:
                watch_from = min(begin, begin if c.meter.watch_from is None else c.meter.watch_from)
                booking.set_backfill(session, c.meter.id, begin, watch_from)


def backfill(
    context: Context,
    counted: Sequence[Counted],
    heads: Mapping[str, Head],
    *,
    now: int,
    end: int | None = None,
    seconds: float | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> BackfillReport:
    """Backfill what is wanted, newest day first over all SLOs, until done, `stopped` or late.

    `end` is where an empty ledger is to end; without it such SLOs wait for their
    first cycle. A chunk that fails is tried again at the next call.
    """
    faults: dict[str, Fault] = {}
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    wanted = _wanted(context, counted, end)
    total = sum(chunk_left(c, end) for c in wanted)
    done = 0
    while wanted and not stopped() and time.monotonic() < deadline:
        newest = max(_right_edge(c, end) for c in wanted)
        first = next(c for c in wanted if _right_edge(c, end) == newest)
        batch = [
            c for c in wanted if c.slo.source == first.slo.source and _right_edge(c, end) == newest
        ][:BATCH]
        failed = _book_chunk(context, batch, heads[first.slo.source], now, end, deadline)
        faults.update(failed)
        wanted = [c for c in _wanted(context, counted, end) if c.slo.id not in faults]
        done = max(done, total - sum(chunk_left(c, end) for c in wanted))
        on_progress(Progress(done, total, newest))
    return BackfillReport(done, faults)


def chunk_left(c: Counted, end: int | None) -> int:
    """Seconds of ledger that are still wanted for an SLO."""
    return max(0, _right_edge(c, end) - (c.meter.backfill_to or 0))


def _wanted(context: Context, counted: Sequence[Counted], end: int | None) -> list[Counted]:
    """The SLOs that want a backfill, with their meters as they are now.

    One whose meter was replaced meanwhile, by another process with a newer slo.yaml, is left
    to that process: its indicator is not ours.
    """
    with reading(context.engine) as session:
        meters = {meter.id: meter for meter in slos.running_meters(session).values()}
    renewed = [replace(c, meter=meters[c.meter.id]) for c in counted if c.meter.id in meters]
    return [
        c
        for c in renewed
        if c.meter.backfill_to is not None
        and (c.meter.booked_from is not None or end is not None)
        and _right_edge(c, end) > c.meter.backfill_to
    ]


def _right_edge(c: Counted, end: int | None) -> int:
    if c.meter.booked_from is not None:
        return c.meter.booked_from
    return bucket_end(end or 0, c.slo.bucket)


def _book_chunk(
    context: Context,
    batch: Sequence[Counted],
    head: Head,
    now: int,
    end: int | None,
    deadline: float,
) -> dict[str, Fault]:
    """Count and book one chunk of these SLOs; gives the faults by SLO id."""
    by_slo = {c.slo.id: c for c in batch}
    jobs = [_job(context, c, end) for c in batch]
    reader = context.reader(batch[0].slo.source, deadline)
    outcomes = collect(jobs, reader, head)
    faults = {o.job.slo.id: o.fault for o in outcomes if o.fault is not None}
    for outcome in outcomes:
        if outcome.booking is None:
            continue
        job = outcome.job
        try:
            if _is_empty(outcome.booking) and not _had_data(reader, job):
                with writing(context.engine) as session:
                    booking.stop_backfill(session, job.meter.id, job.meter.backfill_to)
                continue
        except SourceError as error:
            faults[job.slo.id] = Fault(error.kind, str(error))
            continue
        every = keep_every(context.settings.keep, now - job.span.end, job.slo.bucket)
        with writing(context.engine) as session:
            if job.meter.booked_from is None:
                booking.book(session, [outcome.booking])
            else:
                pinned = pinned_ends(session, by_slo[job.slo.id], job.span.start)
                booking.book_back(session, outcome.booking, every, pinned=pinned)
    for slo_id, fault in faults.items():
        if not context.told.is_news(slo_id, fault.message, now):
            continue
        _log.warning("backfill of %s: %s", slo_id, fault.message, extra={"kind": fault.kind})
    return faults


def _job(context: Context, c: Counted, end: int | None) -> Job:
    right = _right_edge(c, end)
    target = c.meter.backfill_to or 0
    start = max(target, (right - 1) // DAY * DAY)
    max_gap = int(context.settings.max_gap.total_seconds())
    return Job(
        c.slo,
        c.indicator,
        c.meter,
        Span(start, right),
        max(target if c.meter.watch_from is None else c.meter.watch_from, start - max_gap),
        int(context.source(c.slo.source).scrape_interval.total_seconds()),
        fresh=True,
        keep_edges=c.meter.booked_from is None,
        hold=False,
    )


def _had_data(reader: RawReader, job: Job) -> bool:
    start = job.meter.backfill_to or 0
    return reader.ask(lambda c: had_data(c, job.indicator, start, job.span.end))


def _is_empty(found: Booking) -> bool:
    return not any(i.total or i.covered or i.good for i in found.increments)


def keep_every(keep: Sequence[Keep], age: int, bucket: int) -> int:
    """The distance of kept readings that an age calls for, both in seconds."""
    tiers = [int(k.every.total_seconds()) for k in keep if age >= k.older_than.total_seconds()]
    return max([bucket, *tiers])
