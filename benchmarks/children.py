"""What is measured, each in a process of its own so that memory and caches are its own.

Every function takes plain values, as they come from `run.py`, and gives plain figures.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet import CODES, TARGETS, Fleet
from server import Server

from slo import standings
from slo.backfill import backfill, want_backfill
from slo.config import parse
from slo.context import open_context
from slo.cycle import run_cycle
from slo.declaring import declare
from slo.domain.booking import Booking
from slo.domain.indicator import Events
from slo.domain.ledger import Contribution, Increment, difference
from slo.domain.lookup import Subject
from slo.domain.meter import Edge, fingerprint
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.horizon import horizon_of
from slo.prometheus.naming import series_name
from slo.store import booking, migrations, readings, slos
from slo.store import standings as stored
from slo.store.engine import open_engine, reading, writing
from slo.web.app import create_app, warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from slo.context import Context
    from slo.domain.meter import Meter

MINUTE, HOUR, DAY = 60, 3600, 86_400
LAG = 15


def cycle(server: dict[str, str], fleet: dict[str, Any], cycles: int) -> dict[str, Any]:
    """Live cycles, one a simulated minute up to the fleet's end; the first start is left out."""
    measured, judge = Fleet(**fleet), Server(**server)
    with _context(judge.url, measured) as context:
        first = measured.end - MINUTE * (cycles - 1) + LAG + 1
        seconds, cpu = [], []
        begun: dict[str, Any] = {}
        before = _Cost(context, judge)
        for now in range(first, measured.end + LAG + 2, MINUTE):
            cost, at = time.process_time(), time.perf_counter()
            report = run_cycle(context, now, 600)
            seconds.append(time.perf_counter() - at)
            cpu.append(time.process_time() - cost)
            if report.faults or len(report.booked) != measured.size:
                wrong = next(iter(report.faults.items()), "no fault told")
                raise RuntimeError(f"only {len(report.booked)} SLOs were booked: {wrong}")
            if not begun:
                begun = {"first_seconds": seconds[0], "first_mb": _peak_mb()}
                before = _Cost(context, judge)
        spent, live = _Cost(context, judge), cycles - 1
        _ensure_exact(context, measured)
    return begun | {
        "seconds": statistics.median(seconds[1:]),
        "cpu": statistics.median(cpu[1:]),
        "server_cpu": (spent.server - before.server).cpu / live,
        "samples": (spent.server - before.server).samples / live,
        "samples_told": (spent.samples - before.samples) / live,
        "requests": (spent.requests - before.requests) / live,
        "scraped": measured.series * MINUTE / measured.scrape,
        "mb": _peak_mb(),
    }


def history(server: dict[str, str], fleet: dict[str, Any], days: int) -> dict[str, Any]:
    """An exact backfill of so many days of a fleet, checked event by event."""
    measured, judge = Fleet(**fleet), Server(**server)
    end = measured.end // MINUTE * MINUTE
    start = end - days * DAY
    with _context(judge.url, measured) as context:
        counted = declare(context, end).counted
        want_backfill(context, counted, start)
        heads = {
            name: horizon_of(client, context.source(name), end).head
            for name, client in context.clients.items()
        }
        before, cpu, at = _Cost(context, judge), time.process_time(), time.perf_counter()
        report = backfill(context, counted, heads, now=end, end=end)
        seconds, cpu = time.perf_counter() - at, time.process_time() - cpu
        spent = _Cost(context, judge)
        if report.faults:
            raise RuntimeError(f"the backfill failed: {next(iter(report.faults.items()))}")
        _ensure_exact(context, measured)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "server_cpu": (spent.server - before.server).cpu,
        "samples": (spent.server - before.server).samples,
        "requests": spent.requests - before.requests,
        "scraped": measured.series * days * DAY / measured.scrape,
        "mb": _peak_mb(),
    }


