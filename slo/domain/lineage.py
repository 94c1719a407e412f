"""Lineage: which strands the series of a span make, once renames are followed.

Births are taken in order of time. Each may go on where a series of the same counter
has just ended; that one's later samples, should its old name come back, are then a
birth themselves. So any split of a span finds the same. A series that comes back
after a gap with its edge goes on from that edge, whatever else has ended: targets
that started in the same second are common.

Times are epoch milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from slo.domain.birth import Birth, continued, judge_birth
from slo.domain.counter import CARRIED_OVER
from slo.domain.rename import RENAMED_WITHIN, SAME_PROCESS, Sighting, matched, metric_of
from slo.domain.strand import Strand, edge_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from slo.domain.answers import Answers
    from slo.domain.counter import Steps
    from slo.domain.meter import Edge
    from slo.domain.series import Key
    from slo.domain.slo import Births
    from slo.domain.standing import Note
    from slo.domain.strand import Sampled


@dataclass(frozen=True, slots=True)
class Rules:
    """What the verdicts rest on beside the answers."""

    births: Births
    watch_from: int
    busiest: Mapping[int, float]
    """The most events per millisecond that one target is known to count, by read."""
    known_until: int
    """Up to where the source's samples were read."""
    ahead: Mapping[Key, int]
    """The first samples after the span, of those read."""
    may_wait: bool
    """Whether a birth may be left to the next booking, when more is known."""
    noted_from: int
    """What came at or before this was noted by another booking."""


