"""The short form `SLO: {accuracy: 95%, latency: 200ms, availability: 99.9%}`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from slo.config.indicators import unit_of
from slo.config.kinds import Duration, Objective, SelectorText
from slo.config.readers import selector_of
from slo.config.scalars import ScalarError
from slo.config.shape import Shape
from slo.domain.duration import format_duration
from slo.domain.indicator import Events, FirstOf, Latency, Mean, Slices
from slo.domain.objective import format_percent
from slo.domain.selector import Matcher, Selector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from slo.config.shape import Complaint
    from slo.domain.indicator import Indicator

OBJECTIVE = Decimal("0.99")
"""Share of requests under the latency, and of slices with enough accuracy."""
REQUESTS = Selector("http_requests_total")
LATENCIES = (
    Selector("model_prediction_duration_seconds"),
    Selector("http_request_duration_seconds"),
)
CORRECT = Selector("predictions_correct_total")
LABELLED = Selector("predictions_labelled_total")
ACCURACY = Selector("model_accuracy")
_FAILED = Matcher("code", "=~", "5..")


class AccuracyShape(Shape):
    """Counters of correct and of all labelled predictions."""

    good: SelectorText = Field(description="Selector of the correct predictions' counters.")
    total: SelectorText = Field(description="Selector of the labelled predictions' counters.")


def _accuracy(value: object) -> Selector | AccuracyShape:
    if isinstance(value, dict):
        return AccuracyShape.model_validate(value)
    selector = selector_of(value)
    if selector is None:
        raise ScalarError("must be the selector of a gauge, or {good: ..., total: ...} of counters")
    if str(selector.name).endswith("_total"):
        raise ScalarError("is a counter; write {good: ..., total: ...} to name both")
    return selector


AccuracyValue = Annotated[
    Selector | AccuracyShape,
    PlainValidator(_accuracy),
    WithJsonSchema({"anyOf": [{"type": "string"}, AccuracyShape.model_json_schema()]}),
]


class MetricsShape(Shape):
    """Metrics of the short form, where they are not the usual ones."""

    requests: SelectorText | None = Field(
        default=None, description="Counter of requests with a label `code`."
    )
    latency: SelectorText | None = Field(
        default=None, description="Histogram or Summary of durations."
    )
    accuracy: AccuracyValue | None = Field(
        default=None, description="Gauge of the accuracy, or {good, total} counters of predictions."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """Durations tell their unit."""
        selector = selector_of(data.get("latency"))
        if selector is not None and unit_of(base_of(selector)) is None:
            yield (
                ("latency",),
                (
                    "has no unit in its name (_seconds, _milliseconds, _microseconds); "
                    "write the SLO in full, with latency and unit"
                ),
            )


class ShortShape(Shape):
    """Objectives over usual metrics."""

    availability: Objective | None = Field(
        default=None, description="Share of requests whose `code` is not 5xx."
    )
    latency: Duration | None = Field(
        default=None, description="Threshold that 99 % of the requests stay under."
    )
    accuracy: Objective | None = Field(default=None, description="Share of correct predictions.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """At least one objective."""
        if not data:
            yield (), "is empty; write availability, latency or accuracy"


@dataclass(frozen=True, slots=True)
class ShortSLO:
    """One SLO of the short form, and the sentence that tells what was filled in."""

    name: str
    objective: Decimal
    indicator: Indicator | FirstOf
    sentence: str


def short_slos(short: ShortShape, metrics: MetricsShape) -> Iterator[ShortSLO]:
    """The SLOs that the short form means, over `metrics` or the usual ones."""
    if short.availability is not None:
        yield _availability(short.availability, metrics.requests or REQUESTS)
    if short.latency is not None:
        names = LATENCIES if metrics.latency is None else (base_of(metrics.latency),)
        yield _latency(short.latency, names)
    if short.accuracy is not None:
        yield _accuracy_slo(short.accuracy, metrics.accuracy)


def base_of(selector: Selector) -> Selector:
    """The metric without the endings that its histogram's or Summary's series have."""
    name = str(selector.name)
    for ending in ("_bucket", "_sum", "_count"):
        name = name.removesuffix(ending)
    return selector.with_name(name)


def _availability(objective: Decimal, requests: Selector) -> ShortSLO:
    failed = requests.with_matchers(_FAILED)
    sentence = f"{format_percent(objective)} of `{requests}`, of which `{failed}` are bad"
    return ShortSLO("availability", objective, Events(requests, bad=failed), sentence)


def _latency(threshold: timedelta, names: tuple[Selector, ...]) -> ShortSLO:
    units = [(name, unit_of(name) or "seconds") for name in names]
    histograms = [Latency(name, threshold, unit=unit) for name, unit in units]
    means = [Mean(name, threshold, unit=unit) for name, unit in units]
    alternatives: tuple[Indicator, ...] = (*histograms, *means)
    metrics = " and ".join(f"`{name}`" for name in names)
    first = f"the first that Prometheus has of {metrics}" if len(names) > 1 else metrics
    sentence = (
        f"{format_percent(OBJECTIVE)} under {format_duration(threshold)} by {first}; "
        "where it is only a Summary, its mean in each slice"
    )
    indicator = FirstOf(alternatives, (None,) * len(alternatives))
    return ShortSLO("latency", OBJECTIVE, indicator, sentence)


def _accuracy_slo(objective: Decimal, metric: Selector | AccuracyShape | None) -> ShortSLO:
    share = format_percent(objective)
    if isinstance(metric, Selector):
        slices = Slices(str(metric), at_least=objective)
        sentence = f"`{metric}` at least {share} in {format_percent(OBJECTIVE)} of slices"
        return ShortSLO("accuracy", OBJECTIVE, slices, sentence)
    good, total = (CORRECT, LABELLED) if metric is None else (metric.good, metric.total)
    events = Events(total, good=good)
    counted = f"{share} of `{total}`, of which `{good}` are good"
    if metric is not None:
        return ShortSLO("accuracy", objective, events, counted)
    slices = Slices(str(ACCURACY), at_least=objective)
    sentence = (
        f"{counted}; where Prometheus has only the gauge `{ACCURACY}`, "
        f"at least {share} in {format_percent(OBJECTIVE)} of slices"
    )
    return ShortSLO("accuracy", objective, FirstOf((events, slices), (None, OBJECTIVE)), sentence)
