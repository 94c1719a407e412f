"""Absence: buckets in which an SLO has no data although its source has some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.coverage import TargetSeen, Timeline


@dataclass(frozen=True, slots=True)
class Absence:
    """Why the bucket that ends at `end` has no data, and since when there are none.

    Dead: every target of the SLO is down. Gone: its targets have left the source.
    `since` is when the newest sample of any of them was taken. Epoch seconds.
    """

    kind: Literal["dead", "gone"]
    since: int
    end: int


def absences(
    targets: Sequence[tuple[TargetSeen, Timeline]],
    ends: Sequence[int],
    bucket: int,
    last_seen: int | None,
) -> tuple[Absence, ...]:
    """The absences of a span, from when its targets were seen and from their `up`.

    `last_seen` is the newest sample of targets that had left before. All times in epoch
    milliseconds, but those of the result. A target that is up and does not expose
    the series is neither down nor gone, so there is no absence then. Whether the source
    had data at a bucket's end is for the caller to know: without, nothing is gone then.
    """
    seen: list[list[tuple[int, int, Timeline]]] = [[] for _ in ends]
    for target, up in targets:
        for place, _, newest, grace in target.at_ends(ends, bucket):
            seen[place].append((newest, grace, up))
    found = (_absence(of_end, end, last_seen) for of_end, end in zip(seen, ends, strict=True))
    return tuple(absence for absence in found if absence is not None)


def _absence(
    seen: Sequence[tuple[int, int, Timeline]], end: int, last_seen: int | None
) -> Absence | None:
    newest = max((at for at, _, _ in seen), default=last_seen)
    if newest is None or any(end - at <= grace for at, grace, _ in seen):
        return None
    told = {_health(at, grace, up, end) for at, grace, up in seen}
    if "up" in told:
        return None
    kind: Literal["dead", "gone"] = "dead" if "down" in told else "gone"
    return Absence(kind, newest // 1000, end // 1000)


def _health(newest: int, grace: int, up: Timeline, end: int) -> Literal["up", "down", "left"]:
    """What the source says of a target that is silent since `newest`."""
    latest = up.at(end)
    if latest is not None and latest[0] > newest and end - latest[0] <= grace:
        return "up" if latest[1] else "down"
    return "left"