@dataclass(slots=True)
class Lineage:
    """The strands of a span; those in `open` are what the next span goes on from."""

    open: dict[Key, Strand]
    superseded: dict[Key, Edge]
    """The edges of series that went on under other labels."""
    answers: Answers
    rules: Rules
    step: Callable[[Strand], Steps]
    closed: list[Strand] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    _unborn: dict[Key, Sampled] = field(default_factory=dict)
    _beyond: set[Key] = field(default_factory=set)

    def follow(self, births: Mapping[Key, Sampled]) -> None:
        """Take the births in order of time."""
        self._unborn = dict(births)
        self._beyond = self._unrelated(births)
        arrivals = [(sampled.times[0], key) for key, sampled in births.items()]
        heapify(arrivals)
        while arrivals:
            at, keys = arrivals[0][0], set()
            while arrivals and arrivals[0][0] == at:
                keys.add(heappop(arrivals)[1])
            for old in self._arrive(at, sorted(keys)):
                heappush(arrivals, (self._unborn[old].times[0], old))

    def _unrelated(self, births: Mapping[Key, Sampled]) -> set[Key]:
        """The silent series that no birth can continue: `may_continue` would refuse each pair."""
        silent = [key for key, strand in self.open.items() if not strand.sampled.times]
        if not silent:
            return set()
        known = [*births, *(key for key, s in self.open.items() if s.sampled.times)]
        told: set[int] = set()
        for key in known:
            starts = self.answers.starts(key)
            for line in (starts.created, starts.process):
                told |= {round(v * 1000) // SAME_PROCESS for v in line.values}
        targets = {s.series.target for s in births.values()} | {
            s.sampled.series.target for s in self.open.values() if s.sampled.times
        }
        first = min(s.times[0] for s in births.values())
        beyond = set()
        for key in silent:
            strand = self.open[key]
            edge, starts = strand.edge, self.answers.starts(key)
            own = (edge.start, starts.created_at(edge.at), starts.process_at(edge.at))
            cells = {s // SAME_PROCESS + d for s in own if s is not None for d in (-1, 0, 1)}
            recent = strand.sampled.series.target in targets and first - edge.at <= RENAMED_WITHIN
            if not (recent or cells & told):
                beyond.add(key)
        return beyond

    def _arrive(self, at: int, keys: Iterable[Key]) -> list[Key]:
        """Begin the strands of all series that come at `at`; gives those that come again."""
        arrived = {key: self._unborn[key] for key in keys}
        sightings = [self._sighting(key, rest, at) for key, rest in arrived.items()]
        ended, perhaps = self._ended(at, sightings)
        former = matched(sightings, ended)
        left = [s for s in sightings if s.series.key not in former]
        maybe = matched(left, perhaps)
        again = []
        for new in sightings:
            key = new.series.key
            if key in maybe and self.rules.may_wait:
                # More is known when the next booking reads it again.
                del self._unborn[key]
                continue
            rest, old = arrived[key], former.get(key) or maybe.get(key)
            if old is not None:
                again += self._continue(new, old, rest)
            else:
                self._bear(new, rest)
            self._unborn.pop(key, None)
        return again

    def _sighting(self, key: Key, rest: Sampled, at: int) -> Sighting:
        starts = self.answers.starts(key)
        return Sighting(
            rest.series, at, rest.values[0], starts.created_at(at), starts.process_at(at)
        )

    def _ended(self, at: int, arrived: Iterable[Sighting]) -> tuple[list[Sighting], list[Sighting]]:
        """The last samples of series that ended before `at`, and of those that may have."""
        metrics, keys = {s.metric for s in arrived}, {s.series.key for s in arrived}
        ended: list[Sighting] = []
        perhaps: list[Sighting] = []
        for key, strand in self.open.items():
            if key in keys or key in self._beyond:
                continue
            if metric_of(strand.sampled.series) not in metrics:
                continue
            is_over = strand.ended(at, self.rules.known_until, self.rules.ahead.get(key))
            if is_over is not False:
                (ended if is_over else perhaps).append(self._last(key, strand, at))
        return ended, perhaps

    def _last(self, key: Key, strand: Strand, at: int) -> Sighting:
        last, value = strand.last_before(at)
        starts = self.answers.starts(key)
        created, process = starts.created_at(last), starts.process_at(last)
        kept = strand.edge.start if created is None and process is None else None
        return Sighting(strand.sampled.series, last, value, created, process, edge_start=kept)

    def _continue(self, new: Sighting, old: Sighting, rest: Sampled) -> list[Key]:
        """Go on from `old` under the new labels; gives `old` if it comes again."""
        key, former = new.series.key, old.series.key
        ending = self.open.pop(former)
        again = ending.rest(new.at)
        if again.times:
            self._unborn[former] = again
        ending = ending.until(new.at)
        self.closed.append(ending)
        self.superseded[former] = edge = self.step(ending).edge
        verdict = continued(new, edge.held)
        if verdict.note is not None and new.at > self.rules.noted_from:
            self.notes.append(verdict.note)
        since = new.at - old.at
        begun = replace(
            edge_at(new.series, new.at, new.value),
            held=max(new.value, edge.held),
            start=self.answers.starts(key).before(new.at) or edge.start,
            intervals=edge.intervals,
            rises=edge.rises,
        )
        carried = since if since > CARRIED_OVER else 0
        self.open[key] = Strand(begun, rest.from_index(1), verdict.counted, carried)
        return [former] if again.times else []

    def _bear(self, new: Sighting, rest: Sampled) -> None:
        """Judge a birth and begin its strand."""
        key, up = new.series.key, self.answers.up(new.series.target).at(new.at - 1)
        former = self.superseded.get(key)
        birth = Birth(
            new,
            previous_up=up[0] if up is not None and up[1] == 1 else None,
            known_until=None if former is None else former.at,
        )
        rules = self.rules
        verdict = judge_birth(birth, rules.births, rules.watch_from, rules.busiest.get(key[0]))
        if verdict.note is not None and new.at > self.rules.noted_from:
            self.notes.append(verdict.note)
        start = self.answers.starts(key).before(new.at)
        begun = replace(
            edge_at(new.series, new.at, new.value), start=start, intervals=self._spacing(new)
        )
        self.open[key] = Strand(begun, rest.from_index(1), verdict.counted)

    def _spacing(self, new: Sighting) -> tuple[int, ...]:
        """How far apart the samples of a series' target are, by one that was scraped with it."""
        for strand in self.open.values():
            if strand.sampled.series.target == new.series.target:
                spacing = strand.spacing(new.at)
                if spacing:
                    return spacing
        return ()
