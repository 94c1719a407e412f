"""Raw samples of many selectors, in as few requests as can be shared."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from slo.prometheus.answer import Series
from slo.prometheus.errors import BadQuery, SourceError, Timeout, TooManySamples
from slo.prometheus.selectors import MOST_MEMBERS, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor

    from slo.domain.selector import Selector
    from slo.prometheus.client import PrometheusClient
    from slo.prometheus.selectors import SharedRequest

T = TypeVar("T")
SHORTEST_PIECE = 120_000
"""Milliseconds; a span this short that is still too much for the source is an error."""

Found = dict["Selector", list[Series] | SourceError]


@dataclass(frozen=True, slots=True)
class RawReader:
    """Reads raw samples of a source; `deadline` is on the clock of `time.monotonic`."""

    client: PrometheusClient
    pool: Executor
    deadline: float

    def read(
        self, selectors: Iterable[Selector], start: int, end: int, most: int = MOST_MEMBERS
    ) -> Found:
        """The samples of each selector from `start` to `end` (epoch ms), or why there are none.

        A shared request that the source refuses, or cannot answer in time, is
        asked again in halves, down to a request for each selector.
        """
        found: Found = {}
        requests = share(selectors, most)
        for part in self.pool.map(lambda r: self._request(r, start, end), requests):
            found.update(part)
        return found

    def _request(self, request: SharedRequest, start: int, end: int) -> Found:
        try:
            series = self._samples(request.selector, start, end)
        except (BadQuery, TooManySamples, Timeout) as error:
            found: Found = {}
            for half in request.halves():
                found.update(self._request(half, start, end))
            return found or dict.fromkeys(request.members.values(), error)
        except SourceError as error:
            return dict.fromkeys(request.members.values(), error)
        parts: dict[Selector, list[Series]] = {member: [] for member in request.members.values()}
        for one in series:
            member = request.member_of(one.labels)
            if member is not None:
                parts[member].append(one)
        return dict(parts)

    def ask(self, question: Callable[[PrometheusClient], T]) -> T:
        """The answer to one request; `Timeout` without asking once the deadline has passed."""
        if time.monotonic() > self.deadline:
            raise Timeout(
                self.client.name, "", "the cycle's time is used up", "the next cycle reads the rest"
            )
        return question(self.client)

    def _samples(self, selector: Selector, start: int, end: int) -> list[Series]:
        try:
            query = f"{selector}[{end - start}ms]"
            return list(self.ask(lambda client: client.instant(query, at=end / 1000)).series)
        except TooManySamples:
            if end - start <= SHORTEST_PIECE:
                raise
            middle = (start + end) // 2
            older = self._samples(selector, start, middle)
            return joined(older, self._samples(selector, middle, end))


def joined(older: list[Series], newer: list[Series]) -> list[Series]:
    """Series of two adjacent pieces as one; a sample on the edge of both stays once."""
    by_labels = {_identity(one.labels): one for one in older}
    for one in newer:
        before = by_labels.get(_identity(one.labels))
        if before is None:
            by_labels[_identity(one.labels)] = one
            continue
        first = 1 if before.times and one.times and one.times[0] <= before.times[-1] else 0
        by_labels[_identity(one.labels)] = Series(
            one.labels, before.times + one.times[first:], before.values + one.values[first:]
        )
    return list(by_labels.values())


def _identity(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())
