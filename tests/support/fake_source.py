"""A source in memory whose samples arrive when the test says; it answers what counting asks."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from slo.prometheus.answer import Answer, Series
from slo.promql import parse_selector

_RANGE = re.compile(r"(.*)\[(\d+)ms\]", re.DOTALL)
_SEEN = re.compile(r"count\(last_over_time\(\((.*)\)\[7d:5m\]\)\)", re.DOTALL)
HEAD = "max(timestamp(up))"


@dataclass
class FakeSource:
    """Series of (time, value, arrival) in epoch ms; only what has arrived by `clock` is there."""

    clock: int = 2**62
    series_: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    """Canned answers of range queries: values by instant."""
    most_samples: int = 2**62
    requests: list = field(default_factory=list)

    def add(self, labels: dict, samples) -> None:
        """Samples (time, value) or (time, value, arrival) of the series with these labels."""
        rows = self.series_.setdefault(frozenset(labels.items()), [])
        rows.extend((s[0], s[1], s[2] if len(s) > 2 else s[0]) for s in samples)
        rows.sort()

    def select(self, text: str, start: int, end: int) -> list[Series]:
        selector = parse_selector(text)
        found = []
        for key, rows in self.series_.items():
            labels = dict(key)
            if not matches(selector, labels):
                continue
            part = rows[bisect_left(rows, (start,)) : bisect_right(rows, (end, float("inf")))]
            pairs = {t: v for t, v, arrival in part if arrival <= self.clock}
            if pairs:
                found.append(Series(labels, list(pairs), list(pairs.values())))
        return found

    # The methods of PrometheusClient:

    def now(self) -> float:
        return self.clock / 1000

    def instant(self, query: str, at: float) -> Answer:
        self.requests.append(query)
        end = round(at * 1000)
        if query == HEAD:
            ups = self.select("up", end - 300_000, end)
            newest = max((s.times[-1] for s in ups), default=None)
            series = () if newest is None else (Series({}, [end], [newest / 1000]),)
            return Answer(series)
        if found := _SEEN.fullmatch(query):
            there = self.select(found[1], end - 604_800_000, end)
            return Answer((Series({}, [end], [float(len(there))]),) if there else ())
        found = _RANGE.fullmatch(query)
        assert found, f"the fake source cannot answer {query}"
        series = self.select(found[1], end - int(found[2]), end)
        if sum(len(s.times) for s in series) > self.most_samples:
            raise self.too_many()
        return Answer(tuple(series))

    def range(self, query: str, start: float, end: float, step: float) -> Answer:
        self.requests.append(query)
        if query == HEAD and query not in self.answers:
            return self._heads(range(round(start), round(end) + 1, round(step)))
        answer = self.answers[query]
        if isinstance(answer, Exception):
            raise answer
        ends = range(round(start), round(end) + 1, round(step))
        series = []
        for values in answer:
            points = [(e, values(e) if callable(values) else values.get(e)) for e in ends]
            points = [(e * 1000, v) for e, v in points if v is not None]
            if points:
                series.append(Series({}, [e for e, _ in points], [v for _, v in points]))
        return Answer(tuple(series))

    def _heads(self, ends: range) -> Answer:
        """The newest `up` at each instant, of the five minutes before."""
        found = {}
        for end in ends:
            ups = self.select("up", (end - 300) * 1000 + 1, end * 1000)
            if ups:
                found[end * 1000] = max(s.times[-1] for s in ups) / 1000
        return Answer((Series({}, list(found), list(found.values())),) if found else ())

    def series(self, matches: list[str], start: float, end: float) -> list[dict]:
        self.requests.append(("series", *matches))
        return [
            one.labels
            for match in matches
            for one in self.select(match, round(start * 1000), round(end * 1000))
        ]

    def label_values(self, label: str, matches: list[str], start: float, end: float) -> list[str]:
        return sorted({labels.get(label, "") for labels in self.series(matches, start, end)})

    @staticmethod
    def too_many():
        from slo.prometheus.errors import TooManySamples  # noqa: PLC0415 -- few tests need it.

        return TooManySamples("fake", "http://fake", "too many samples", "ask for less")


class Inline(Executor):
    """An executor that works at once, in the caller's thread."""

    def submit(self, fn, /, *args, **kwargs):
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def matches(selector, labels: dict) -> bool:
    """Whether a selector selects a series; Python's `re` is enough for the tests' patterns."""
    if selector.name is not None and labels.get("__name__") != selector.name:
        return False
    for m in selector.matchers:
        value = labels.get(m.label, "")
        plain = m.op in {"=", "!="}
        hit = value == m.value if plain else re.fullmatch(m.value, value) is not None
        if hit == (m.op in {"!=", "!~"}):
            return False
    return True
