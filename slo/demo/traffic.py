"""The demo's made-up world: how many requests come, how they fare, and what went wrong when.

Both the 30 days of history and the live service are drawn from it, so that one
goes on where the other ends. All is decided by a seed and the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from random import Random

Fault = Literal["errors", "latency", "accuracy", "outage"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

DAY = 86_400
LABELLED = 0.2
"""The share of predictions whose truth becomes known."""
REFRESH = 300
"""Seconds between two refreshes of the feature data."""
BOUNDS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Bounds of the latency histogram in seconds; 0.2 is the objective's threshold."""
PREDICTION_SHARE = 0.8
"""The prediction's share of a request's time; the rest is reading features."""

FAST = ((0.45, 0.01, 0.05), (0.45, 0.05, 0.1), (0.10, 0.1, 0.2))
SLOW = ((0.75, 0.2, 0.5), (0.22, 0.5, 1.0), (0.03, 1.0, 2.0))
"""Where requests fall: (share, from, to) in seconds; evenly spread within."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How requests fare at one moment, as shares of them."""

    errors: float = 0.0002
    slow: float = 0.004
    accuracy: float = 0.965
    refreshing: bool = True
    up: bool = True


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of the history in which things were not as usual, by UTC days before its end."""

    days_ago: int
    hour: float
    minutes: int
    errors: float | None = None
    slow: float | None = None
    accuracy: float | None = None
    refreshing: bool = True
    up: bool = True

    def start(self, end: int) -> int:
        """Its start in epoch seconds, for a history that ends at `end`."""
        # By the hour of the day, since that decides how much traffic it hits.
        return end // DAY * DAY - self.days_ago * DAY + round(self.hour * 3600)


EPISODES = (
    Episode(23, 17, 360, slow=0.25),  # A feature store under load: a slow evening.
    Episode(19, 14, 20, errors=0.5),  # A failed rollout in the busiest hour.
    Episode(
        18, 10, 8 * 1440, accuracy=0.89
    ),  # A retrained model that was worse, until rolled back.
    Episode(15, 3, 12, up=False),  # A node was replaced.
    Episode(11, 12, 180, slow=0.30),  # A noisy neighbour.
    Episode(9, 2, 240, refreshing=False),  # The feature pipeline hung over night.
    Episode(6, 9, 40, errors=0.04),  # A flaky dependency.
    Episode(4, 10, 120, accuracy=0.80),  # A feature came in with the wrong unit.
)
RESTARTS = ((25, 10.0), (18, 10.0), (10, 10.0), (3, 15.5))
"""Deploys, as days before the history's end and UTC hour: the counters begin at 0 again."""


def rate(at: float) -> float:
    """Requests per second: 20 at 2:00 UTC, 50 at 14:00 UTC."""
    return 35 + 15 * math.sin(2 * math.pi * (at % DAY / DAY - 8 / 24))


def conditions_in_history(at: int, end: int) -> Conditions:
    """The conditions at `at` of a history that ends at `end`."""
    now = Conditions()
    for episode in EPISODES:
        start = episode.start(end)
        if start <= at < start + episode.minutes * 60:
            now = Conditions(
                errors=now.errors if episode.errors is None else episode.errors,
                slow=now.slow if episode.slow is None else episode.slow,
                accuracy=now.accuracy if episode.accuracy is None else episode.accuracy,
                refreshing=now.refreshing and episode.refreshing,
                up=now.up and episode.up,
            )
    return now


def conditions_under(faults: frozenset[Fault]) -> Conditions:
    """The live service's conditions with some faults switched on."""
    now = Conditions()
    if "errors" in faults:
        now = replace(now, errors=0.6)
    if "latency" in faults:
        now = replace(now, slow=0.7)
    if "accuracy" in faults:
        now = replace(now, accuracy=0.6)
    return replace(now, up="outage" not in faults)


def poisson(rng: Random, mean: float) -> int:
    """How many events came, where `mean` are expected."""
    if mean > 50:  # noqa: PLR2004 -- above it the normal curve is close enough for a demo
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def binomial(rng: Random, events: int, share: float) -> int:
    """How many of `events` fall to a `share` of them."""
    if share > 0.5:  # noqa: PLR2004 -- the rarer side is drawn
        return events - binomial(rng, events, 1 - share)
    mean = events * share
    if mean > 50:  # noqa: PLR2004 -- as above
        drawn = round(rng.gauss(mean, math.sqrt(mean * (1 - share))))
    else:
        drawn = poisson(rng, mean)
    return min(events, max(0, drawn))
