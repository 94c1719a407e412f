"""Counting one meter over one span: samples and edges in, a booking out.

Two steps, because starts and `up` are asked for only where they matter:
`questions` says what must be known, `book` counts with the answers.
Samples carry epoch milliseconds, spans epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slo.domain.birth import Birth, Ended, judge_births
from slo.domain.booking import Booking
from slo.domain.contribution import contributions
from slo.domain.counter import Role, Steps, count_steps, suspicious_times
from slo.domain.coverage import TargetSeen, Timeline, covered_shares, is_expected
from slo.domain.ledger import Increment
from slo.domain.meter import Edge
from slo.domain.standing import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.birth import Verdict
    from slo.domain.meter import Meter
    from slo.domain.series import Combine, Key, Series
    from slo.domain.slo import Births
    from slo.domain.span import Span

_UNKNOWN = Timeline()


@dataclass(frozen=True, slots=True)
class Sampled:
    """The samples of one series as read, in order of time."""

    series: Series
    times: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Answers:
    """Starts by series and `up` by target, as far as the source knows them."""

    created: Mapping[Key, Timeline] = field(default_factory=dict)
    process: Mapping[Key, Timeline] = field(default_factory=dict)
    ups: Mapping[str, Timeline] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Questions:
    """What must be known before a span can be booked."""

    starts: frozenset[Key]
    """Series whose counter's or process's start matters."""
    ups: frozenset[str]
    """Targets whose `up` matters."""
    unseen: frozenset[Key]
    """Series without a left edge: a fresh count looks further back for these first."""


@dataclass(frozen=True, slots=True)
class _KnownStarts:
    """The starts told for one series; its own (`_created`) go before its process's."""

    created: Timeline
    process: Timeline

    def between(self, after: int, until: int) -> int | None:
        for timeline in (self.created, self.process):
            told = timeline.at(until)
            if told is not None and told[0] > after:
                return round(told[1] * 1000)
        return None

    def before(self, until: int) -> int | None:
        told = (self.created if self.created.times else self.process).at(until)
        return None if told is None else round(told[1] * 1000)


