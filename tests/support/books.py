"""Ledgers kept by real cycles and backfills, at instants that a test chooses."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import select

from slo.backfill import BackfillReport, backfill, want_backfill
from slo.config import parse
from slo.context import open_context
from slo.cycle import CycleReport, run_cycle
from slo.declaring import declare
from slo.horizon import horizon_of
from slo.store import migrations, readings, schema, slos
from slo.store.engine import open_engine, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Engine

    from slo.context import Context
    from slo.domain.ledger import Reading
    from tests.support.truth import Truth

LAG = 15
"""Seconds that the sources of these tests lag, as is usual."""


@contextmanager
def open_books(yaml: str) -> Iterator[Context]:
    """A context on the store that slo.yaml names, with its tables."""
    settings = parse(yaml, "slo.yaml", {})
    engine = open_engine(settings.database_url)
    try:
        migrations.upgrade(engine)
        with open_context(settings, engine) as context:
            yield context
    finally:
        engine.dispose()


def ripe(end: int) -> int:
    """When a bucket that ends at `end` can be booked: a tick after the source's lag."""
    return end + LAG + 1


def run_cycles(context: Context, nows: Iterable[int]) -> dict[str, object]:
    """Cycles at these instants; gives the faults that there were, by SLO."""
    faults: dict[str, object] = {}
    for now in nows:
        faults |= run_cycle(context, now, 50).faults
    return faults


def catch_up(context: Context, now: float) -> CycleReport:
    """Cycles at one instant until all is booked."""
    while not (report := run_cycle(context, now, 50)).caught_up:
        pass
    return report


def fill(context: Context, *, now: int, start: int | None = None, end: int | None = None, **kwargs):
    """A backfill to `start`, or as far as is wanted already."""
    counted = declare(context, now).counted
    if start is not None:
        want_backfill(context, counted, start)
    heads = {
        name: horizon_of(client, context.source(name), now).head
        for name, client in context.clients.items()
    }
    report = backfill(context, declare(context, now).counted, heads, now=now, end=end, **kwargs)
    assert isinstance(report, BackfillReport)
    return report


def ledgers(engine: Engine) -> dict[str, list[Reading]]:
    """All readings of each SLO's running meter."""
    with reading(engine) as session:
        return {
            slo: readings.between(session, meter.id, 0, 2**40)
            for slo, meter in slos.running_meters(session).items()
        }


@dataclass(frozen=True)
class Bucket:
    """What a ledger says of the time between two adjacent readings."""

    start: int
    good: float
    total: float
    covered: float
    carried: int


def buckets(ledger: list[Reading]) -> dict[int, Bucket]:
    """What is booked in each bucket, by its end."""
    return {
        b.end: Bucket(a.end, b.good - a.good, b.total - a.total, b.covered - a.covered, b.carried)
        for a, b in pairwise(ledger)
    }


def wrong_buckets(ledger: list[Reading], truth: Truth) -> dict[int, tuple]:
    """The buckets that differ from the truth: (good, total) as booked, and as true."""
    wrong = {}
    for end, bucket in buckets(ledger).items():
        booked = (round(bucket.good, 6), round(bucket.total, 6))
        if bucket.start != end - truth.bucket:
            wrong[end] = ("no reading between", bucket.start, end)
        elif booked != truth.of(end):
            wrong[end] = (booked, truth.of(end))
    return wrong


_FOUND_BY_CYCLES = ("edge", "contributor", "note", "reading")


def everything(engine: Engine, tables: Iterable[str] = _FOUND_BY_CYCLES) -> dict[str, list[tuple]]:
    """All rows that counting left behind, with meters by the name of their SLO, and their stretch.

    A note's `count` tells how many bookings found it, so it is left out.
    """
    with reading(engine) as session:
        names = {meter.id: slo for slo, meter in slos.running_meters(session).items()}
        found: dict[str, list[tuple]] = {
            "stretch": sorted(
                (slo, m.watch_from, m.booked_from, m.booked_to, m.backfill_to)
                for slo, m in slos.running_meters(session).items()
            )
        }
        for name in tables:
            table = schema.metadata.tables[name]
            columns = [c for c in table.columns if c.name not in {"meter_id", "count"}]
            rows = session.execute(select(table.c.meter_id, *columns))
            found[name] = sorted((names[meter], *map(repr, rest)) for meter, *rest in rows)
    return found
