"""Counting one meter over one span: samples and edges in, a booking out.

Two steps, because starts and `up` are asked for only where they matter:
`questions` says what must be known, `book` counts with the answers.
Samples carry epoch milliseconds, spans epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from slo.domain.absence import absences
from slo.domain.answers import Answers, Questions
from slo.domain.booking import Booking
from slo.domain.contribution import contributions
from slo.domain.counter import Role, Steps, count_steps, end_of, suspicious_times
from slo.domain.coverage import covered_shares, is_expected, is_silent, targets_seen
from slo.domain.ledger import Increment
from slo.domain.lineage import Lineage, Rules
from slo.domain.standing import Note
from slo.domain.strand import Sampled, Strand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.absence import Absence
    from slo.domain.meter import Edge, Meter
    from slo.domain.series import Combine, Key, Series
    from slo.domain.slo import Births
    from slo.domain.span import Span


class Count:
    """The count of one meter over one span.

    `edges` are those kept with the ledger, with their series. A `fresh` count (a
    first start, a backfill) has none: its left edges are folded from the samples
    at or before the span's start; or at or before `warm_from`, and what is counted from
    there to the span's start only shows which series are whose. Samples after the span
    show which series go on. `watch_from`, `warm_from` and `read_to` are in epoch
    milliseconds.
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
        keep_edges: bool,
        warm_from: int | None = None,
        read_to: int | None = None,
    ) -> None:
        self.meter, self.span, self.combine = meter, span, combine
        self.births, self.watch_from = births, watch_from
        self.fresh, self.keep_edges = fresh, keep_edges
        self.bucket = meter.bucket * 1000
        self.start, self.end = span.start * 1000, span.end * 1000
        self.warm_from = self.start
        if fresh and warm_from is not None:
            self.warm_from = min(warm_from, self.start)
        self.ends = range(self.start + self.bucket, self.end + 1, self.bucket)
        self.read_to = self.end if read_to is None else read_to
        self.superseded = {edge_key(edge): edge for edge, _ in kept if not edge.roles}
        self.read = sampled
        self.sampled, self.ahead = _cut(sampled, self.end, self.superseded)
        self.series = {s.key: s for _, s in kept} | {k: s.series for k, s in self.sampled.items()}
        self.edges = {edge_key(edge): edge for edge, _ in kept if edge.roles}
        self.suspicious = self._suspicious()
        self.asked: dict[str, frozenset[int]] = defaultdict(frozenset)
        for key, times in self.suspicious.items():
            self.asked[self.series[key].target] |= frozenset(times)
        if fresh:
            self.edges |= self._left_edges(Answers())
        self.targets = targets_seen(self.edges, self.series, self.sampled.values())

    def _suspicious(self) -> dict[Key, list[int]]:
        """The times at which each series makes its counter's start matter."""
        found = {}
        for key, sampled in self.sampled.items():
            left = sampled.until(self.warm_from) if self.fresh else None
            begun = left.left_edge() if left and left.times else sampled.first_edge()
            edge = self.edges.get(key) or begun
            times = suspicious_times(edge, sampled.times, sampled.values)
            if times:
                found[key] = times
        return found

    def _left_edges(self, answers: Answers) -> dict[Key, Edge]:
        """The edges at the span's start, folded from the samples before it."""
        edges = {}
        for key, sampled in self.sampled.items():
            left = sampled.until(self.warm_from)
            if left.times:
                edges[key] = self._step(Strand(left.left_edge(), left), answers).edge
        return edges

    def questions(self) -> Questions:
        """What must be known before `book`."""
        unseen = {key for key in self.sampled if key not in self.edges}
        starts = {key for key in self.sampled if self.series[key].target in self.asked}
        ups = {t for t, seen in self.targets.items() if is_silent(seen, self.ends, self.bucket)}
        if unseen or (self.fresh and self.keep_edges):
            # A series may go on under another name: the start of its counter tells.
            starts |= self.sampled.keys()
            starts |= {key for key, edge in self.edges.items() if edge.start is None}
            ups |= {self.series[key].target for key in unseen}
        return Questions(frozenset(starts), frozenset(ups), frozenset(unseen))

    def book(self, answers: Answers) -> Booking:
        """The booking of the span, with its edges if they are kept."""
        if self.fresh and self.asked:
            self.edges |= self._left_edges(answers)
        births = {key: s for key, s in self.sampled.items() if key not in self.edges}
        begun = {key: Strand(edge, self._after(key, edge)) for key, edge in self.edges.items()}
        steps = {key: self._step(strand, answers) for key, strand in begun.items()}
        lineage = self._lineage(begun, steps, answers)
        if births:
            lineage.follow(births)
        counted = [
            (strand, steps[key] if strand is begun.get(key) else self._step(strand, answers))
            for strand in (*lineage.closed, *lineage.open.values())
            for key in (strand.sampled.series.key,)
        ]
        amounts: dict[Key, dict[int, float]] = {}
        for strand, one in counted:
            key = strand.sampled.series.key
            amounts[key] = _sum(amounts[key], one.amounts) if key in amounts else one.amounts
        if self.warm_from < self.start:
            amounts = {
                key: {end: amount for end, amount in found.items() if end > self.start}
                for key, found in amounts.items()
            }
        return Booking(
            self.meter.id,
            self.span,
            self._increments(amounts, [one for _, one in counted], answers),
            self._new_edges(counted, lineage, answers) if self.keep_edges else (),
            contributions(self.series, amounts, self.combine),
            tuple(_notes(lineage.notes, [one for _, one in counted], self.start)),
            self._absences(answers) if self.keep_edges else (),
        )

    def _absences(self, answers: Answers) -> tuple[Absence, ...]:
        """Why buckets have no data; a backfill decides no alerts, so it does not ask."""
        seen = [(target, answers.up(name)) for name, target in self.targets.items()]
        left = max((edge.at for edge in self.edges.values()), default=None)
        return absences(seen, self.ends, self.bucket, left)

    def _after(self, key: Key, edge: Edge) -> Sampled:
        sampled = self.sampled.get(key) or Sampled(self.series[key], (), ())
        index = bisect_right(sampled.times, edge.at)
        return sampled.from_index(index) if index else sampled

    def _step(self, strand: Strand, answers: Answers) -> Steps:
        """Count one strand, its birth too."""
        series, first_end = strand.sampled.series, end_of(self.warm_from + 1, self.bucket, 0)
        steps = count_steps(
            strand.edge,
            strand.sampled.times,
            strand.sampled.values,
            bucket=self.bucket,
            first_end=first_end,
            asked=self.asked.get(series.target, frozenset()),
            starts=answers.starts(series.key),
            calm=series.target not in self.asked,
        )
        if strand.born:
            end = end_of(strand.edge.at, self.bucket, first_end)
            steps.amounts[end] = steps.amounts.get(end, 0.0) + strand.born
            if strand.carried:
                steps.carried[end] = max(steps.carried.get(end, 0), strand.carried)
        return steps

    def _lineage(
        self, begun: Mapping[Key, Strand], steps: Mapping[Key, Steps], answers: Answers
    ) -> Lineage:
        rules = Rules(
            self.births,
            self.watch_from,
            self._busiest(steps),
            self.read_to,
            self.ahead,
            may_wait=self.keep_edges,
            noted_from=self.start,
        )
        return Lineage(
            dict(begun), dict(self.superseded), answers, rules, lambda s: self._step(s, answers)
        )

    def _busiest(self, steps: Mapping[Key, Steps]) -> dict[int, float]:
        """The most events per millisecond that one target counts, by read.

        Bad events are held against the busiest target's total.
        """
        rates: dict[tuple[int, str], float] = defaultdict(float)
        for key, edge in self.edges.items():
            spacing = sum(edge.intervals[-len(edge.rises) :]) if edge.rises else 0
            recent = sum(edge.rises) / spacing if spacing else 0.0
            counted = sum(steps[key].amounts.values())
            over = max(1, self.end - self.start)
            rates[key[0], self.series[key].target] += max(recent, counted / over)
        busiest: dict[int, float] = {}
        for (read, _), rate in rates.items():
            busiest[read] = max(busiest.get(read, 0.0), rate)
        events = {key[0] for key, s in self.series.items() if not s.roles & (Role.SUM | Role.COUNT)}
        most = max((busiest[read] for read in events if read in busiest), default=None)
        return busiest if most is None else busiest | dict.fromkeys(events, most)

    def _new_edges(
        self, counted: Sequence[tuple[Strand, Steps]], lineage: Lineage, answers: Answers
    ) -> tuple[Edge, ...]:
        """The edges that moved, those superseded (without roles), and the targets that are gone."""
        edges = {
            key: replace(edge, roles=0)
            for key, edge in lineage.superseded.items()
            if edge is not self.superseded.get(key)
        }
        for strand, steps in counted:
            key = strand.sampled.series.key
            if strand is not lineage.open.get(key):
                continue
            edge = self._finished(steps.edge, answers)
            if self.fresh or edge is not self.edges.get(key):
                edges[key] = edge
        return tuple(edges.values())

    def _finished(self, edge: Edge, answers: Answers) -> Edge:
        """The edge with its counter's start, and whether its target is gone."""
        key = edge_key(edge)
        if edge.start is None:
            start = answers.starts(key).before(edge.at)
            edge = edge if start is None else replace(edge, start=start)
        up = answers.up(self.series[key].target)
        if edge.gone or not up.times or self.end - edge.at <= self.bucket:
            return edge
        expected = is_expected(up, edge.at, self.end, self.bucket)
        return edge if expected else replace(edge, gone=True)

    def _increments(
        self, amounts: Mapping[Key, Mapping[int, float]], steps: Iterable[Steps], answers: Answers
    ) -> tuple[Increment, ...]:
        by_role: dict[Role, dict[int, float]] = {}
        for key, by_bucket in amounts.items():
            for role in self.series[key].roles:
                by_role[role] = _sum(by_role.get(role, {}), by_bucket)
        carried: dict[int, int] = defaultdict(int)
        for one in steps:
            for end, length in one.carried.items():
                carried[end] = max(carried[end], length // 1000)
        seen = [(target, answers.up(name)) for name, target in self.targets.items()]
        shares = covered_shares(seen, self.ends, self.bucket)
        increments = []
        for end, share in zip(self.ends, shares, strict=True):
            found = {role: of_it[end] for role, of_it in by_role.items() if end in of_it}
            good, total = self.combine(found) if found else (0.0, 0.0)
            covered = share * self.meter.bucket
            increments.append(Increment(end // 1000, good, total, covered, carried.get(end, 0)))
        return tuple(increments)


def edge_key(edge: Edge) -> Key:
    """The key of an edge's series."""
    return edge.read, edge.series


def _sum(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """The amounts of both by bucket."""
    summed = dict(one)
    for end, amount in other.items():
        summed[end] = summed.get(end, 0.0) + amount
    return summed


def _cut(
    sampled: Iterable[Sampled], end: int, superseded: Mapping[Key, Edge]
) -> tuple[dict[Key, Sampled], dict[Key, int]]:
    """The samples up to `end` by series, and when each series' first one after it was taken.

    Those of superseded series up to their edge were counted under that name.
    """
    kept, ahead = {}, {}
    for one in sampled:
        key = one.series.key
        part = one.until(end)
        if len(part.times) < len(one.times):
            ahead[key] = one.times[len(part.times)]
        if key in superseded:
            part = part.from_index(bisect_right(part.times, superseded[key].at))
        if part.times:
            kept[key] = part
    return kept, ahead


def _notes(told: Iterable[Note], steps: Iterable[Steps], start: int) -> Iterable[Note]:
    """One note a text, of what was counted after `start`: amounts of the same text add up."""
    amounts: dict[tuple[str, str], float] = defaultdict(float)
    for note in told:
        amounts[note.kind, note.text] += note.amount or 0.0
    for one in steps:
        if one.skew:
            text = "samples fell without a restart: replicas disagree; falls counted 0"
            amounts["skew", text] += one.skew
        carried = [end for end in one.carried if end > start]
        if carried:
            text = "steps over more than five minutes were booked where samples came back"
            amounts["carried", text] += sum(one.amounts[end] for end in carried)
    return (Note(kind, text, amount) for (kind, text), amount in amounts.items())
