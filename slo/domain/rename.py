"""Renames: a series that goes on under other labels, with the count it had.

Times are epoch milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.series import Key, Series

RENAMED_WITHIN = 600_000
"""How long before a birth a series may have ended to be its former name, its process unknown."""

MAX_GAP = 604_800_000
"""How long before a birth a series of the very same process may have ended; edges live as long."""

SAME_PROCESS = 20
"""Processes whose starts differ by more are not one: exporters tell the start to 10 ms."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One sample of a series, and what is known of the counter and process behind it then."""

    series: Series
    at: int
    value: float
    created: int | None = None
    """The counter's own start (`_created`)."""
    process: int | None = None
    """The start of its target's process."""
    edge_start: int | None = None
    """Either of them as kept with its edge, where the source tells neither."""

    @property
    def metric(self) -> tuple[int, str | None, str | None]:
        """What a rename leaves alone: the read, the metric's name and the bucket."""
        return metric_of(self.series)


def metric_of(series: Series) -> tuple[int, str | None, str | None]:
    """The read, the metric's name and the bucket of a series."""
    labels = series.labels
    return series.key[0], labels.get("__name__"), labels.get("le")


def matched(arrivals: Sequence[Sighting], ended: Iterable[Sighting]) -> dict[Key, Sighting]:
    """Which ended series each arrival continues.

    The one that ended last; of those, the one with most labels in common.
    """
    by_metric: dict[tuple[int, str | None, str | None], list[Sighting]] = {}
    for old in ended:
        by_metric.setdefault(old.metric, []).append(old)
    pairs = sorted(
        (
            (old.at, _common(new.series.labels, old.series.labels), index, new, old)
            for index, new in enumerate(arrivals)
            for old in by_metric.get(new.metric, ())
            if may_continue(new, old)
        ),
        key=lambda pair: pair[:3],
        reverse=True,
    )
    found: dict[Key, Sighting] = {}
    taken: set[Key] = set()
    for _, _, _, new, old in pairs:
        if new.series.key not in found and old.series.key not in taken:
            found[new.series.key] = old
            taken.add(old.series.key)
    return found


def may_continue(new: Sighting, old: Sighting) -> bool:
    """Whether the same counter may be behind both, by its start, its target and its value."""
    since = new.at - old.at
    if new.series.key == old.series.key or not 0 < since <= MAX_GAP or new.value < old.value:
        return False
    if new.created is not None and new.created > old.at:
        return False
    if new.created is not None and old.created is not None:
        return abs(new.created - old.created) <= SAME_PROCESS
    known = [start for start in (new.created, new.process) if start is not None]
    if known and old.edge_start is not None:
        return any(abs(start - old.edge_start) <= SAME_PROCESS for start in known)
    if new.process is not None and old.process is not None:
        return abs(new.process - old.process) <= SAME_PROCESS
    return new.series.target == old.series.target and since <= RENAMED_WITHIN


def _common(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    return sum(1 for key, value in one.items() if other.get(key) == value)
