"""Births: whether the first value of a series without an edge counts.

Client libraries create an error's series at the first error, so its first value
is often the whole story. But an exporter that is scraped for the first time, or a
series whose labels were changed, brings events of another time or place.

Times are epoch milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.counter import SAME_START, is_gap
from slo.domain.standing import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.meter import Edge
    from slo.domain.slo import Births

IMPLAUSIBLE_FACTOR = 100
"""How many times the busiest target's events in that age are beyond belief."""

NEVER_IMPLAUSIBLE = 1_000
"""A first value up to this is always believed; a quiet selector proves nothing."""

RENAMED_WITHIN = 600_000
"""How long before a birth a series of the same process may have ended to be its former name."""


@dataclass(frozen=True, slots=True)
class Birth:
    """The first sample of a series without an edge, and what is known of its process."""

    key: tuple[int, str]
    """Read and series."""
    labels: Mapping[str, str]
    target: str
    at: int
    value: float
    created: int | None
    """The counter's own start (`_created`)."""
    process: int | None
    """The start of its target's process."""
    previous_up: int | None
    """When the target's previous scrape succeeded; None: it failed, or is unknown."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A series that has no sample after its edge."""

    edge: Edge
    labels: Mapping[str, str]
    target: str
    process: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events of a first value count, which series it continues, and what to note."""

    counted: float
    continues: Edge | None = None
    note: Note | None = None


def judge_births(
    births: Sequence[Birth],
    ended: Sequence[Ended],
    *,
    rule: Births,
    watch_from: int,
    busiest: Mapping[int, float],
) -> dict[tuple[int, str], Verdict]:
    """The verdict on each birth, by its key.

    `watch_from` is where our watch begins; `busiest` holds the most events per
    millisecond that one target is known to count, by read.
    """
    renamed = _renames(births, ended)
    verdicts = {}
    for birth in births:
        former = renamed.get(birth.key)
        if former is not None:
            verdicts[birth.key] = _continued(birth, former)
        elif rule != "auto":
            verdicts[birth.key] = Verdict(birth.value if rule == "count" else 0.0)
        else:
            verdicts[birth.key] = _judge(birth, watch_from, busiest.get(birth.key[0]))
    return verdicts


def _judge(birth: Birth, watch_from: int, busiest: float | None) -> Verdict:
    age = _age_within_watch(birth, watch_from)
    if age is None:
        return _uncounted(birth, "nothing tells when its counter began")
    if busiest is not None and birth.value > max(
        NEVER_IMPLAUSIBLE, IMPLAUSIBLE_FACTOR * busiest * age
    ):
        return _uncounted(
            birth,
            f"its first value is over {IMPLAUSIBLE_FACTOR} times what the busiest target counts"
            " in its age",
        )
    return Verdict(birth.value)


def _age_within_watch(birth: Birth, watch_from: int) -> int | None:
    """How long the counter has counted under our watch, None if its events may be older."""
    if birth.created is not None:
        return birth.at - birth.created if birth.created >= watch_from else None
    if birth.process is not None and birth.process >= watch_from:
        return birth.at - birth.process
    if birth.previous_up is not None:
        return birth.at - birth.previous_up
    return None


def _uncounted(birth: Birth, reason: str) -> Verdict:
    if not birth.value:
        return Verdict(0.0)
    text = f"first values of {_metric(birth.labels)} not counted: {reason}"
    return Verdict(0.0, note=Note("birth-uncounted", text, birth.value))


def _continued(birth: Birth, former: Ended) -> Verdict:
    text = f"series of {_metric(birth.labels)} went on under other labels"
    counted = max(0.0, birth.value - former.edge.held)
    return Verdict(counted, former.edge, Note("rename", text, counted))


def _renames(births: Sequence[Birth], ended: Sequence[Ended]) -> dict[tuple[int, str], Ended]:
    """Which series each birth continues: the pairs with most labels in common go first."""
    pairs = sorted(
        (
            (_common(birth.labels, old.labels), old.edge.at, index, birth, old)
            for index, birth in enumerate(births)
            for old in _same_metric(birth, ended)
            if _may_continue(birth, old)
        ),
        key=lambda pair: pair[:3],
        reverse=True,
    )
    found: dict[tuple[int, str], Ended] = {}
    taken = set()
    for _, _, _, birth, old in pairs:
        if birth.key not in found and old.edge.series not in taken:
            found[birth.key] = old
            taken.add(old.edge.series)
    return found


def _same_metric(birth: Birth, ended: Iterable[Ended]) -> Iterable[Ended]:
    return (
        old
        for old in ended
        if old.edge.read == birth.key[0]
        and old.edge.roles
        and all(old.labels.get(k) == birth.labels.get(k) for k in ("__name__", "le"))
    )


def _may_continue(birth: Birth, old: Ended) -> bool:
    """Whether the same process ended `old` just before `birth` and kept its count."""
    since = birth.at - old.edge.at
    if not 0 < since <= RENAMED_WITHIN or birth.value < old.edge.seen:
        return False
    if birth.process is not None and old.process is not None:
        return abs(birth.process - old.process) <= SAME_START
    return birth.target == old.target and not is_gap(since, old.edge.intervals)


def _common(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    return sum(1 for key, value in one.items() if other.get(key) == value)


def _metric(labels: Mapping[str, str]) -> str:
    return labels.get("__name__", "a series")
