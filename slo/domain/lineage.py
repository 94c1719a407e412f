"""Lineage: which strands the series of a span make, once renames are followed.

Births and returns after a gap are taken in order of time. Each may go on where a
series of the same counter has just ended; that one's later samples, should its old
name come back, are then a birth themselves. So any split of a span finds the same.

Times are epoch milliseconds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from slo.domain.birth import Birth, Verdict, continued, judge_birth
from slo.domain.counter import Steps, gap_times
from slo.domain.rename import Sighting, matched
from slo.domain.strand import Sampled, Strand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from slo.domain.answers import Answers
    from slo.domain.meter import Edge
    from slo.domain.series import Key
    from slo.domain.slo import Births
    from slo.domain.standing import Note


@dataclass(frozen=True, slots=True)
class BirthRules:
    """What the verdicts on births rest on beside the answers."""

    rule: Births
    watch_from: int
    busiest: Mapping[int, float]
    """The most events per millisecond that one target is known to count, by read."""
    known_until: int
    """Up to where the source's samples are read."""
    may_wait: bool
    """Whether a birth may be left to the next booking, when more is known."""


@dataclass(slots=True)
class Lineage:
    """The strands of a span; `open` are those that the next span goes on from."""

    open: dict[Key, Strand]
    answers: Answers
    rules: BirthRules
    step: Callable[[Strand], Steps]
    """Counts a strand."""
    superseded: dict[Key, Edge] = field(default_factory=dict)
    """The edges of series that went on under other labels; those kept from before at first."""
    closed: list[Strand] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    waiting: set[Key] = field(default_factory=set)
    """Births that are left to the next booking."""

    def follow(self, births: Mapping[Key, Sampled], returns_after: int) -> None:
        """Take `births`, and the gaps of known series after `returns_after`, in order of time."""
        unborn = dict(births)
        arrivals = [(sampled.times[0], key) for key, sampled in births.items()]
        for key, strand in self.open.items():
            times = gap_times(strand.edge, strand.sampled.times)
            arrivals += [(at, key) for at in times if at > returns_after]
        for key, sampled in births.items():
            arrivals += [(at, key) for at in gap_times(sampled.first_edge(), sampled.times)]
        heapify(arrivals)
        while arrivals:
            at = arrivals[0][0]
            keys = set()
            while arrivals and arrivals[0][0] == at:
                keys.add(heappop(arrivals)[1])
            for key, rest in self._arrive(at, sorted(keys - self.waiting), unborn):
                unborn[key] = rest
                heappush(arrivals, (rest.times[0], key))

    def strands(self) -> Iterable[Strand]:
        """All strands, those that ended too."""
        return [*self.closed, *self.open.values()]

    def _arrive(
        self, at: int, keys: Sequence[Key], unborn: dict[Key, Sampled]
    ) -> list[tuple[Key, Sampled]]:
        """Open the strands of the series that come at `at`; gives what later comes to be born."""
        sampled = {k: unborn[k] if k in unborn else self.open[k].rest(at) for k in keys}
        arrived = [self._sighting(s, at, s.values[0]) for s in sampled.values()]
        ended, undecided = self._ended(at, set(keys), unborn)
        former = matched(arrived, ended)
        perhaps = matched([a for a in arrived if a.series.key not in former], undecided)
        later = []
        for new in arrived:
            key = new.series.key
            old = former.get(key)
            if old is None and key in perhaps:
                if self.rules.may_wait and key in unborn:
                    self.waiting.add(key)
                    continue
                old = perhaps[key]
            if old is not None and self._returned_later(key, old):
                old = None
            if old is not None:
                rest = self._continue(sampled[key], new, old, in_open=key not in unborn)
                if rest.times:
                    later.append((old.series.key, rest))
            elif key in unborn:
                self._bear(sampled[key], new)
            unborn.pop(key, None)
        return later
