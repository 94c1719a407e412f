"""Counters whose true events are known, for a real Prometheus.

A `Target` counts events; a scrape writes what it counts then as samples and books
the events that nobody had scraped yet in the bucket of that scrape. So the truth is
what any reader of the samples can know, bucket by bucket: events between the last
scrape and a restart are in no sample, and not in the truth either.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.support.prometheus_server import OpenMetrics

BUCKET = 60
DAY = 86_400

GOOD, TOTAL, SUM, COUNT = "good", "total", "sum", "count"


def ms(at: float) -> float:
    """`at` to the millisecond, which is all that Prometheus keeps."""
    return round(at * 1000) / 1000


def bucket_of(at: float, bucket: int = BUCKET) -> int:
    """The end of the bucket `(start, end]` of a sample."""
    return -(-round(at * 1000) // (bucket * 1000)) * bucket


@dataclass
class Truth:
    """What was scraped of one SLO's events, by the end of their bucket."""

    bucket: int = BUCKET
    events: dict[str, dict[int, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )

    def add(self, kinds: Iterable[str], at: float, amount: float) -> None:
        for kind in kinds:
            self.events[kind][bucket_of(at, self.bucket)] += amount

    def of(self, end: int) -> tuple[float, float]:
        """The good and total events of the bucket that ends at `end`."""
        return self.events[GOOD].get(end, 0.0), self.events[TOTAL].get(end, 0.0)

    def until(self, end: int) -> tuple[float, float]:
        """All good and total events up to `end`."""
        good, total = (
            sum(amount for at, amount in self.events[kind].items() if at <= end)
            for kind in (GOOD, TOTAL)
        )
        return good, total

    def mean_slices(self, threshold: float) -> Truth:
        """The slices whose mean is within `threshold`, of those that had events."""
        found = Truth(self.bucket)
        for end, count in self.events[COUNT].items():
            if count:
                mean = self.events[SUM][end] / count
                found.events[TOTAL][end] = 1.0
                found.events[GOOD][end] = float(mean <= threshold)
        return found


@dataclass
class Counter:
    """One series of a target; `kinds` is what its events are. `lazy`: born at its first event."""

    series: str
    kinds: tuple[str, ...]
    lazy: bool = False
    value: float | None = None
    unseen: float = 0.0

    def restart(self) -> None:
        self.value, self.unseen = (None if self.lazy else 0.0), 0.0


class Target:
    """One process, or one after the other, behind an `instance` that is scraped.

    `tells_start`: it exposes `process_start_time_seconds`, as most clients do.
    """

    def __init__(
        self,
        truth: Truth,
        job: str,
        instance: str,
        counters: Iterable[Counter],
        *,
        started: float,
        tells_start: bool = True,
    ):
        self.truth, self.started, self.tells_start = truth, started, tells_start
        self.labels = {"job": job, "instance": instance}
        self.counters = {c.series: c for c in counters}
        for counter in self.counters.values():
            counter.restart()
        self.samples: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def count(self, **events: float) -> None:
        """Events happen: by the name of a counter, such as `code_200=3`."""
        for name, amount in events.items():
            counter = self.counters[name]
            if amount:
                counter.value = (counter.value or 0.0) + amount
                counter.unseen += amount

    def restart(self, at: float) -> None:
        """The process begins anew: what was not scraped is lost."""
        self.started = at
        for counter in self.counters.values():
            counter.restart()

    def rename(self, **labels: str) -> None:
        """The process lives on under other labels."""
        self.labels |= labels

    def forget(self) -> None:
        """What happened so far is none of our business: it was before anyone looked."""
        for counter in self.counters.values():
            counter.unseen = 0.0

    def scrape(self, at: float, offsets: Mapping[str, float] | None = None) -> None:
        """A scrape succeeds at `at`; `offsets` moves single counters, in seconds."""
        at = ms(at)
        for name, counter in self.counters.items():
            if counter.value is None:
                continue
            when = ms(at + (offsets or {}).get(name, 0.0))
            self.samples[self._series(SERIES[name])].append((when, counter.value))
            self.truth.add(counter.kinds, when, counter.unseen)
            counter.unseen = 0.0
        self.samples[self._series("up")].append((at, 1.0))
        if self.tells_start:
            series = self._series("process_start_time_seconds")
            self.samples[series].append((at, self.started))

    def alive(self, at: float) -> None:
        """A scrape succeeds, and finds no series of ours."""
        self.samples[self._series("up")].append((ms(at), 1.0))

    def fail(self, at: float) -> None:
        """A scrape fails."""
        self.samples[self._series("up")].append((ms(at), 0.0))

    def write(self, metrics: OpenMetrics, shift: float = 0.0) -> None:
        """Write all samples, later by `shift` seconds."""
        for series, samples in self.samples.items():
            metrics.add(series, [(at + shift, value) for at, value in samples])

    def _series(self, series: str) -> str:
        name, _, rest = series.partition("{")
        inner = rest.removesuffix("}")
        labels = ",".join(f'{key}="{value}"' for key, value in self.labels.items())
        return f"{name}{{{inner + ',' if inner else ''}{labels}}}"


SERIES = {
    "code_200": 'http_requests_total{code="200"}',
    "code_500": 'http_requests_total{code="500"}',
    "answers": "answers_total",
    "answers_good": "answers_good_total",
    "fast": 'work_seconds_bucket{le="0.2"}',
    "slow": 'work_seconds_bucket{le="1.0"}',
    "any": 'work_seconds_bucket{le="+Inf"}',
    "work_count": "work_seconds_count",
    "predict_sum": "predict_seconds_sum",
    "predict_count": "predict_seconds_count",
}
"""The series that targets here expose, by the name of their counter."""


def requests(*, lazy: bool = False) -> tuple[Counter, Counter]:
    """Counters of requests; `lazy`: the errors' series is born at the first error."""
    return Counter("code_200", (GOOD, TOTAL)), Counter("code_500", (TOTAL,), lazy=lazy)


def every(
    start: float, end: float, step: float, phase: float, jitter: Callable[[], float] | None = None
) -> Iterable[float]:
    """The times of scrapes in `(start, end]`."""
    at = start + phase
    while at <= end:
        if at > start:
            yield at + (jitter() if jitter else 0.0)
        at += step
