"""Verifying: a past day counted again from its source, beside what the ledger holds of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.ledger import NOTHING, Tally, difference
from slo.domain.span import Span, rfc3339
from slo.prometheus.collector import collect
from slo.prometheus.head import Head
from slo.prometheus.job import Fault, Job
from slo.store import readings, slos
from slo.store.engine import reading
from slo.store.verifications import Verified

if TYPE_CHECKING:
    from random import Random

    from sqlalchemy.orm import Session

    from slo.context import Context
    from slo.declaring import Counted
    from slo.domain.booking import Booking
    from slo.domain.meter import Meter

DAY = 86_400
RECOUNTED_DAYS = 14
"""How far back the nightly recount looks; Prometheus keeps 15 days unless told otherwise."""
_SAME = 1e-9
"""Relative difference that sums of floats may have without meaning anything."""
_PATIENCE = 600.0
"""Seconds that a recount may take."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the ledger holds of `span`, and what its source holds of it now.

    `span` is the day as far as the ledger's kept readings bound it. The ledger's
    side is as booked, without corrections.
    """

    slo: str
    span: Span
    ledger: Tally
    recount: Tally

    @property
    def difference(self) -> Tally:
        """Recount less ledger."""
        return self.recount - self.ledger

    @property
    def agrees(self) -> bool:
        """Whether good and total are the same; how much was covered is not compared."""
        size = max(1.0, abs(self.ledger.total), abs(self.recount.total))
        apart = max(abs(self.difference.good), abs(self.difference.total))
        return apart <= _SAME * size

    @property
    def forgotten(self) -> bool:
        """Whether the source holds nothing of what the ledger has counted."""
        return self.recount == NOTHING and self.ledger != NOTHING


def verify_day(context: Context, counted: Counted, day_start: int) -> Verification | Fault:
    """The recount of the UTC day that begins at `day_start` (epoch seconds).

    A fault: the ledger holds nothing of the day, or the source cannot be read.
    """
    meter = counted.meter
    booked_from, booked_to = meter.booked_from, meter.booked_to
    day = Span(day_start, day_start + DAY)
    held = None if booked_from is None or booked_to is None else Span(booked_from, booked_to)
    wanted = None if held is None else day.overlap(held)
    if wanted is None:
        reach = f" {rfc3339(held.start)} to {rfc3339(held.end)}" if held else " nothing yet"
        return Fault(
            "not_booked",
            f"the ledger of {counted.slo.id} holds nothing of the day from {rfc3339(day_start)};"
            f" it holds{reach}",
        )
    with reading(context.engine) as session:
        edges = [(meter.id, wanted.start), (meter.id, wanted.end)]
        found = readings.readings_at(session, edges)
    first, last = (found[edge] for edge in edges)
    # Compaction may have moved the day's edges to the readings that it kept.
    span = Span(first.end, last.end)
    if not span.seconds:
        return Fault("not_kept", f"the ledger of {counted.slo.id} keeps no reading of that day")
    outcome = collect(
        [_job(context, counted, span)],
        context.reader(counted.slo.source, time.monotonic() + _PATIENCE),
        Head(context.clients[counted.slo.source], span.end),
    )[0]
    if outcome.fault is not None:
        return outcome.fault
    return Verification(counted.slo.id, span, difference(first, last), tally_of(outcome.booking))


def random_day(session: Session, meter: Meter, now: int, rng: Random) -> int | None:
    """The start of one whole UTC day of the last two weeks that the meter's ledger holds.

    None: it holds none.
    """
    held = next((m for m in slos.meters_of(session, meter.slo) if m.id == meter.id), meter)
    if held.booked_from is None or held.booked_to is None:
        return None
    earliest = max(held.booked_from, now - RECOUNTED_DAYS * DAY)
    days = range(-(-earliest // DAY) * DAY, min(held.booked_to, now) - DAY + 1, DAY)
    return rng.choice(days) if days else None


def difference_text(verification: Verification) -> str:
    """By what a recount differs from the ledger, in words."""
    difference = verification.difference
    return f"{difference.good:+g} good, {difference.total:+g} total"


def verified(found: Verification | Fault, slo_id: str, day: int, now: int) -> Verified:
    """What is kept of a recount at `now` of the day that begins at `day`."""
    day = day // DAY * DAY
    if isinstance(found, Fault):
        return Verified(now, slo_id, day, None, found.message)
    if found.forgotten:
        return Verified(now, slo_id, day, None, "the source holds nothing of that day any more")
    text = "" if found.agrees else difference_text(found)
    return Verified(now, slo_id, day, found.agrees, text)


def tally_of(booking: Booking | None) -> Tally:
    """The sum of what a count found."""
    if booking is None:
        return NOTHING
    return Tally(
        sum(i.good for i in booking.increments),
        sum(i.total for i in booking.increments),
        sum(i.covered for i in booking.increments),
    )


def _job(context: Context, counted: Counted, span: Span) -> Job:
    max_gap = int(context.settings.max_gap.total_seconds())
    watch_from = counted.meter.watch_from
    return Job(
        counted.slo,
        counted.indicator,
        counted.meter,
        span,
        # As a backfill judges births: a series silent for `max_gap` is forgotten.
        max(span.start if watch_from is None else watch_from, span.start - max_gap),
        int(context.source(counted.slo.source).scrape_interval.total_seconds()),
        fresh=True,
        keep_edges=False,
        hold=False,
    )
