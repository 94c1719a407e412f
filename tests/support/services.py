"""Services with one difficulty each, their true events, and the SLOs that count them.

All run from 20:00 to 06:00, so that midnight, where a backfill's chunks meet, lies
inside; what is difficult happens at 22:00, 00:00, 02:00 and 05:00.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.support.prometheus_server import OpenMetrics
from tests.support.truth import (
    COUNT,
    DAY,
    GOOD,
    SUM,
    TOTAL,
    Counter,
    Target,
    Truth,
    bucket_of,
    every,
    requests,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FOREVER = "--storage.tsdb.retention.time=100y"
"""Prometheus's flag that keeps samples of any age."""

MIDNIGHT = 1_709_251_200  # 1 March 2024, after a leap day.
START, END = MIDNIGHT - 4 * 3600, MIDNIGHT + 6 * 3600
LEFT, RIGHT = MIDNIGHT - 2 * 3600, MIDNIGHT + 5 * 3600
"""What lasts for seven hours lasts from LEFT to RIGHT."""
MOMENTS = (LEFT, MIDNIGHT, MIDNIGHT + 2 * 3600, RIGHT)

BY_CODE = """events:
  bad: 'http_requests_total{{job="{name}",code=~"5.."}}'
  total: 'http_requests_total{{job="{name}"}}'"""


@dataclass
class Service:
    """A job, its targets, its truth, and the indicator that counts it (YAML)."""

    name: str
    truth: Truth
    targets: list[Target]
    indicator: str = BY_CODE
    not_counted: float = 0.0
    """Events of first values that are noted, and not counted."""
    extra: Callable[[OpenMetrics], None] = field(default=lambda _: None)

    def yaml(self) -> str:
        inner = self.indicator.format(name=self.name).replace("\n", "\n        ")
        return (
            f"  {self.name}:\n    slos:\n      slo:\n        objective: 99.9%\n"
            f"        window: 7d\n        {inner}\n"
        )

    def write(self, metrics: OpenMetrics) -> None:
        for target in self.targets:
            target.write(metrics)
        self.extra(metrics)


def settings_yaml(
    url: str,
    database_url: str,
    services: Iterable[Service],
    *,
    more: str = "",
    timeout: str = "10s",
) -> str:
    """slo.yaml that counts these services."""
    return (
        f"prometheus: {{url: '{url}', lag: 15s, timeout: {timeout}}}\n"
        f"database: {{url: '{database_url}'}}\n{more}services:\n"
        + "".join(service.yaml() for service in services)
    )


class Maker:
    """Makes services; each has its own random events, the same in every run."""

    def __init__(self, name: str, *, start: float = START, end: float = END):
        self.name, self.rng = name, random.Random(name)
        self.truth = Truth()
        self.targets: list[Target] = []
        self.start, self.end = start, end

    def target(self, number: int, *, lazy: bool = False, **kwargs: object) -> Target:
        target = Target(
            self.truth,
            self.name,
            f"{self.name}-{number}:80",
            requests(lazy=lazy),
            # Two processes hardly ever start within the same hundredth of a second.
            **{"started": self.start + 0.37 * number, **kwargs},
        )
        self.targets.append(target)
        return target

    def work(self, target: Target, most: int = 40, errors: float = 0.02) -> None:
        """What a target does between two scrapes."""
        good = self.rng.randint(0, most)
        bad = sum(self.rng.random() < errors for _ in range(max(1, good)))
        target.count(code_200=good, code_500=bad)

    def jitter(self) -> float:
        return self.rng.uniform(-0.02, 0.02)

    def times(self, step: float, phase: float | None = None) -> Iterable[float]:
        phase = self.rng.uniform(0.1, step) if phase is None else phase
        return every(self.start, self.end, step, phase, self.jitter)

    def service(self, indicator: str = BY_CODE, **kwargs: object) -> Service:
        return Service(self.name, self.truth, self.targets, indicator, **kwargs)


def scraped_every(seconds: float, *, targets: int = 2, tells_start: bool = True) -> Service:
    make = Maker(f"every-{seconds:g}s{'' if tells_start else '-no-start'}")
    for number in range(targets):
        target = make.target(number, tells_start=tells_start)
        for at in make.times(seconds):
            target.scrape(at)
            make.work(target)
    return make.service()


