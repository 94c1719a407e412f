"""The demo service's last 30 days, as Prometheus would have scraped them once a minute."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from slo.demo.traffic import (
    BOUNDS,
    DAY,
    FAST,
    LABELLED,
    PREDICTION_SHARE,
    REFRESH,
    RESTARTS,
    SLOW,
    binomial,
    conditions_in_history,
    poisson,
    rate,
)

if TYPE_CHECKING:
    from pathlib import Path

    from slo.demo.traffic import Conditions

INTERVAL = 60
"""Seconds between two scrapes."""
JOB = "fraud-model"
INSTANCE = "fraud-1"
"""A fixed name rather than an address, so that the series go on when the port changes."""

_TARGET = f'job="{JOB}",instance="{INSTANCE}"'
_MODEL = f'{{{_TARGET},model="fraud"}}'
UP = f"up{{{_TARGET}}}"
START = f"process_start_time_seconds{{{_TARGET}}}"
ACCURACY = f"model_accuracy{_MODEL}"
REFRESHED = f"feature_data_timestamp_seconds{_MODEL}"
LABELLED_TOTAL = f"predictions_labelled_total{_MODEL}"
CORRECT_TOTAL = f"predictions_correct_total{_MODEL}"
LATENCY_SUM = f"inference_seconds_sum{_MODEL}"
LATENCY_COUNT = f"inference_seconds_count{_MODEL}"
PREDICTION_SUM = f"model_prediction_duration_seconds_sum{_MODEL}"
PREDICTION_COUNT = f"model_prediction_duration_seconds_count{_MODEL}"


def requests(code: str) -> str:
    """The series of the requests answered with `code`."""
    return f'inference_requests_total{{{_TARGET},model="fraud",code="{code}"}}'


def bucket(bound: str) -> str:
    """The series of the requests that took at most `bound` seconds."""
    return f'inference_seconds_bucket{{{_TARGET},model="fraud",le="{bound}"}}'


@dataclass(frozen=True, slots=True)
class History:
    """What was written: scrape times in epoch seconds, and events that a scrape saw."""

    first: int
    last: int
    requests: int
    errors: int
    slow: int
    labelled: int
    correct: int


def write_history(path: Path, *, end: int, days: int, seed: int) -> History:
    """Write the `days` up to `end` as OpenMetrics text, and tell what is in it.

    A restart lies right after a scrape, so no event goes unseen and the counts
    are exact.
    """
    rng = Random(seed)  # noqa: S311 -- a demo's traffic, no secret
    columns: dict[str, list[str]] = {}
    counters: dict[str, float] = {}
    totals: dict[str, float] = {}
    last = end // INTERVAL * INTERVAL
    first = last - days * DAY
    restarts = sorted(last // DAY * DAY - ago * DAY + round(hour * 3600) for ago, hour in RESTARTS)
    restarts = [at // INTERVAL * INTERVAL for at in restarts if at > first]
    started, refreshed, was_up = first - DAY, first, True
    for at in range(first, last + 1, INTERVAL):
        now = conditions_in_history(at, last)
        columns.setdefault(UP, []).append(f"{int(now.up)} {at}")
        if not now.up:
            was_up = False
            continue
        if restarts and at >= restarts[0]:
            restarts = restarts[1:]
            was_up = False
        if not was_up:
            counters, started, was_up = {}, at - INTERVAL + 1, True
        if now.refreshing and at - refreshed >= REFRESH:
            refreshed = at
        for series, added in _minute(rng, rate(at), now).items():
            counters[series] = round(counters.get(series, 0) + added, 3)
            totals[series] = totals.get(series, 0) + added
        values = counters | {
            ACCURACY: round(min(1.0, rng.gauss(now.accuracy, 0.007)), 4),
            REFRESHED: refreshed,
            START: started,
        }
        for series, value in values.items():
            columns.setdefault(series, []).append(f"{value} {at}")
    _write(path, columns)
    return History(
        first=first,
        last=last,
        requests=round(totals[LATENCY_COUNT]),
        errors=round(totals[requests("500")] + totals[requests("503")]),
        slow=round(totals[LATENCY_COUNT] - totals[bucket("0.2")]),
        labelled=round(totals[LABELLED_TOTAL]),
        correct=round(totals[CORRECT_TOTAL]),
    )


def _minute(rng: Random, per_second: float, now: Conditions) -> dict[str, float]:
    """What each counter adds in one minute."""
    total = poisson(rng, per_second * INTERVAL)
    errors = binomial(rng, total, now.errors)
    unavailable = binomial(rng, errors, 0.3)
    refused = binomial(rng, total - errors, 0.005)
    slow = binomial(rng, total, now.slow)
    labelled = binomial(rng, total, LABELLED)
    added: dict[str, float] = {
        requests("200"): total - errors - refused,
        requests("400"): refused,
        requests("500"): errors - unavailable,
        requests("503"): unavailable,
        LABELLED_TOTAL: labelled,
        CORRECT_TOTAL: binomial(rng, labelled, now.accuracy),
    }
    below, seconds = 0, 0.0
    counts = _spread(rng, total - slow, FAST) + _spread(rng, slow, SLOW)
    for count, (_, low, high) in zip(counts, FAST + SLOW, strict=True):
        below += count
        seconds += count * (low + high) / 2
        added[bucket("+Inf" if high > BOUNDS[-1] else str(high))] = below
    added[LATENCY_COUNT] = added[PREDICTION_COUNT] = total
    added[LATENCY_SUM] = round(seconds, 3)
    added[PREDICTION_SUM] = round(seconds * PREDICTION_SHARE, 3)
    return added


def _spread(rng: Random, events: int, shares: tuple[tuple[float, float, float], ...]) -> list[int]:
    """`events` over the parts, by their shares."""
    counts, left, share_left = [], events, 1.0
    for share, _, _ in shares[:-1]:
        count = binomial(rng, left, share / share_left)
        counts.append(count)
        left -= count
        share_left -= share
    return [*counts, left]


def _write(path: Path, columns: dict[str, list[str]]) -> None:
    with path.open("w") as file:
        for series, samples in columns.items():
            file.writelines(f"{series} {sample}\n" for sample in samples)
        file.write("# EOF\n")
