"""Evidence: what counting asks beside the samples, shared between meters.

Memberships, bucket bounds, older samples, counter starts and `up`; each is asked
only for the series and targets that need it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from slo.domain.answers import Answers
from slo.domain.coverage import Timeline
from slo.domain.reads import created_name, number_of
from slo.domain.selector import Matcher, Selector
from slo.prometheus.errors import SourceError
from slo.prometheus.naming import (
    agree,
    canonical_labels,
    series_name,
    surely_inside,
    target_of,
)
from slo.prometheus.selectors import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.answers import Questions
    from slo.domain.reads import Read
    from slo.domain.series import Key, Series
    from slo.prometheus.answer import Series as RawSeries
    from slo.prometheus.raw import RawReader

STARTS_BACK = 900_000
"""Milliseconds before the samples that starts and `up` are read for."""

FURTHER_BACK = (3_600_000, 21_600_000, 86_400_000, 604_800_000)
"""How far back a series without a left edge is looked for, in turn; the last is `max_gap`."""

_KEPT_OLDER = 8
"""Older samples that are kept: enough to know a series' spacing and last steps."""

PROCESS_START = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Known:
    """One count's questions, with the series and reads they are about."""

    questions: Questions
    series: Mapping[Key, Series]
    reads: tuple[Read, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Asks the source of `reader`, for samples from `start` to `end` (epoch ms)."""

    reader: RawReader
    start: int
    end: int

    def memberships(
        self, unknown: Iterable[tuple[Read, Mapping[str, str]]]
    ) -> dict[tuple[Selector, str], bool]:
        """Whether each series lies inside its read's part, by part and raw labels."""
        told: dict[tuple[Selector, str], bool] = {}
        asked: set[Selector] = set()
        for read, labels in unknown:
            if read.inside is None:
                continue
            _, part = read.inside
            sure = surely_inside(part, read.selector, labels)
            if sure is None:
                asked.add(part)
            else:
                told[part, series_name(labels)] = sure
        for request in share(asked):
            matches = [str(request.selector)]
            for labels in self.series(matches):
                member = request.member_of(labels)
                if member is not None:
                    told[member, series_name(labels)] = True
        return told

    def series(self, matches: Sequence[str]) -> list[dict[str, str]]:
        """The label sets of all series that `matches` select."""
        return self.reader.ask(lambda c: c.series(matches, self.start / 1000, self.end / 1000))

    def bounds(self, histogram: Selector) -> list[float]:
        """The bucket bounds that a histogram has, in order."""
        buckets = histogram.with_name(f"{histogram.name}_bucket")
        values = self.reader.ask(
            lambda c: c.label_values("le", [str(buckets)], self.start / 1000, self.end / 1000)
        )
        return sorted(b for b in map(number_of, values) if b is not None and b != float("inf"))

    def last_samples_before(self, wanted: Sequence[Mapping[str, str]]) -> dict[str, RawSeries]:
        """The last samples before `start` of each series, by raw name; looks back in steps."""
        left = {series_name(labels): _exact(labels) for labels in wanted}
        found: dict[str, RawSeries] = {}
        until = self.start
        for back in FURTHER_BACK:
            if not left:
                break
            since = self.start - back
            for series in self.reader.read(set(left.values()), since, until).values():
                if isinstance(series, SourceError):
                    raise series
                for one in series:
                    name = series_name(one.labels)
                    if name in left and one.times:
                        found[name] = type(one)(
                            one.labels, one.times[-_KEPT_OLDER:], one.values[-_KEPT_OLDER:]
                        )
            left = {name: s for name, s in left.items() if name not in found}
            until = since
        return found

    def ask(self, known: Sequence[Known]) -> list[Answers]:
        """The answers to each count's questions, in order."""
        if not any(k.questions.starts or k.questions.ups for k in known):
            return [Answers() for _ in known]
        up_targets: set[str] = set()
        start_targets: set[str] = set()
        created: set[Selector] = set()
        for k in known:
            up_targets |= k.questions.ups
            start_targets |= {k.series[key].target for key in k.questions.starts}
            created |= {
                _created_selector(read)
                for read in k.reads
                if any(key[0] == read.index for key in k.questions.starts)
            }
        ups = self._by_target(Selector("up"), up_targets)
        processes = self._by_target(Selector(PROCESS_START), start_targets)
        created_found = self._read(created)
        by_series: dict[tuple[str, ...], dict[str, list[RawSeries]]] = {}
        for k in known:
            if k.ignored not in by_series:
                by_series[k.ignored] = _by_series(created_found, k.ignored)
        return [self._answers(k, ups, processes, by_series[k.ignored]) for k in known]

    def _answers(
        self,
        known: Known,
        ups: Mapping[str, list[RawSeries]],
        processes: Mapping[str, list[RawSeries]],
        created: Mapping[str, list[RawSeries]],
    ) -> Answers:
        own: dict[Key, Timeline] = {}
        process: dict[Key, Timeline] = {}
        for key in known.questions.starts:
            series = known.series[key]
            process[key] = _timeline(series.labels, processes.get(series.target, ()))
            labels = {k: v for k, v in series.labels.items() if k != "le"}
            labels["__name__"] = created_name(labels.get("__name__", ""))
            name = series_name(canonical_labels(labels, known.ignored))
            own[key] = _merged_timeline(created.get(name, ()))
        told = {t: _merged_timeline(ups.get(t, ())) for t in known.questions.ups}
        return Answers(own, process, told)

    def _by_target(self, metric: Selector, targets: Iterable[str]) -> dict[str, list[RawSeries]]:
        selectors = [s for t in targets if (s := _of_target(metric, t)) is not None]
        by_target: dict[str, list[RawSeries]] = defaultdict(list)
        for one in self._read(selectors):
            by_target[target_of(one.labels)].append(one)
        return by_target

    def _read(self, selectors: Iterable[Selector]) -> list[RawSeries]:
        found: list[RawSeries] = []
        for series in self.reader.read(selectors, self.start - STARTS_BACK, self.end).values():
            if isinstance(series, SourceError):
                raise series
            found += series
        return found


def _by_series(found: Iterable[RawSeries], ignored: tuple[str, ...]) -> dict[str, list[RawSeries]]:
    """The raw series by their canonical name."""
    by_name: dict[str, list[RawSeries]] = defaultdict(list)
    for one in found:
        by_name[series_name(canonical_labels(one.labels, ignored))].append(one)
    return by_name


def _exact(labels: Mapping[str, str]) -> Selector:
    matchers = (Matcher(k, "=", v) for k, v in labels.items() if k != "__name__")
    return Selector(labels.get("__name__"), tuple(sorted(matchers)))


def _of_target(metric: Selector, target: str) -> Selector | None:
    job, instance, cluster = target.split("\x00")
    labels = {"job": job, "instance": instance, "cluster": cluster}
    matchers = [Matcher(k, "=", v) for k, v in labels.items() if v]
    return metric.with_matchers(*matchers) if matchers else None


def _created_selector(read: Read) -> Selector:
    selector = read.selector
    matchers = tuple(m for m in selector.matchers if m.label != "le")
    return Selector(created_name(selector.name or ""), matchers)


def _timeline(labels: Mapping[str, str], series: Iterable[RawSeries]) -> Timeline:
    """The timeline of those series whose labels agree with `labels`."""
    return _merged_timeline([one for one in series if agree(labels, one.labels)])


def _merged_timeline(series: Sequence[RawSeries]) -> Timeline:
    if len(series) == 1 and all(map(isfinite, series[0].values)):
        return Timeline(series[0].times, series[0].values)
    pairs = sorted(
        {
            (t, v)
            for one in series
            for t, v in zip(one.times, one.values, strict=True)
            if isfinite(v)
        }
    )
    return Timeline([t for t, _ in pairs], [v for _, v in pairs])