class Count:
    """The count of one meter over one span.

    `edges` are those kept with the ledger, with their series. A `fresh` count (a
    first start, a backfill) has none: its left edges are folded from the samples
    at or before the span's start. `watch_from` is in epoch milliseconds.
    """

    def __init__(
        self,
        meter: Meter,
        span: Span,
        combine: Combine,
        *,
        kept: Sequence[tuple[Edge, Series]],
        sampled: Sequence[Sampled],
        births: Births,
        watch_from: int,
        fresh: bool,
    ) -> None:
        self.meter, self.span, self.combine = meter, span, combine
        self.births, self.watch_from = births, watch_from
        self.bucket = meter.bucket * 1000
        self.start, self.end = span.start * 1000, span.end * 1000
        self.sampled = [s for s in sampled if s.times]
        self.series = {s.key: s for _, s in kept} | {s.series.key: s.series for s in self.sampled}
        self.edges = {edge_key(edge): edge for edge, _ in kept if edge.roles}
        self.fresh = fresh
        self.asked = self._suspicious_by_target()
        if fresh:
            self.edges |= self._left_edges(Answers())

    def _left_edges(self, answers: Answers) -> dict[Key, Edge]:
        """The edges at the span's start, folded from the samples before it."""
        edges = {}
        for sampled in self.sampled:
            count = bisect_right(sampled.times, self.start)
            if count:
                times, values = sampled.times[:count], sampled.values[:count]
                asked = self.asked.get(sampled.series.target, frozenset())
                first = _first_edge(sampled)
                edges[sampled.series.key] = self._count(first, times, values, asked, answers).edge
        return edges

    def _suspicious_by_target(self) -> dict[str, frozenset[int]]:
        times: dict[str, set[int]] = defaultdict(set)
        for sampled in self.sampled:
            edge = self.edges.get(sampled.series.key, _first_edge(sampled))
            found = suspicious_times(edge, sampled.times, sampled.values)
            if found:
                times[sampled.series.target].update(found)
        return {target: frozenset(found) for target, found in times.items()}

    def questions(self) -> Questions:
        """What must be known before `book`."""
        unseen = [s.series for s in self.sampled if s.series.key not in self.edges]
        starts = {s.series.key for s in self.sampled if s.series.target in self.asked}
        ups = set(self._silent_targets())
        if unseen:
            # A birth may be another series under a new name: its process tells.
            starts |= {series.key for series in unseen} | set(self.edges)
            ups |= {series.target for series in unseen}
        return Questions(
            frozenset(starts), frozenset(ups), frozenset(series.key for series in unseen)
        )

    def _silent_targets(self) -> Iterable[str]:
        """Targets that may still be expected but gave nothing in the last bucket."""
        newest: dict[str, int] = defaultdict(int)
        for sampled in self.sampled:
            target = sampled.series.target
            newest[target] = max(newest[target], sampled.times[-1])
        for key, edge in self.edges.items():
            if not edge.gone:
                target = self.series[key].target
                newest[target] = max(newest[target], edge.at)
        return (target for target, at in newest.items() if self.end - at > self.bucket)

    def book(self, answers: Answers, *, keep_edges: bool) -> Booking:
        """The booking of the span; its edges are left out unless `keep_edges`."""
        if self.fresh and self.asked:
            self.edges |= self._left_edges(answers)
        steps = {
            s.series.key: self._count(
                self.edges[s.series.key],
                s.times,
                s.values,
                self.asked.get(s.series.target, frozenset()),
                answers,
            )
            for s in self.sampled
            if s.series.key in self.edges
        }
        verdicts = self._judge(steps, answers)
        for sampled in self.sampled:
            verdict = verdicts.get(sampled.series.key)
            if verdict is not None:
                steps[sampled.series.key] = self._born(sampled, verdict, answers)
        edges = self._new_edges(steps, verdicts, answers) if keep_edges else ()
        return Booking(
            self.meter.id,
            self.span,
            self._increments(steps, answers),
            edges,
            contributions(self.series, {k: s.amounts for k, s in steps.items()}, self.combine),
            tuple(_notes(verdicts.values(), steps.values())),
        )

    def newest(self) -> int | None:
        """When the newest sample of the meter was taken, epoch milliseconds."""
        return max((s.times[-1] for s in self.sampled), default=None)

    def _count(
        self,
        edge: Edge,
        times: Sequence[int],
        values: Sequence[float],
        asked: frozenset[int],
        answers: Answers,
    ) -> Steps:
        key = edge_key(edge)
        return count_steps(
            edge,
            times,
            values,
            bucket=self.bucket,
            first_end=self.start + self.bucket,
            asked=asked,
            starts=_KnownStarts(
                answers.created.get(key, _UNKNOWN), answers.process.get(key, _UNKNOWN)
            ),
        )

    def _judge(self, steps: Mapping[Key, Steps], answers: Answers) -> dict[Key, Verdict]:
        births = [self._birth(s, answers) for s in self.sampled if s.series.key not in self.edges]
        if not births:
            return {}
        ended = [
            Ended(
                edge,
                self.series[key].labels,
                self.series[key].target,
                _start_at(answers.process, key, edge.at),
            )
            for key, old in self.edges.items()
            for edge in (steps[key].edge if key in steps else old,)
        ]
        return judge_births(
            births,
            ended,
            rule=self.births,
            watch_from=self.watch_from,
            busiest=self._busiest(steps),
        )

    def _birth(self, sampled: Sampled, answers: Answers) -> Birth:
        series, at = sampled.series, sampled.times[0]
        up = answers.ups.get(series.target, _UNKNOWN).at(at - 1)
        return Birth(
            series.key,
            series.labels,
            series.target,
            at,
            sampled.values[0],
            _start_at(answers.created, series.key, at),
            _start_at(answers.process, series.key, at),
            up[0] if up is not None and up[1] == 1 else None,
        )

    def _busiest(self, steps: Mapping[Key, Steps]) -> dict[int, float]:
        """The most events per millisecond that one target counts, by read.

        Bad events are held against the busiest target's total.
        """
        rates: dict[tuple[int, str], float] = defaultdict(float)
        for key, edge in self.edges.items():
            spacing = sum(edge.intervals[-len(edge.rises) :]) if edge.rises else 0
            recent = sum(edge.rises) / spacing if spacing else 0.0
            counted = sum(steps[key].amounts.values()) if key in steps else 0.0
            over = max(1, self.end - self.start)
            rates[key[0], self.series[key].target] += max(recent, counted / over)
        busiest: dict[int, float] = {}
        for (read, _), rate in rates.items():
            busiest[read] = max(busiest.get(read, 0.0), rate)
        events = {key[0] for key, s in self.series.items() if not s.roles & (Role.SUM | Role.COUNT)}
        most = max((busiest[read] for read in events if read in busiest), default=None)
        return busiest if most is None else busiest | dict.fromkeys(events, most)

    def _born(self, sampled: Sampled, verdict: Verdict, answers: Answers) -> Steps:
        """The steps of a series from its birth on."""
        edge = _first_edge(sampled)
        series = sampled.series
        start = _start_at(answers.created, series.key, edge.at)
        if start is None:
            start = _start_at(answers.process, series.key, edge.at)
        edge = replace(edge, start=start)
        if verdict.continues is not None:
            former = verdict.continues
            edge = replace(
                edge,
                held=max(edge.held, former.held),
                intervals=former.intervals,
                rises=former.rises,
            )
        asked = self.asked.get(series.target, frozenset())
        steps = self._count(edge, sampled.times, sampled.values, asked, answers)
        if verdict.counted:
            end = max(-(-edge.at // self.bucket) * self.bucket, self.start + self.bucket)
            steps.amounts[end] = steps.amounts.get(end, 0.0) + verdict.counted
        return steps

    def _new_edges(
        self, steps: Mapping[Key, Steps], verdicts: Mapping[Key, Verdict], answers: Answers
    ) -> tuple[Edge, ...]:
        """The edges that moved, the renamed ones without roles, and the targets that are gone."""
        edges = {key: s.edge for key, s in steps.items() if s.edge is not self.edges.get(key)}
        if self.fresh:
            edges = self.edges | edges
        for verdict in verdicts.values():
            if verdict.continues is not None:
                key = edge_key(verdict.continues)
                edges[key] = replace(edges.get(key, verdict.continues), roles=0)
        for key, old in self.edges.items():
            edge = edges.get(key, old)
            up = answers.ups.get(self.series[key].target)
            if up is None or not up.times or edge.gone or self.end - edge.at <= self.bucket:
                continue
            seen = TargetSeen((), edge.at, edge.intervals, up)
            if not is_expected(seen, edge.at, self.end, self.bucket):
                edges[key] = replace(edge, gone=True)
        return tuple(edges.values())

    def _increments(self, steps: Mapping[Key, Steps], answers: Answers) -> tuple[Increment, ...]:
        ends = range(self.start + self.bucket, self.end + 1, self.bucket)
        amounts: dict[int, dict[Role, float]] = defaultdict(lambda: defaultdict(float))
        carried: dict[int, int] = defaultdict(int)
        for key, series_steps in steps.items():
            for role in self.series[key].roles:
                for end, amount in series_steps.amounts.items():
                    amounts[end][role] += amount
            for end, length in series_steps.carried.items():
                carried[end] = max(carried[end], length // 1000)
        shares = covered_shares(self._targets_seen(answers), ends, self.bucket)
        increments = []
        for end, share in zip(ends, shares, strict=True):
            good, total = self.combine(amounts[end]) if end in amounts else (0.0, 0.0)
            covered = share * self.meter.bucket
            increments.append(Increment(end // 1000, good, total, covered, carried.get(end, 0)))
        return tuple(increments)

    def _targets_seen(self, answers: Answers) -> list[TargetSeen]:
        times: dict[str, list[Sequence[int]]] = defaultdict(list)
        before: dict[str, int] = {}
        intervals: dict[str, Sequence[int]] = {}
        for key, edge in self.edges.items():
            target = self.series[key].target
            if not edge.gone:
                before[target] = max(before.get(target, 0), edge.at)
            intervals.setdefault(target, edge.intervals)
        for sampled in self.sampled:
            times[sampled.series.target].append(sampled.times)
        return [
            TargetSeen(
                _union(times.get(target, [])),
                before.get(target),
                intervals.get(target, ()),
                answers.ups.get(target),
            )
            for target in {**before, **times}
        ]


def edge_key(edge: Edge) -> Key:
    """The key of an edge's series."""
    return edge.read, edge.series


def _first_edge(sampled: Sampled) -> Edge:
    value = sampled.values[0]
    key, roles = sampled.series.key, sampled.series.roles.value
    return Edge(*key, sampled.times[0], value, value, roles)


def _start_at(starts: Mapping[Key, Timeline], key: Key, at: int) -> int | None:
    told = starts.get(key, _UNKNOWN).at(at)
    return None if told is None else round(told[1] * 1000)


def _union(lists: Sequence[Sequence[int]]) -> Sequence[int]:
    """All times of a target's series in order; they are nearly always the same list."""
    if not lists:
        return ()
    first = max(lists, key=len)
    if all(other is first or other == first for other in lists):
        return first
    return sorted(set().union(*lists))


def _notes(verdicts: Iterable[Verdict], steps: Iterable[Steps]) -> Iterable[Note]:
    """One note a text: amounts of the same text add up."""
    amounts: dict[tuple[str, str], float] = defaultdict(float)
    for verdict in verdicts:
        if verdict.note is not None:
            amounts[verdict.note.kind, verdict.note.text] += verdict.note.amount or 0.0
    for series_steps in steps:
        if series_steps.skew:
            text = "samples fell without a restart: replicas disagree; falls counted 0"
            amounts["skew", text] += series_steps.skew
        if series_steps.carried:
            text = "steps over more than five minutes were booked where samples came back"
            amounts["carried", text] += sum(series_steps.amounts[e] for e in series_steps.carried)
    return (Note(kind, text, amount) for (kind, text), amount in amounts.items())
