from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.selector import Matcher, Selector
from slo.domain.wording import LONGEST, indicator_text, metric_words

MS200 = timedelta(milliseconds=200)
TOTAL = Selector("inference_requests_total")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("inference_requests_total", "inference requests"),
        ("http_request_duration_seconds", "http request duration"),
        ("http_request_duration_seconds_bucket", "http request duration"),
        ("vllm:request_success_total", "vllm request success"),
        ("job:http_requests:rate5m", "http requests"),
        ("total", "total"),
        ("_total", "_total"),
        (None, "events"),
    ],
)
def test_a_metrics_name_tells_what_it_counts(metric, words):
    assert metric_words(metric) == words


@pytest.mark.parametrize(
    ("indicator", "text"),
    [
        (
            Events(TOTAL, bad=TOTAL.with_matchers(Matcher("code", "=~", "5.."))),
            "inference requests",
        ),
        (
            Events(Selector("labelled_total"), good=Selector("correct_total")),
            "correct of labelled",
        ),
        (Events(TOTAL, bad=Selector("errors_total")), "inference requests without errors"),
        (Latency(Selector("inference_seconds"), MS200), "inference faster than 200 ms"),
        (
            Mean(Selector("model_prediction_duration_seconds"), MS200),
            "mean model prediction duration at most 200 ms, per minute",
        ),
        (
            Slices("model_accuracy", at_least=Decimal("0.95")),
            "model_accuracy at least 0.95, per minute",
        ),
        (Slices("queue\n  > 1", at_most=Decimal(5)), "queue > 1 at most 5, per minute"),
        (Freshness("data_time", timedelta(minutes=15)), "newest data at most 15m old"),
        (Query("sum(rate(a[$window]))", good="b"), "estimated: sum(rate(a[$window]))"),
    ],
)
def test_what_is_counted_in_words(indicator, text):
    assert indicator_text(indicator) == text


def test_slices_tell_their_length():
    slices = Slices("accuracy", at_least=Decimal("0.9"))
    assert indicator_text(slices, 300).endswith("per 5 min")
    assert indicator_text(slices, 90).endswith("per 90 s")


@pytest.mark.parametrize(
    "indicator",
    [
        Slices("avg_over_time(" * 20, at_least=Decimal("0.95")),
        Latency(Selector("a_very_long_name_" * 9), MS200),
        Query("sum(rate(a[$window]))" * 9, good="b"),
        Events(Selector("x" * 200)),
    ],
)
def test_long_names_are_cut_and_the_bound_stays(indicator):
    text = indicator_text(indicator)
    assert len(text) == LONGEST
    assert "…" in text
    if indicator.kind == "slices":
        assert text.endswith("… at least 0.95, per minute")
