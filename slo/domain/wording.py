"""What an indicator counts, in words short enough for a list."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from slo.domain.duration import format_duration
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices

if TYPE_CHECKING:
    from datetime import timedelta

    from slo.domain.indicator import Indicator
    from slo.domain.selector import Selector

LONGEST = 59

_MINUTE = 60
_SUFFIX = re.compile(r"_(total|count|sum|bucket|created)$")
_UNIT = re.compile(r"_(seconds|milliseconds|microseconds)$")
_RECORDED = re.compile(r"^[^:]+:([^:]+):[^:]+$")
_ONE_SHORT_UNIT = re.compile(r"^(\d+)(s|ms|us)$")


@lru_cache(maxsize=4096)
def metric_words(name: str | None) -> str:
    """The thing that a metric counts: `inference_requests_total` counts inference requests."""
    if not name:
        return "events"
    recorded = _RECORDED.match(name)
    bare = _UNIT.sub("", _SUFFIX.sub("", recorded.group(1) if recorded else name))
    return re.sub(r"[_:]+", " ", bare).strip() or name


def indicator_text(indicator: Indicator, bucket: int = _MINUTE) -> str:
    """What is counted, in under 60 characters; `bucket` is the slices' length in seconds."""
    match indicator:
        case Events():
            return _fit(_events(indicator))
        case Latency(histogram=histogram, threshold=threshold):
            return _fit(metric_words(histogram.name), f" faster than {_spoken(threshold)}")
        case Mean(summary=summary, threshold=threshold):
            bound = f" at most {_spoken(threshold)}, {_per(bucket)}"
            return _fit(f"mean {metric_words(summary.name)}", bound)
        case Slices(query=query, at_least=at_least, at_most=at_most):
            side = f"least {at_least}" if at_least is not None else f"most {at_most}"
            return _fit(" ".join(query.split()), f" at {side}, {_per(bucket)}")
        case Freshness(max_age=max_age):
            return f"newest data at most {_spoken(max_age)} old"
        case Query(total=total):
            return _fit(f"estimated: {' '.join(total.split())}")


def _events(events: Events) -> str:
    judged: Selector | None = events.good or events.bad
    total = metric_words(events.total.name)
    if judged is None or judged.name == events.total.name:
        return total
    part = metric_words(judged.name)
    return f"{part} of {total}" if events.good else f"{total} without {part}"


def _spoken(duration: timedelta) -> str:
    text = format_duration(duration)
    return _ONE_SHORT_UNIT.sub(r"\1 \2", text)


def _per(bucket: int) -> str:
    if bucket == _MINUTE:
        return "per minute"
    minutes, seconds = divmod(bucket, _MINUTE)
    return f"per {bucket} s" if seconds else f"per {minutes} min"


def _fit(text: str, end: str = "") -> str:
    room = LONGEST - len(end)
    return (text if len(text) <= room else text[: room - 1].rstrip() + "…") + end