def on_bucket_edges() -> Service:
    """Samples at exactly :00, :20 and :40: the one at :00 belongs to the bucket that it ends."""
    make = Maker("on-edges")
    target = make.target(0)
    for at in every(make.start, make.end, 20.0, 0.0):
        target.scrape(at)
        make.work(target)
    return make.service()


def restarting(every_seconds: float, name: str, *, tells_start: bool = True) -> Service:
    """Restarts now and then, at each moment, and twice between two scrapes."""
    make = Maker(name)
    target = make.target(0, tells_start=tells_start)
    last = make.start
    for at in make.times(15.0):
        due = [m for m in MOMENTS if last < m <= at] or make.rng.random() < 15 / every_seconds
        # A restart shows only by a fall: no sample tells it from work if the value has risen.
        if due and (target.counters["code_200"].value or 0) > 200:
            target.restart(at - 9)
            make.work(target, 3)
            if make.rng.random() < 0.5:
                target.restart(at - 4)
                make.work(target, 2)
        target.scrape(at)
        make.work(target)
        last = at
    return make.service()


def gap_that_ends_higher() -> Service:
    """Gone for four hours over midnight; back with a new process that has counted more."""
    make = Maker("gap-higher")
    target = make.target(0)
    restarted = False
    for at in make.times(15.0):
        if LEFT < at <= MIDNIGHT + 2 * 3600:
            make.work(target)
            continue
        if at > LEFT and not restarted:
            target.restart(at - 3000)
            target.count(code_200=1_000_000, code_500=777)
            restarted = True
        target.scrape(at)
        make.work(target)
    return make.service()


def gap_of_one_target() -> Service:
    """One of two targets is silent, its process lives on: the step across the gap counts."""
    make = Maker("gap-same")
    for number in range(2):
        target = make.target(number)
        for at in make.times(15.0):
            if number and LEFT < at <= MIDNIGHT + 2 * 3600:
                target.fail(at)
            else:
                target.scrape(at)
            make.work(target)
    return make.service()


def dead(*, restarts: bool) -> Service:
    """All targets have `up` = 0 for seven hours."""
    make = Maker("dead-restarts" if restarts else "dead")
    for number in range(2):
        target = make.target(number)
        fresh = False
        for at in make.times(15.0):
            if LEFT < at <= RIGHT:
                target.fail(at)
                make.work(target)
                continue
            if restarts and at > RIGHT and not fresh:
                target.restart(at - 5)
                make.work(target)
                fresh = True
            target.scrape(at)
            make.work(target)
    return make.service()


def first_errors(step: float = 15.0) -> Service:
    """The errors' series is born at the first error: at each moment, on a new process."""
    make = Maker(f"first-errors-{step:g}s")
    for number in range(3):
        target = make.target(number, lazy=True)
        moments = [m + 40 * number for m in MOMENTS]
        last = make.start
        for at in make.times(step):
            due = [m for m in moments if last < m <= at]
            if due:
                target.count(code_500=make.rng.randint(1, 9))
            target.scrape(at)
            target.count(code_200=make.rng.randint(0, 40))
            last = at
            if make.rng.random() < step / 3600:
                target.scrape(at + 1)
                target.restart(at + 2)
    return make.service()


def renamed_instance() -> Service:
    """A living process gets another `instance`, at each moment, and another label."""
    make = Maker("renamed")
    target = make.target(0)
    last, names = make.start, 0
    for at in make.times(15.0):
        if any(last < m <= at for m in MOMENTS):
            names += 1
            target.rename(instance=f"other-{names}:80")
        target.scrape(at)
        make.work(target)
        last = at
    return make.service()


def relabelled() -> Service:
    """A living process gets another label, such as a version's."""
    make = Maker("relabelled")
    target = make.target(0)
    target.rename(version="v0")
    last, names = make.start, 0
    for at in make.times(15.0):
        if any(last < m <= at for m in MOMENTS):
            names += 1
            target.rename(version=f"v{names}")
        target.scrape(at)
        make.work(target)
        last = at
    return make.service()


