"""A fleet of services as Prometheus would have scraped it: N SLOs of six series each.

Every service has three targets, each with a counter of requests by code (200 and
500), `up` and `process_start_time_seconds`. What a meter must count is known.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.demo.processes import create_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LAYOUTS = ("labels", "names", "apart")
"""One metric with N values of a label; N metrics; N metrics each with a label of its own.

Selectors of the first two layouts can share requests, those of the last cannot.
"""

TARGETS = 3
CODES = ("200", "500")
SERIES = TARGETS * len(CODES)
_KINDS = 6
"""Targets of a kind have the same samples; their number bounds the memory that writing takes."""

Samples = tuple[tuple[int, ...], tuple[int, ...]]
"""Times in epoch milliseconds, and values."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """`size` SLOs, scraped every `scrape` seconds, from `start` to `end` (epoch seconds)."""

    layout: str
    size: int
    scrape: int
    start: int
    end: int
    restarts: bool = False
    """Whether every process restarts once a day, as by deploys."""

    @property
    def series(self) -> int:
        """The series that the SLOs count."""
        return self.size * SERIES

    @property
    def samples(self) -> int:
        """The samples of these series."""
        return self.series * ((self.end - self.start) // self.scrape)

    def service(self, number: int) -> str:
        """The name of a service."""
        return f"svc{number:05}"

    def selectors(self, number: int) -> tuple[str, str]:
        """The selectors of all requests of a service, and of its good ones by their code."""
        service = self.service(number)
        match self.layout:
            case "labels":
                name, matcher = "requests_total", f'job="{service}"'
            case "names":
                # A matcher that every service has alike: requests are shared by name.
                name, matcher = f"{service}_requests_total", 'env="prod"'
            case _:
                name, matcher = f"{service}_requests_total", f'job="{service}"'
        return f"{name}{{{matcher}}}", f'{name}{{{matcher},code!~"5.."}}'

    def slo_yaml(self, url: str, database: str) -> str:
        """An slo.yaml with one SLO for each service."""
        lines = [
            f"prometheus: {{url: '{url}', scrape_interval: {self.scrape}s, timeout: 60s}}",
            f"database: {{url: '{database}'}}",
            "services:",
        ]
        for number in range(self.size):
            total, _ = self.selectors(number)
            bad = total.replace("}", ',code=~"5.."}')
            lines += [
                f"  {self.service(number)}:",
                "    slos:",
                "      availability:",
                "        objective: 99.9%",
                "        window: 30d",
                f"        events: {{bad: '{bad}', total: '{total}'}}",
            ]
        return "\n".join(lines) + "\n"

    def events(self, number: int, start: int, end: int) -> tuple[int, int]:
        """The total and bad events that a meter counts in `(start, end]` (epoch seconds)."""
        found = [
            sum(
                _counted(self, _kind(number, target), code, start, end) for target in range(TARGETS)
            )
            for code in CODES
        ]
        return sum(found), found[1]

    def openmetrics(self) -> Iterator[str]:
        """All samples as OpenMetrics text, in pieces."""
        for number in range(self.size):
            total, _ = self.selectors(number)
            name, service = total.partition("{")[0], self.service(number)
            for target in range(TARGETS):
                kind = _kind(number, target)
                labels = f'env="prod",instance="{service}-{target}",job="{service}"'
                for code in CODES:
                    yield _lines(f'{name}{{code="{code}",{labels}}} ', _suffixes(self, kind, code))
                yield _lines(f"up{{{labels}}} ", _suffixes(self, kind, "up"))
                yield _lines(
                    f"process_start_time_seconds{{{labels}}} ", _suffixes(self, kind, "start")
                )
        yield "# EOF\n"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A fleet in Prometheus's data folder `folder`/data, and the seconds that loading took."""

    fleet: Fleet
    folder: Path
    seconds: float


def ensure_loaded(promtool: Path, folder: Path, fleet: Fleet, youngest: int) -> Loaded:
    """The fleet as blocks; those of an earlier run that end after `youngest` are taken again."""
    told = folder / "fleet.json"
    if told.exists():
        kept = Fleet(**json.loads(told.read_text()))
        if kept.end >= youngest and _alike(kept, fleet):
            return Loaded(kept, folder, 0.0)
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = folder / "fleet.om"
    with text.open("w") as file:
        file.writelines(fleet.openmetrics())
    create_blocks(promtool, text, folder / "data")
    text.unlink()
    told.write_text(json.dumps(asdict(fleet)))
    return Loaded(fleet, folder, time.monotonic() - began)


def _alike(one: Fleet, other: Fleet) -> bool:
    def shape(fleet: Fleet) -> tuple[object, ...]:
        seconds = fleet.end - fleet.start
        return fleet.layout, fleet.size, fleet.scrape, fleet.restarts, seconds

    return shape(one) == shape(other)


def _kind(number: int, target: int) -> int:
    return (number * TARGETS + target) % _KINDS


@cache
def _samples(fleet: Fleet, kind: int, what: str) -> Samples:
    """The samples of a code's counter, of `up`, or of the process's start."""
    first = fleet.start * 1000 + 137 + kind * fleet.scrape * 1000 // _KINDS
    times = tuple(range(first, fleet.end * 1000, fleet.scrape * 1000))
    if what == "up":
        return times, (1,) * len(times)
    a_day = 86_400 // fleet.scrape
    since, values, began = 0, [], fleet.start - 3600
    for index, at in enumerate(times):
        if fleet.restarts and index % a_day == a_day * (kind + 1) // (_KINDS + 2):
            since, began = 0, at // 1000 - 2
        since += 1
        rate = 40 + 7 * kind if what == "200" else 0
        # An error now and then, and a burst in some hours.
        errors = since // 9 + (since // 4 if at // 3_600_000 % 11 == kind else 0)
        values.append(began if what == "start" else rate * since if rate else errors)
    if what == CODES[1]:
        values = _rising(values)
    return times, tuple(values)


def _rising(values: list[int]) -> list[int]:
    """The same counter without the falls at the ends of bursts; falls to nothing are restarts."""
    result, highest = [], 0
    for value in values:
        highest = value if value == 0 else max(highest, value)
        result.append(highest)
    return result


@cache
def _suffixes(fleet: Fleet, kind: int, what: str) -> list[str]:
    times, values = _samples(fleet, kind, what)
    return [f"{v} {t / 1000:.3f}\n" for t, v in zip(times, values, strict=True)]


def _lines(series: str, suffixes: list[str]) -> str:
    return series + series.join(suffixes)


@cache
def _counted(fleet: Fleet, kind: int, code: str, start: int, end: int) -> int:
    pairs = pairwise(zip(*_samples(fleet, kind, code), strict=True))
    return sum(
        after - before if after >= before else after
        for (_, before), (at, after) in pairs
        if start * 1000 < at <= end * 1000
    )
