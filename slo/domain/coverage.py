"""Coverage: for which part of a bucket the recently seen targets were scraped.

Times are epoch milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.counter import usual_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORGOTTEN_AFTER = 300_000
"""A silent target whose `up` is unknown is expected for this long: Prometheus's own lookback."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Samples of a gauge such as `up` or a start time, in order."""

    times: Sequence[int] = ()
    values: Sequence[float] = ()

    def at(self, until: int) -> tuple[int, float] | None:
        """The newest sample at or before `until`."""
        index = bisect_right(self.times, until)
        return (self.times[index - 1], self.values[index - 1]) if index else None


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """When a target gave samples: those of the span in order, and the newest one before."""

    times: Sequence[int]
    before: int | None
    intervals: Sequence[int]
    up: Timeline | None = None
    """None: not asked or not known."""


def covered_shares(targets: Iterable[TargetSeen], ends: Sequence[int], bucket: int) -> list[float]:
    """The share of each bucket that is covered, 0 to 1, for bucket ends in order.

    A target covers a bucket whose end is at most one bucket or two scrape intervals
    after its newest sample. It is expected while it covers, while its `up` goes on,
    or, with `up` unknown, for five minutes.
    """
    covered, expected = [0] * len(ends), [0] * len(ends)
    for target in targets:
        grace = max(bucket, 2 * (usual_interval(target.intervals) or 0))
        times, index = target.times, 0
        for position, end in enumerate(ends):
            index = bisect_right(times, end, index)
            newest = times[index - 1] if index else target.before
            if newest is None:
                continue
            if end - newest <= grace:
                covered[position] += 1
                expected[position] += 1
            elif is_expected(target, newest, end, grace):
                expected[position] += 1
    return [c / e if e else 0.0 for c, e in zip(covered, expected, strict=True)]


def is_expected(target: TargetSeen, newest: int, end: int, grace: int) -> bool:
    """Whether a silent target still belongs to its source at `end`."""
    if target.up is None or not target.up.times:
        return end - newest <= FORGOTTEN_AFTER
    latest = target.up.at(end)
    return latest is not None and end - latest[0] <= grace