def replaced_targets() -> Service:
    """Each moment another process with another `instance` takes over: series end and begin."""
    make = Maker("replaced")
    bounds = [make.start, *MOMENTS, make.end]
    for number, (begin, end) in enumerate(pairwise(bounds)):
        target = make.target(number, started=begin + 1)
        make.work(target)
        for at in every(begin, end, 15.0, 8.0, make.jitter):
            target.scrape(at)
            make.work(target)
        # The last scrape comes before its end.
    return make.service()


def old_exporter() -> Service:
    """An exporter that has counted for months is first scraped at midnight."""
    make = Maker("old-exporter")
    target = make.target(0)
    for at in make.times(15.0):
        target.scrape(at)
        make.work(target)
    old = make.target(1, started=make.start - 90 * DAY)
    old.count(code_200=5_000_000, code_500=60_000)
    old.forget()
    for at in make.times(15.0):
        if at > MIDNIGHT:
            old.scrape(at)
            make.work(old)
    return make.service(not_counted=5_060_000.0)


def apart() -> Service:
    """Good and total are two metrics of one process, scraped seven seconds apart."""
    make = Maker("apart")
    target = Target(
        make.truth,
        make.name,
        "apart:80",
        (Counter("answers", (TOTAL,)), Counter("answers_good", (GOOD,))),
        started=make.start,
    )
    make.targets.append(target)
    for at in make.times(15.0):
        target.scrape(at, {"answers_good": 7.0})
        answers = make.rng.randint(0, 30)
        target.count(answers=answers, answers_good=max(0, answers - make.rng.randint(0, 1)))
    return make.service(
        "events:\n"
        "  good: 'answers_good_total{{job=\"{name}\"}}'\n"
        "  total: 'answers_total{{job=\"{name}\"}}'"
    )


def histogram() -> Service:
    make = Maker("histogram")
    for number in range(2):
        target = Target(
            make.truth,
            make.name,
            f"histogram-{number}:80",
            (
                Counter("fast", (GOOD,)),
                Counter("slow", ()),
                Counter("any", (TOTAL,)),
                Counter("work_count", ()),
            ),
            started=make.start,
        )
        make.targets.append(target)
        for at in make.times(15.0):
            if make.rng.random() < 1 / 400:
                target.restart(at - 2)
            target.scrape(at)
            total = make.rng.randint(0, 30)
            fast = sum(make.rng.random() < 0.9 for _ in range(total))
            slow = min(total, fast + make.rng.randint(0, 2))
            target.count(fast=fast, slow=slow, any=total, work_count=total)
    return make.service(
        "latency: {{histogram: 'work_seconds{{job=\"{name}\"}}', threshold: 200ms}}"
    )


