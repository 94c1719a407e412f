"""Births: whether the first value of a series without an edge counts.

Client libraries create an error's series at the first error, so its first value
is often the whole story. But an exporter that is scraped for the first time, or a
series that was known before, brings events of another time or place.

Times are epoch milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.counter import Role
from slo.domain.rename import MAX_GAP
from slo.domain.standing import Note

if TYPE_CHECKING:
    from slo.domain.rename import Sighting
    from slo.domain.slo import Births

IMPLAUSIBLE_FACTOR = 100
"""How many times the busiest target's events in that age are beyond belief."""

NEVER_IMPLAUSIBLE = 1_000
"""A first value up to this is always believed; a quiet selector proves nothing."""

AT_THE_BEGINNING = 300_000
"""Milliseconds after the beginning of our watch in which a series may show for the first time."""


@dataclass(frozen=True, slots=True)
class Birth:
    """The first sample of a series without an edge, and what is known beside it."""

    first: Sighting
    previous_up: int | None = None
    """When the target's previous scrape succeeded; None: it failed, or is unknown."""
    known_until: int | None = None
    """The last sample of the series before it went on under other labels; None: it is new."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many events of a first value count, and what to note."""

    counted: float
    note: Note | None = None


def judge_birth(birth: Birth, rule: Births, watch_from: int, busiest: float | None) -> Verdict:
    """The verdict on a birth.

    `watch_from` is where our watch begins; `busiest` is the most events per
    millisecond that one target is known to count.
    """
    if rule != "auto":
        return Verdict(birth.first.value if rule == "count" else 0.0)
    first = birth.first
    age = _age_within_watch(birth, watch_from)
    if age is None:
        if first.at - watch_from <= AT_THE_BEGINNING:
            # It was there when our watch began, so nothing of ours is missing.
            return Verdict(0.0)
        return _uncounted(birth, "nothing tells when its counter began")
    if busiest is not None and first.value > max(
        NEVER_IMPLAUSIBLE, IMPLAUSIBLE_FACTOR * busiest * age
    ):
        return _uncounted(
            birth,
            f"its first value is over {IMPLAUSIBLE_FACTOR} times what the busiest target counts"
            " in its age",
        )
    return Verdict(first.value)


def continued(new: Sighting, held: float) -> Verdict:
    """The verdict on a series that goes on from `held` under other labels."""
    text = f"series of {_metric(new)} went on under other labels"
    counted = max(0.0, new.value - held)
    return Verdict(counted, Note("rename", text, counted))


def _age_within_watch(birth: Birth, watch_from: int) -> int | None:
    """How long the counter has counted under our watch, None if its events may be older.

    Edges are forgotten after `MAX_GAP`, so a counter that is older than that may
    have been counted before.
    """
    first = birth.first
    since = max(watch_from, first.at - MAX_GAP)
    if birth.known_until is not None:
        since = max(since, birth.known_until)
    if first.created is not None:
        return first.at - first.created if first.created >= since else None
    if first.process is not None and first.process >= since:
        return first.at - first.process
    recently_up = birth.previous_up is not None and birth.previous_up > first.at - MAX_GAP
    if birth.previous_up is not None and recently_up and birth.known_until is None:
        return first.at - birth.previous_up
    return None


def _uncounted(birth: Birth, reason: str) -> Verdict:
    # Of a Summary the count tells the events; its sum is no number of them.
    if not birth.first.value or birth.first.series.roles & Role.SUM:
        return Verdict(0.0)
    text = f"first values of {_metric(birth.first)} not counted: {reason}"
    return Verdict(0.0, Note("birth-uncounted", text, birth.first.value))


def _metric(sighting: Sighting) -> str:
    return sighting.series.labels.get("__name__", "a series")
