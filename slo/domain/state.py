"""States: what is left of the budget in one word, and beside it how fresh the data are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.domain.slo import StateBounds
    from slo.domain.standing import DataState, Standing, State

NEW_SECONDS = 86400
"""With less history than this an SLO is `new`."""

MARGIN = 0.02
"""How far above its bound the budget left must rise before a state is left upward."""

NO_DATA_SECONDS = 600
"""With nothing covered for longer than this there are no data."""

_ORDER: dict[State, int] = {"new": 0, "healthy": 0, "caution": 1, "restricted": 2, "exhausted": 3}


def _level(remaining: float, bounds: StateBounds) -> State:
    if remaining <= 0:
        return "exhausted"
    # As floats: a float 0.1 is a little more than a Decimal 0.1.
    if remaining <= float(bounds.restricted):
        return "restricted"
    return "caution" if remaining <= float(bounds.caution) else "healthy"


def next_state(
    previous: State | None, remaining: float | None, bounds: StateBounds, history_seconds: int
) -> State:
    """The state after `previous`, with `remaining` of the budget left (a share, or None).

    It worsens at once, and betters only once `remaining` is over the bound by
    `MARGIN` (2 points of the budget), so that it does not flap at a bound. Without
    events in the window the state stays what it was: missing data never change it.
    """
    if history_seconds < NEW_SECONDS:
        return "new"
    if remaining is None:
        return "healthy" if previous is None or previous == "new" else previous
    level = _level(remaining, bounds)
    if previous is None or _ORDER[level] >= _ORDER[previous]:
        return level
    return min(previous, _level(remaining - MARGIN, bounds), key=_ORDER.__getitem__)


def fresh_seconds(bucket: int, lag: int) -> int:
    """How old the newest covered bucket may be while data are fresh: three buckets and the lag."""
    return 3 * bucket + lag


def data_state(last_data: int | None, now: float, fresh_for: int) -> DataState:
    """`fresh`, `late` or `none` from the end of the newest covered bucket, all in seconds.

    None is over ten minutes, or over twice `fresh_for` where buckets are that long.
    """
    if last_data is None:
        return "none"
    age = now - last_data
    if age <= fresh_for:
        return "fresh"
    return "late" if age <= max(NO_DATA_SECONDS, 2 * fresh_for) else "none"


def seen_at(standing: Standing, now: float) -> Standing:
    """The standing with its data told by the clock: the cycle that wrote it may be long ago.

    That of a paused SLO stays as it was told.
    """
    if standing.paused or standing.fresh_for is None:
        return standing
    data = data_state(standing.last_data, now, standing.fresh_for)
    return standing if data == standing.data else replace(standing, data=data)
