from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from slo.config import parse
from slo.domain.indicator import Events, FirstOf, Latency, Mean, Slices
from slo.domain.selector import Matcher, Selector
from slo.domain.window import RollingWindow

SHORT = "SLO:\n  accuracy: 95%\n  latency: 200ms\n  availability: 99.9%\n"
FAILED = Matcher("code", "=~", "5..")


def slos(text, env=None):
    found = parse(text, "slo.yaml", env or {})
    return {slo.id: slo for slo in found.slos}


def test_the_form_that_people_copy_from_articles():
    found = slos(SHORT)
    assert set(found) == {"default/availability", "default/latency", "default/accuracy"}
    assert {slo.window for slo in found.values()} == {RollingWindow(timedelta(days=30))}


def test_availability_counts_the_requests_without_5xx():
    slo = slos(SHORT)["default/availability"]
    requests = Selector("http_requests_total")
    assert slo.objective == Decimal("0.999")
    assert slo.indicator == Events(requests, bad=requests.with_matchers(FAILED))


def test_latency_is_the_first_histogram_there_is_else_the_mean_of_a_summary():
    slo = slos(SHORT)["default/latency"]
    threshold = timedelta(milliseconds=200)
    model = Selector("model_prediction_duration_seconds")
    http = Selector("http_request_duration_seconds")
    assert slo.objective == Decimal("0.99")
    assert slo.indicator == FirstOf(
        (
            Latency(model, threshold),
            Latency(http, threshold),
            Mean(model, threshold),
            Mean(http, threshold),
        ),
        (None, None, None, None),
    )


def test_accuracy_is_counted_else_the_gauge_is_judged_in_slices():
    slo = slos(SHORT)["default/accuracy"]
    assert slo.objective == Decimal("0.95")
    assert slo.indicator == FirstOf(
        (
            Events(
                Selector("predictions_labelled_total"),
                good=Selector("predictions_correct_total"),
            ),
            Slices("model_accuracy", at_least=Decimal("0.95")),
        ),
        (None, Decimal("0.99")),
    )


def test_the_loader_says_what_it_filled_in():
    assert parse(SHORT, "slo.yaml", {}).defaults == (
        "Prometheus is at http://localhost:9090, since the file names none",
        (
            "default/availability is 99.9% of `http_requests_total`, of which "
            '`http_requests_total{code=~"5.."}` are bad, over 30d'
        ),
        (
            "default/latency is 99% under 200ms by the first that Prometheus has of "
            "`model_prediction_duration_seconds` and `http_request_duration_seconds`; "
            "where it is only a Summary, its mean in each slice, over 30d"
        ),
        (
            "default/accuracy is 95% of `predictions_labelled_total`, of which "
            "`predictions_correct_total` are good; where Prometheus has only the gauge "
            "`model_accuracy`, at least 95% in 99% of slices, over 30d"
        ),
    )


def test_prometheus_is_the_one_in_the_environment_and_the_sentence_keeps_it_secret():
    found = parse(SHORT, "slo.yaml", {"PROMETHEUS_URL": "http://hidden:9090"})
    assert found.sources[0].urls == ("http://hidden:9090",)
    assert "hidden" not in found.defaults[0]


def test_inside_a_service_it_takes_the_service_s_defaults():
    text = """\
services:
  chat:
    owner: assistants
    window: 7d
    labels: {team: a}
    SLO: {availability: 99%}
    slos:
      other: {objective: 98%, events: {bad: b, total: t}}
"""
    found = slos(text)
    assert set(found) == {"chat/availability", "chat/other"}
    slo = found["chat/availability"]
    assert (slo.owner, slo.labels) == ("assistants", (("team", "a"),))
    assert slo.window == RollingWindow(timedelta(days=7))


def test_metrics_names_others():
    text = """\
services:
  chat:
    SLO: {accuracy: 90%, latency: 1s, availability: 99%}
    metrics:
      requests: 'requests_total{job="chat"}'
      latency: 'answer_milliseconds_bucket{job="chat"}'
      accuracy: {good: ok_total, total: rated_total}
"""
    found = slos(text)
    chat = Matcher("job", "=", "chat")
    requests = Selector("requests_total", (chat,))
    answers = Selector("answer_milliseconds", (chat,))
    assert found["chat/availability"].indicator == Events(
        requests, bad=requests.with_matchers(FAILED)
    )
    assert found["chat/latency"].indicator == FirstOf(
        (
            Latency(answers, timedelta(seconds=1), "milliseconds"),
            Mean(answers, timedelta(seconds=1), "milliseconds"),
        ),
        (None, None),
    )
    assert found["chat/accuracy"].indicator == Events(
        Selector("rated_total"), good=Selector("ok_total")
    )
    assert found["chat/accuracy"].objective == Decimal("0.9")


def test_a_named_gauge_is_judged_in_slices():
    text = "SLO: {accuracy: 90%}\nmetrics: {accuracy: 'precision{model=\"a\"}'}\n"
    slo = slos(text)["default/accuracy"]
    assert slo.objective == Decimal("0.99")
    assert slo.indicator == Slices('precision{model="a"}', at_least=Decimal("0.9"))