def summary() -> Service:
    make = Maker("summary")
    target = Target(
        make.truth,
        make.name,
        "summary:80",
        (Counter("predict_sum", (SUM,)), Counter("predict_count", (COUNT,))),
        started=make.start,
    )
    make.targets.append(target)
    for at in make.times(15.0):
        if make.rng.random() < 1 / 400:
            target.restart(at - 2)
        target.scrape(at)
        # Sixteenths of a second add up without rounding; some minutes are idle.
        busy = (at // 300) % 4 != 0
        for _ in range(make.rng.randint(0, 12) if busy else 0):
            target.count(predict_sum=make.rng.choice((1, 2, 3, 4, 5)) / 16, predict_count=1)
    service = make.service(
        "mean: {{summary: 'predict_seconds{{job=\"{name}\"}}', threshold: 200ms}}"
    )
    service.truth = make.truth.mean_slices(0.2)
    return service


def gauge() -> Service:
    """Accuracy as a gauge, silent for an hour: a slice without data is none."""
    make = Maker("gauge")
    samples = [
        (at, make.rng.choice((0.9, 0.95, 0.97)))
        for at in every(make.start, make.end, 15.0, 8.0)
        if not MIDNIGHT < at <= MIDNIGHT + 3600
    ]
    _judge(make.truth, make, samples, lambda value, _: value >= 0.95)

    def extra(metrics: OpenMetrics) -> None:
        metrics.add('model_accuracy{job="gauge",instance="gauge:80"}', samples)
        metrics.add('up{job="gauge",instance="gauge:80"}', [(at, 1.0) for at, _ in samples])

    return make.service(
        "slices: {{query: 'model_accuracy{{job=\"{name}\"}}', at_least: 0.95}}", extra=extra
    )


def freshness() -> Service:
    """Data is updated every ten minutes, but for an hour after midnight."""
    make = Maker("freshness")
    samples: list[tuple[float, float]] = []
    updated = float(make.start)
    for at in every(make.start, make.end, 15.0, 8.0):
        if at - updated >= 600 and not MIDNIGHT < at <= MIDNIGHT + 3600:
            updated = at
        samples.append((at, updated))
    _judge(make.truth, make, samples, lambda value, end: end - value <= 900)

    def extra(metrics: OpenMetrics) -> None:
        metrics.add('data_updated_at{job="freshness",instance="fresh:80"}', samples)
        metrics.add('up{job="freshness",instance="fresh:80"}', [(at, 1.0) for at, _ in samples])

    return make.service(
        "freshness: {{timestamp: 'data_updated_at{{job=\"{name}\"}}', max_age: 15m}}", extra=extra
    )


def _judge(
    truth: Truth,
    make: Maker,
    samples: list[tuple[float, float]],
    good: Callable[[float, int], bool],
) -> None:
    """A slice judges the newest sample of the last five minutes, as Prometheus sees it."""
    place = -1
    for end in range(bucket_of(make.start) + 60, make.end + 1, 60):
        while place + 1 < len(samples) and samples[place + 1][0] <= end:
            place += 1
        if place >= 0 and end - samples[place][0] < 300:
            truth.events[TOTAL][end] = 1.0
            truth.events[GOOD][end] = float(good(samples[place][1], end))


def estimated() -> Service:
    """Counted by PromQL; its traffic is even, so that only the estimate is off."""
    make = Maker("estimated")
    target = make.target(0)
    for at in make.times(15.0):
        target.scrape(at)
        target.count(code_200=99, code_500=1)
    return make.service(
        "query:\n"
        '  bad: \'sum(increase(http_requests_total{{job="{name}",code="500"}}[$window]))\'\n'
        "  total: 'sum(increase(http_requests_total{{job=\"{name}\"}}[$window]))'"
    )


EXACT: dict[str, Callable[[], Service]] = {
    "every-5s": lambda: scraped_every(5),
    "every-60s": lambda: scraped_every(60),
    "every-300s": lambda: scraped_every(300),
    "every-15s-no-start": lambda: scraped_every(15, tells_start=False),
    "on-edges": on_bucket_edges,
    "restarting": lambda: restarting(1200, "restarting"),
    "crashloop": lambda: restarting(20, "crashloop"),
    "gap-higher": gap_that_ends_higher,
    "gap-same": gap_of_one_target,
    "dead": lambda: dead(restarts=False),
    "dead-restarts": lambda: dead(restarts=True),
    "first-errors-15s": first_errors,
    "first-errors-60s": lambda: first_errors(60.0),
    "renamed": renamed_instance,
    "relabelled": relabelled,
    "replaced": replaced_targets,
    "old-exporter": old_exporter,
    "apart": apart,
    "histogram": histogram,
    "summary": summary,
    "gauge": gauge,
    "freshness": freshness,
}
"""Those whose ledgers must equal the truth, event for event and bucket by bucket."""


def exact_services() -> list[Service]:
    """One of each of `EXACT`."""
    return [make() for make in EXACT.values()]


def metrics_of(services: Iterable[Service]) -> OpenMetrics:
    """All samples of these services."""
    metrics = OpenMetrics()
    for service in services:
        service.write(metrics)
    return metrics


def blind_services() -> list[Service]:
    """Their Prometheus is down for seven hours; one process restarts, and counts more."""
    found = []
    for name, restarts in (("blind", False), ("blind-restarts", True)):
        make = Maker(name)
        target = make.target(0)
        fresh = not restarts
        for at in make.times(15.0):
            if LEFT < at <= RIGHT:
                make.work(target)
                continue
            if at > RIGHT and not fresh:
                target.restart(at - 7200)
                target.count(code_200=500_000, code_500=1234)
                fresh = True
            target.scrape(at)
            make.work(target)
        found.append(make.service())
    return found
