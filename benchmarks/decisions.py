"""Alert decisions by themselves: how many a second, and a year of one SLO replayed."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slo.config.settings import DEFAULT_KEEP
from slo.domain.booking import Booking
from slo.domain.decision import decide, windows_of
from slo.domain.indicator import Events
from slo.domain.ledger import Exclusion, Increment
from slo.domain.meter import fingerprint
from slo.domain.policy import default_policy
from slo.domain.replay import Promise
from slo.domain.selector import Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.replay import read_past, replay
from slo.store import booking, compaction, exclusions, migrations, slos
from slo.store.engine import open_engine, reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from slo.domain.past import Past

MINUTE, DAY = 60, 86_400
END = 1_795_204_800
MOMENTS = 20_000
WINDOW = RollingWindow(timedelta(days=30))
SLO_ = SLO(
    service="shop",
    name="availability",
    objective=Decimal("0.999"),
    window=WINDOW,
    indicator=Events(Selector("requests_total"), bad=Selector("errors_total")),
    source="prometheus",
)
TODAY = Promise(SLO_.objective, WINDOW, SLO_.alert_policy)
OTHER = Decimal("0.9995")


def decisions(days: int) -> dict[str, Any]:
    """Decisions a second, beside their look-ups alone, and replays of so many days."""
    with _engine() as engine:
        span = Span(END - days * DAY, END)
        _fill(engine, span)
        figures = {f"{key}_fine": value for key, value in _replayed(engine, span).items()}
        figures["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with reading(engine) as session:
            meter = slos.running_meters(session)[SLO_.id]
            past = read_past(session, meter, span, [TODAY])
        figures |= _decided(past)
        with writing(engine) as session:
            keep = [
                (int(k.older_than.total_seconds()), int(k.every.total_seconds()))
                for k in DEFAULT_KEEP
            ]
            compaction.compact(session, meter.id, END, keep, ())
        figures |= {f"{key}_kept": value for key, value in _replayed(engine, span).items()}
        return figures


def _replayed(engine: Engine, span: Span) -> dict[str, float]:
    """Seconds of a replay of today's policy, and of another beside it."""
    other = replace(TODAY, objective=OTHER, policy=default_policy(OTHER))
    with reading(engine) as session:
        meter = slos.running_meters(session)[SLO_.id]
        started = time.perf_counter()
        alone = replay(session, meter, span, TODAY, TODAY)
        between = time.perf_counter()
        both = replay(session, meter, span, other, TODAY)
        done = time.perf_counter()
    if both.today is None or len(both.today.alerts) != len(alone.replayed.alerts):
        raise RuntimeError("the same policy over the same past gave other alerts")
    return {
        "alone": between - started,
        "both": done - between,
        "readings": alone.readings,
        "alerts": len(alone.replayed.alerts),
    }


def _decided(past: Past) -> dict[str, float]:
    """Decisions a second as live alerting makes them, and the look-ups of the same alone."""
    rules = [r for r in TODAY.policy.rules if r.kind == "burn"]
    windows = sorted({w for rule in rules for w in windows_of(rule)})
    ends = past.ends[-MOMENTS:]
    started = time.perf_counter()
    for at in ends:
        moment = past.track.moment(at, TODAY.objective)
        for window in windows:
            moment.tally(window)
    looked = time.perf_counter()
    states: dict[str, Any] = {}
    for at in ends:
        moment = past.track.moment(at, TODAY.objective)
        for rule in rules:
            states[rule.name] = decide(rule, moment, states.get(rule.name)).state
    decided = time.perf_counter()
    count = len(ends) * len(rules)
    return {"decided": count / (decided - looked), "looked": count / (looked - started)}


def _fill(engine: Engine, span: Span) -> None:
    """A year as they are: a few errors, an outage now and then, slow burns, maintenance."""
    chance = random.Random(7)
    with writing(engine) as session:
        declared = slos.Declared(SLO_, SLO_.indicator, fingerprint(SLO_))
        meter = slos.declare(session, [declared], span.start)[SLO_.id]
        for start in range(span.start + 3 * DAY, span.end, 7 * DAY):
            away = Span(start, start + 2 * 3600)
            exclusions.add(
                session, Exclusion(0, SLO_.id, away, "maintenance", "bench", "every week", start)
            )
    bad, left = 0.0, 0
    for first in range(span.start, span.end, 30 * DAY):
        last = min(first + 30 * DAY, span.end)
        increments = []
        for end in range(first + MINUTE, last + 1, MINUTE):
            left -= 1
            if left <= 0:
                bad = chance.choices((0.0, 0.0003, 0.002, 0.03), (70, 24, 5, 1))[0]
                left = chance.randrange(20, 400)
            total = chance.randrange(500, 1500)
            lost = min(total, round(chance.expovariate(1) * bad * total))
            increments.append(Increment(end, total - lost, total, float(MINUTE)))
        with writing(engine) as session:
            booking.book(session, [Booking(meter.id, Span(first, last), tuple(increments))])


@contextmanager
def _engine() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="slo-bench-") as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'slo.db'}")
        migrations.upgrade(engine)
        yield engine
        engine.dispose()
