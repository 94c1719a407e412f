"""The keys of the indicators in slo.yaml, and the indicators that they declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from slo.config.document import KEY
from slo.config.kinds import (
    Bound,
    Duration,
    Expression,
    Flag,
    RoundingWord,
    SelectorText,
    TimeUnitWord,
    Windowed,
)
from slo.config.readers import selector_of
from slo.config.shape import Shape
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.shape import Complaint
    from slo.domain.indicator import Indicator, Rounding, TimeUnit
    from slo.domain.selector import Selector

_UNITS: tuple[tuple[str, TimeUnit], ...] = (
    ("_milliseconds", "milliseconds"),
    ("_ms", "milliseconds"),
    ("_microseconds", "microseconds"),
    ("_us", "microseconds"),
    ("_seconds", "seconds"),
)
_RECORDED = "true: the metric may look like one that a recording rule writes."
_UNIT = "Unit of the metric, where its name does not end with it."


class EventsShape(Shape):
    """Counters of total and of good or bad events."""

    good: SelectorText | None = Field(
        default=None, description="Selector of the good events' counters."
    )
    bad: SelectorText | None = Field(
        default=None, description="Selector of the bad events' counters."
    )
    total: SelectorText = Field(description="Selector of the counters of all events.")
    recorded: Flag = Field(default=False, description=_RECORDED)

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Just one of good and bad, which differs from total, and no recorded counter."""
        yield from _one_of(data, "good", "bad")
        yield from _recorded(data, "good", "bad", "total")
        total = selector_of(data.get("total"))
        for key in ("good", "bad"):
            if total is not None and selector_of(data.get(key)) == total:
                yield (key,), f"is the same as total, so all events would be {key}"

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        return Events(self.total, good=self.good, bad=self.bad, recorded=self.recorded)


class LatencyShape(Shape):
    """A classic histogram, whose events are to be faster than a threshold."""

    histogram: SelectorText = Field(
        description="Selector of the histogram, with or without `_bucket`."
    )
    threshold: Duration = Field(description="A bound of the histogram's buckets, such as 200ms.")
    unit: TimeUnitWord | None = Field(default=None, description=_UNIT)
    round: RoundingWord | None = Field(
        default=None,
        description="Accept the next bound below or above where the threshold is not one.",
    )
    recorded: Flag = Field(default=False, description=_RECORDED)

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """A whole histogram of a known unit, not recorded."""
        yield from _recorded(data, "histogram")
        yield from _timed(data, "histogram", ("_bucket",), "le")
        selector = selector_of(data.get("histogram"))
        if selector is not None and str(selector.name).endswith(("_sum", "_count")):
            yield ("histogram",), "name the histogram itself, without _sum or _count"

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        histogram = _without(self.histogram, "_bucket")
        return Latency(
            histogram,
            self.threshold,
            unit=cast("TimeUnit | None", self.unit) or unit_of(histogram) or "seconds",
            rounding=cast("Rounding | None", self.round) or "exact",
            recorded=self.recorded,
        )


class MeanShape(Shape):
    """A Summary, whose mean in each slice is to stay within a threshold."""

    summary: SelectorText = Field(description="Selector of the Summary, without `_sum`, `_count`.")
    threshold: Duration = Field(description="What the mean of a slice may be, such as 200ms.")
    unit: TimeUnitWord | None = Field(default=None, description=_UNIT)

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """A whole Summary of a known unit."""
        yield from _timed(data, "summary", ("_sum", "_count"), "quantile")

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        summary = _without(self.summary, "_sum", "_count")
        unit = cast("TimeUnit | None", self.unit) or unit_of(summary) or "seconds"
        return Mean(summary, self.threshold, unit=unit)


class SlicesShape(Shape):
    """Any PromQL value, held against a bound at the end of each slice."""

    query: Expression = Field(description="PromQL whose value is judged, such as model_accuracy.")
    at_least: Bound | None = Field(default=None, description="Lowest good value.")
    at_most: Bound | None = Field(default=None, description="Highest good value.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Just one bound."""
        yield from _one_of(data, "at_least", "at_most")

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        return Slices(self.query, at_least=self.at_least, at_most=self.at_most)


class FreshnessShape(Shape):
    """The age of the newest timestamp."""

    timestamp: Expression = Field(
        description="Metric or PromQL that gives a time as epoch seconds, such as data_updated_at."
    )
    max_age: Duration = Field(description="The age up to which data is fresh, such as 2h.")

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        return Freshness(self.timestamp, self.max_age)


class QueryShape(Shape):
    """Good or bad, and total events, estimated by PromQL with `$window`."""

    good: Windowed | None = Field(
        default=None, description="PromQL of the good events in `$window`."
    )
    bad: Windowed | None = Field(default=None, description="PromQL of the bad events in `$window`.")
    total: Windowed = Field(description="PromQL of all events in `$window`.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Just one of good and bad."""
        yield from _one_of(data, "good", "bad")

    def indicator(self) -> Indicator:
        """The indicator that these keys declare."""
        return Query(self.total, good=self.good, bad=self.bad)


def unit_of(selector: Selector) -> TimeUnit | None:
    """The unit that ends the metric's name, None where none does."""
    name = str(selector.name)
    return next((unit for ending, unit in _UNITS if name.endswith(ending)), None)


def looks_recorded(selector: Selector) -> bool:
    """Whether a rule seems to write the metric: `level:metric:op`, and no `instance` is chosen.

    `vllm:requests_total` and `:tensorflow:serving:request_count` are written by exporters.
    """
    name = str(selector.name)
    chosen = any(matcher.label == "instance" for matcher in selector.matchers)
    return name.count(":") >= 2 and not name.startswith(":") and not chosen  # noqa: PLR2004 -- the colons of level:metric:op.


def _without(selector: Selector, *endings: str) -> Selector:
    name = str(selector.name)
    for ending in endings:
        if name.endswith(ending):
            return selector.with_name(name.removesuffix(ending))
    return selector


def _one_of(data: dict[str, Any], first: str, second: str) -> Iterator[Complaint]:
    if first in data and second in data:
        yield (second, KEY), f"cannot stand beside {first}; keep one of them"
    elif first not in data and second not in data:
        yield (), f"needs one of {first} and {second}"


def _recorded(data: dict[str, Any], *keys: str) -> Iterator[Complaint]:
    if "recorded" in data and getattr(data["recorded"], "text", data["recorded"]) != "false":
        return
    for key in keys:
        selector = selector_of(data.get(key))
        if selector is not None and looks_recorded(selector):
            yield (
                (key,),
                (
                    "looks recorded by a rule, so it falls at each scale-down; select the counters "
                    "that the targets expose, or write recorded: true if it is one of them"
                ),
            )


def _timed(
    data: dict[str, Any], key: str, endings: tuple[str, ...], own: str
) -> Iterator[Complaint]:
    selector = selector_of(data.get(key))
    if selector is None:
        return
    if any(matcher.label == own for matcher in selector.matchers):
        yield (key,), f"must not choose `{own}`; the threshold does"
    if "unit" not in data and unit_of(_without(selector, *endings)) is None:
        yield (
            (key,),
            (
                "has no unit in its name (_seconds, _milliseconds, _microseconds); "
                "write unit: seconds, milliseconds or microseconds"
            ),
        )
