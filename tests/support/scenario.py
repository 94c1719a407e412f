"""Histories of counters whose truth is known, and a ledger that books them as the store does.

A `Scenario` is one service behind a few targets: processes start, serve, fail, restart,
are renamed; a Prometheus scrapes them with jitter, misses scrapes, is down. What a
scrape ever saw is counted beside, life by life: the most that any reader can know.
All times are epoch milliseconds unless a name says seconds.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from slo.domain.indicator import Events
from slo.domain.meter import Meter
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.prometheus.collector import collect
from slo.prometheus.head import Head
from slo.prometheus.job import Job
from slo.prometheus.raw import RawReader
from slo.promql import parse_selector
from tests.support.fake_source import FakeSource, Inline

T0 = 1_790_000_040
"""A bucket's end, epoch seconds."""
METRIC = "http_requests_total"


@dataclass
class Life:
    """One process: when it serves, and when its events are counted, by code."""

    start: int
    end: int
    events: dict[str, list[int]]
    """Times of events by code, in order."""
    lazy: frozenset[str] = frozenset({"500"})
    """Codes whose series is made by their first event."""

    def value(self, code: str, at: int) -> int | None:
        count = bisect_right(self.events[code], at)
        return None if not count and code in self.lazy else count


@dataclass
class Target:
    """One address, the processes behind it one after the other, and when it is scraped."""

    labels: dict
    lives: list[Life]
    scrapes: list[tuple[int, int]]
    """Stamp and arrival of each scrape; the value is that of the stamp less `skew`."""
    down: list[tuple[int, int]] = field(default_factory=list)
    """When scrapes fail: `up` is 0."""
    renamed: list[tuple[int, int, dict]] = field(default_factory=list)
    """From, to, and labels that differ then."""
    skew: int = 0
    extra: dict = field(default_factory=dict)
    """Labels of the Prometheus replica that scrapes."""


@dataclass
class Scenario:
    targets: list[Target]
    created: bool = False
    process: bool = True
    up: bool = True

    def load(self, since: int = T0 * 1000) -> tuple[FakeSource, dict[str, int]]:
        """A source that holds it all, and what its scrapes after `since` saw, by code."""
        source, rows = FakeSource(), defaultdict(list)
        seen: dict[tuple, int] = {}
        before: dict[tuple, int] = {}
        for target in self.targets:
            for stamp, arrival in target.scrapes:
                self._scrape(target, stamp, arrival, rows, seen if stamp > since else before)
        for labels, samples in rows.items():
            source.add(dict(labels), samples)
        truth = defaultdict(int)
        for key, value in seen.items():
            truth[key[1]] += max(0, value - before.get(key, 0))
        return source, truth

    def _scrape(self, target, stamp, arrival, rows, seen):
        labels = dict(target.labels) | target.extra
        for start, end, changed in target.renamed:
            if start <= stamp < end:
                labels |= changed

        def write(name, value, **own):
            rows[frozenset({"__name__": name, **labels, **own}.items())].append(
                (stamp, float(value), arrival)
            )

        at = stamp - target.skew
        life = next((one for one in target.lives if one.start <= at < one.end), None)
        failed = life is None or any(a <= at < b for a, b in target.down)
        if self.up:
            write("up", 0.0 if failed else 1.0)
        if failed:
            return
        if self.process:
            write("process_start_time_seconds", life.start / 1000)
        for code, events in life.events.items():
            value = life.value(code, at)
            if value is None:
                continue
            write(METRIC, value, code=code)
            if self.created:
                made = events[0] if code in life.lazy else life.start
                write("http_requests_created", made / 1000, code=code)
            key = (id(life), code)
            seen[key] = max(seen.get(key, 0), value)


EVENTS = Events(
    total=parse_selector(METRIC), bad=parse_selector(f'{METRIC}{{code="500"}}'), good=None
)


def slo_of(indicator=EVENTS, **changes) -> SLO:
    base = SLO(
        "shop", "avail", Decimal("0.99"), RollingWindow(timedelta(days=30)), indicator, "main"
    )
    return replace(base, **changes)


@dataclass
class Book:
    """A ledger in memory that keeps edges and sums as the store does."""

    source: FakeSource
    slo: SLO = field(default_factory=slo_of)
    watch_from: int = T0
    meter: Meter = field(init=False)
    edges: dict = field(default_factory=dict)
    increments: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    contributions: list = field(default_factory=list)
    absences: list = field(default_factory=list)
    booked_to: int | None = None

    def __post_init__(self):
        self.meter = Meter(1, self.slo.id, "f", self.slo.bucket, "{}")

    def collect(self, span: Span, now: float, **flags):
        """The outcome of one job."""
        self.source.clock = round(now * 1000)
        job = Job(
            self.slo,
            self.slo.indicator,
            self.meter,
            span,
            self.watch_from,
            edges=tuple(self.edges.values()) if not flags.get("fresh") else (),
            **flags,
        )
        reader = RawReader(self.source, Inline(), time.monotonic() + 60)
        (outcome,) = collect([job], reader, Head(self.source, now))
        return outcome

    def cycle(self, end: int, now: float | None = None) -> None:
        """One live cycle up to `end`, 15 seconds after it; the first one is fresh."""
        start = self.booked_to if self.booked_to is not None else self.watch_from
        fresh = self.booked_to is None
        outcome = self.collect(Span(start, end), end + 15 if now is None else now, fresh=fresh)
        assert outcome.fault is None, outcome.fault
        if outcome.booking is not None:
            self.take(outcome.booking)
            self.booked_to = outcome.booking.span.end

    def live(self, ends) -> Book:
        for end in ends:
            self.cycle(end)
        return self

    def backfill(self, edges, now: float) -> Book:
        """Chunks between `edges` (epoch seconds, in order), newest first."""
        for start, end in reversed(list(pairwise(edges))):
            outcome = self.collect(Span(start, end), now, fresh=True, keep_edges=False, hold=False)
            assert outcome.fault is None, outcome.fault
            self.take(outcome.booking)
        return self

    def take(self, booking) -> None:
        for edge in booking.edges:
            self.edges[edge.read, edge.series] = edge
        self.increments += booking.increments
        self.notes += booking.notes
        self.contributions += booking.contributions
        self.absences += booking.absences

    @property
    def total(self) -> float:
        return sum(i.total for i in self.increments)

    @property
    def bad(self) -> float:
        return sum(i.total - i.good for i in self.increments)

    @property
    def booked(self) -> tuple[float, float]:
        """Bad and total."""
        return self.bad, self.total

    @property
    def covered(self) -> float:
        return sum(i.covered for i in self.increments)

    def noted(self, kind: str) -> list:
        return [note for note in self.notes if note.kind == kind]