def help_text() -> dict[str, Any]:
    """`slo --help`, ten starts; beside it what Python needs to start at all."""
    script = Path(sys.executable).parent / "slo"
    slo = [str(script)] if script.exists() else [sys.executable, "-m", "slo.cli"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = _median(lambda: _run([*slo, "--help"]), 10)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": seconds,
        "cpu": (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / 10,
        "bare": _median(lambda: _run([sys.executable, "-c", "import click"]), 10),
    }


def page(size: int) -> dict[str, Any]:
    """The overview with so many SLOs, as the server makes it."""
    with _store() as engine:
        now = int(time.time()) // MINUTE * MINUTE
        subjects = filled(engine, size, now)
        app = create_app(engine, clock=lambda: now + LAG)
        client = app.test_client()

        def get() -> None:
            answer = client.get("/")
            if answer.status_code != 200 or b"svc00001" not in answer.data:  # noqa: PLR2004 -- OK
                raise RuntimeError(f"/ answered {answer.status}")

        get()
        cpu = time.process_time()
        seconds = _median(get, 20)
        cpu = (time.process_time() - cpu) / 20
        fresh, drawn = [], []
        for end in range(now + MINUTE, now + 8 * MINUTE, MINUTE):
            with writing(engine) as session:
                stored.put(session, standings.compute(session, [renewed(s, end) for s in subjects]))
            # As the service does after each cycle, in the cycle's thread.
            drawn.append(_median(lambda: warm(app), 1))
            fresh.append(_median(get, 1))
        return {
            "seconds": seconds,
            "cpu": cpu,
            "fresh": statistics.median(fresh),
            "drawn": statistics.median(drawn),
            "kb": len(client.get("/").data) / 1024,
        }


def store(booked: int, computed: int) -> dict[str, Any]:
    """Booking one minute of many meters, and computing standings, on SQLite."""
    with _store() as engine:
        now = int(time.time()) // MINUTE * MINUTE
        subjects = filled(engine, max(booked, computed), now)
        book, put = [], []
        for end in range(now + MINUTE, now + 7 * MINUTE, MINUTE):
            bookings = [minute(s.meter, end) for s in subjects[:booked]]
            at = time.perf_counter()
            with writing(engine) as session:
                booking.book(session, bookings)
            book.append(time.perf_counter() - at)
            asked = [renewed(s, end) for s in subjects[:computed]]
            with writing(engine) as session:
                at = time.perf_counter()
                found = standings.compute(session, asked)
                put.append(time.perf_counter() - at)
                stored.put(session, found)
        return {
            "book": statistics.median(book[1:]),
            "compute": statistics.median(put[1:]),
            "mb": _peak_mb(),
        }


class _Cost:
    """What requests have cost by now, as we and as the server count it."""

    def __init__(self, context: Context, judge: Server) -> None:
        self.samples, self.requests = context.spent.samples, context.spent.requests
        self.server = judge.spent()


@contextmanager
def _store() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/slo.db")
        migrations.upgrade(engine)
        yield engine
        engine.dispose()


@contextmanager
def _context(url: str, fleet: Fleet) -> Iterator[Context]:
    with _store() as engine:
        settings = parse(fleet.slo_yaml(url, str(engine.url)), "slo.yaml", os.environ)
        gc.collect()
        with open_context(settings, engine) as context:
            yield context


def _ensure_exact(context: Context, fleet: Fleet) -> None:
    """Refuse figures of a ledger that differs from what was scraped."""
    with reading(context.engine) as session:
        for number in range(min(fleet.size, 200)):
            name = f"{fleet.service(number)}/availability"
            meter = slos.meter_of(session, name)
            if meter is None or meter.booked_from is None or meter.booked_to is None:
                raise RuntimeError(f"{name} has no ledger")
            ends = (meter.id, meter.booked_from), (meter.id, meter.booked_to)
            found = readings.readings_at(session, ends)
            tally = difference(found[ends[0]], found[ends[1]])
            total, bad = fleet.events(number, meter.booked_from, meter.booked_to)
            if (round(tally.total), round(tally.total - tally.good)) != (total, bad):
                raise RuntimeError(
                    f"{name} booked {tally.total:.0f} events, {tally.total - tally.good:.0f} bad;"
                    f" scraped were {total}, {bad} bad"
                )


def filled(
    engine: Engine, size: int, now: int, named: Callable[[int, SLO], SLO] = lambda _, slo: slo
) -> list[Subject]:
    """So many SLOs with 35 days of ledger and their standings; `named` gives them other names."""
    some = [named(number, an_slo(number)) for number in range(size)]
    with writing(engine) as session:
        declared = [slos.Declared(s, s.indicator, fingerprint(s)) for s in some]
        meters = slos.declare(session, declared, now)
    begin, recent = (now - 35 * DAY) // HOUR * HOUR, (now - 6 * HOUR) // HOUR * HOUR
    ends = [*range(begin + HOUR, recent + 1, HOUR), *range(recent + MINUTE, now + 1, MINUTE)]
    increments = tuple(
        Increment(end, 5990.0, 6000.0, float(HOUR if end <= recent else MINUTE)) for end in ends
    )
    span = Span(begin, now)
    for first in range(0, size, 100):
        with writing(engine) as session:
            booking.book(
                session,
                [Booking(meters[s.id].id, span, increments) for s in some[first : first + 100]],
            )
    with writing(engine) as session:
        subjects = [
            Subject(s, s.indicator, meter, now + LAG, LAG)
            for s in some
            for meter in [replace(meters[s.id], booked_from=begin, booked_to=now)]
        ]
        stored.put(session, standings.compute(session, subjects))
    return subjects


def an_slo(number: int) -> SLO:
    """One SLO of a service of its own."""
    total = Selector("requests_total", (Matcher("job", "=", f"svc{number:05}"),))
    return SLO(
        service=f"svc{number:05}",
        name="availability",
        objective=Decimal("0.999"),
        window=RollingWindow(timedelta(days=30)),
        indicator=Events(total=total, bad=total.with_matchers(Matcher("code", "=~", "5.."))),
        source="prometheus",
    )


def renewed(subject: Subject, end: int) -> Subject:
    """The subject as of a later bucket's end."""
    return replace(subject, meter=replace(subject.meter, booked_to=end), now=end + LAG)


def minute(meter: Meter, end: int) -> Booking:
    """What a cycle books of a meter with six series."""
    edges = tuple(
        Edge(0, series_name(labels), end * 1000 - 137, 1e6, 1e6, 2, None, (15_000,) * 3, (9.0,) * 2)
        for labels in _six_series(meter.slo)
    )
    hour = end // HOUR * HOUR
    found = tuple(
        Contribution(hour, series_name({k: v for k, v in labels.items() if k != "job"}), 1.0, 9.0)
        for labels in _six_series(meter.slo)
    )
    increments = (Increment(end, 99.0, 100.0, float(MINUTE)),)
    return Booking(meter.id, Span(end - MINUTE, end), increments, edges, found)


def _six_series(slo: str) -> list[dict[str, str]]:
    service = slo.partition("/")[0]
    return [
        {
            "__name__": "requests_total",
            "code": code,
            "env": "prod",
            "instance": f"{service}-{target}",
            "job": service,
        }
        for target in range(TARGETS)
        for code in CODES
    ]


def _median(what: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        at = time.perf_counter()
        what()
        found.append(time.perf_counter() - at)
    return statistics.median(found)


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


CHILDREN: dict[str, Callable[..., dict[str, Any]]] = {
    "cycle": cycle,
    "history": history,
    "help": help_text,
    "page": page,
    "store": store,
}