def truth_of(truth) -> tuple[float, float]:
    """Bad and total that scrapes saw."""
    return float(truth["500"]), float(sum(truth.values()))


def scrapes(start: int, end: int, every: int, *, phase=0, jitter=0, late=0, random=None):
    """Stamps and arrivals every `every` ms in `[start, end)`."""
    random = random or Random(0)
    times = range(start + phase, end, every)
    stamps = [t + (random.randint(-jitter, jitter) if jitter else 0) for t in times]
    found, newest = [], 0
    for stamp in stamps:
        # Samples of one target arrive in their order: Prometheus refuses others.
        newest = max(newest, stamp + (late(stamp) if callable(late) else late))
        found.append((stamp, newest))
    return found


def life(start: int, end: int, *, every: int = 2_000, errors=(), lazy=("500",)) -> Life:
    """A process that serves one request each `every` ms, and fails at the times in `errors`."""
    return Life(
        start,
        end,
        {"200": list(range(start + every, end, every)), "500": sorted(errors)},
        frozenset(lazy),
    )


def random_scenario(random: Random, every: int, features: frozenset[str]) -> tuple[Scenario, int]:
    """A scenario scraped each `every` ms, and its length in ms.

    A restart always shows: by a lower value, or by a gap. `features` may hold
    restarts, deploys, outages (of Prometheus), failures (of scrapes), renames, late,
    older (processes from before the watch), created, twins (that start together).
    """
    start, length = T0 * 1000, max(1_800_000, 40 * every)
    before = 10 * every if "older" in features else 0
    end = start + length
    outages = _windows(random, start, end, every, 2) if "outages" in features else []
    targets = []
    for index in range(random.randint(1, 3)):
        labels = {"job": "shop", "instance": f"pod-{index}:80"}
        times = scrapes(
            start - before,
            end,
            every,
            phase=random.choice((0, random.randrange(every))),
            jitter=random.choice((0, 30)),
            late=_lateness(random, every) if "late" in features else 0,
            random=random,
        )
        times = [s for s in times if not any(a <= s[0] < b for a, b in outages)]
        # A process that is older than the watch is also scraped before it.
        born = start - before + (-3 * every if before else random.choice((0, every // 2)))
        born += 0 if "twins" in features else 137 * index
        lives = _lives(random, born, end, every, features & {"restarts", "deploys"})
        target = Target(labels, lives, times)
        if "failures" in features:
            target.down = _windows(random, start, end, every, 3)
        if "renames" in features:
            target.renamed = _renames(random, index, start, end, every)
        targets += _deployed(target) if "deploys" in features else [target]
    return Scenario(targets, created="created" in features), length


def _windows(random, start, end, every, most):
    found = []
    for _ in range(random.randint(0, most)):
        begin = random.randrange(start, end)
        found.append((begin, begin + random.randint(every // 2, 12 * every)))
    return found


def _lateness(random, every):
    return lambda _: random.choice((0, 0, 0, every // 2, 40_000, 150_000))


def _lives(random, start, end, every, features):
    lives, at = [], start
    while at < end:
        until = at + random.randint(5, 25) * every if features else end
        errors = {random.randrange(at, min(until, end) + 1) for _ in range(random.randint(0, 4))}
        lives.append(life(at, min(until, end), every=every // 8, errors=errors))
        at = until + random.choice((0, every // 10))
        if random.random() < 0.3:
            # A life that no scrape sees: two resets between two samples.
            lives.append(life(at, at + every // 12, every=every // 8))
            at += every // 10
    return lives


def _renames(random, index, start, end, every):
    found, at = [], start
    for count in range(random.randint(1, 3)):
        at += random.randint(6 * every, 12 * every)
        until = at + random.randint(5 * every, 10 * every)
        names = ({"instance": f"{index}.pod.local:80"}, {"zone": "eu"}, {"zone": f"eu-{count}"})
        found.append((at, until, random.choice(names)))
        at = until
    return [(a, b, c) for a, b, c in found if a < end]


def _deployed(target):
    """Each process behind an address of its own."""
    return [
        replace(
            target,
            labels=target.labels | {"instance": f"{n}-{target.labels['instance']}"},
            lives=[one],
            scrapes=[s for s in target.scrapes if one.start <= s[0] < one.end + 60_000],
        )
        for n, one in enumerate(target.lives)
    ]
