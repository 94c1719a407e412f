from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from slo.demo.model import FraudModel, make_server, parse_faults
from slo.demo.traffic import BOUNDS, rate

NOON = 1_795_176_000.0


def value(model, name, **labels):
    return model.registry.get_sample_value(name, {"model": "fraud", **labels})


def run_minute(faults=""):
    """The model after one minute under these faults."""
    model = FraudModel(1, NOON, parse_faults(faults))
    for second in range(60):
        model.step(NOON + second, 1.0)
    return model


def share_of_errors(model):
    codes = {
        c: value(model, "inference_requests_total", code=c) for c in ("200", "400", "500", "503")
    }
    return (codes["500"] + codes["503"]) / sum(codes.values())


def share_of_slow(model):
    fast = value(model, "inference_seconds_bucket", le="0.2")
    return 1 - fast / value(model, "inference_seconds_count")


def share_of_correct(model):
    correct = value(model, "predictions_correct_total")
    return correct / value(model, "predictions_labelled_total")


def test_a_healthy_model_meets_its_objectives():
    model = run_minute()
    assert share_of_errors(model) < 0.005
    assert share_of_slow(model) < 0.02
    assert share_of_correct(model) > 0.93
    assert value(model, "model_accuracy") > 0.93
    assert value(model, "feature_data_timestamp_seconds") == NOON


def test_traffic_is_between_twenty_and_fifty_requests_a_second():
    rates = [rate(NOON + 600 * i) for i in range(144)]
    assert 20 <= min(rates) < 21
    assert 49 < max(rates) <= 50
    assert value(run_minute(), "inference_seconds_count") == pytest.approx(60 * rate(NOON), rel=0.1)


def test_every_request_is_in_each_metric():
    model = run_minute()
    total = value(model, "inference_seconds_count")
    assert value(model, "model_prediction_duration_seconds_count") == total
    assert value(model, "inference_seconds_bucket", le="+Inf") == total
    assert (
        sum(value(model, "inference_requests_total", code=c) for c in ("200", "400", "500", "503"))
        == total
    )
    mean = value(model, "model_prediction_duration_seconds_sum") / total
    assert 0.03 < mean < 0.1
    assert 0.2 in BOUNDS


def test_errors_raise_the_share_of_errors_only():
    model = run_minute("errors")
    assert share_of_errors(model) == pytest.approx(0.6, abs=0.05)
    assert share_of_slow(model) < 0.02


def test_latency_raises_the_share_of_slow_requests_and_the_mean():
    model = run_minute("latency")
    assert share_of_slow(model) == pytest.approx(0.7, abs=0.05)
    assert share_of_errors(model) < 0.005
    total = value(model, "model_prediction_duration_seconds_count")
    assert value(model, "model_prediction_duration_seconds_sum") / total > 0.1


def test_accuracy_lowers_the_counters_and_the_gauge():
    model = run_minute("accuracy")
    assert share_of_correct(model) == pytest.approx(0.6, abs=0.08)
    assert value(model, "model_accuracy") < 0.75


def test_an_outage_serves_no_request_and_refreshes_nothing():
    model = FraudModel(1, NOON)
    model.faults = parse_faults("outage")
    model.step(NOON + 600, 60.0)
    assert value(model, "inference_seconds_count") == 0
    assert value(model, "feature_data_timestamp_seconds") == NOON


def test_the_same_seed_gives_the_same_traffic():
    first, second = run_minute("latency"), run_minute("latency")
    for name in ("inference_seconds_sum", "predictions_correct_total", "model_accuracy"):
        assert value(first, name) == value(second, name)


def test_faults_are_parsed_as_words():
    assert parse_faults(" errors, latency ,") == {"errors", "latency"}
    assert parse_faults("") == frozenset()
    with pytest.raises(ValueError, match="no such fault: eror; there are errors, latency"):
        parse_faults("eror")


@contextmanager
def serving(model):
    server = make_server(model, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fetch(url, **more):
    with urllib.request.urlopen(urllib.request.Request(url, **more), timeout=5) as answer:
        return answer.read().decode()


def test_faults_are_switched_over_http():
    with serving(FraudModel(1, time.time())) as url:
        assert fetch(f"{url}/faults") == "\n"
        assert fetch(f"{url}/faults", data=b"latency,errors", method="PUT") == "errors,latency\n"
        assert fetch(f"{url}/faults") == "errors,latency\n"
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(f"{url}/faults", data=b"nonsense", method="PUT")
        assert refused.value.code == 400
        assert b"no such fault: nonsense" in refused.value.read()
        refused.value.close()
        assert fetch(f"{url}/faults", data=b"", method="PUT") == "\n"


def test_metrics_are_not_answered_during_an_outage():
    with serving(FraudModel(1, time.time())) as url:
        assert "inference_requests_total" in fetch(f"{url}/metrics")
        fetch(f"{url}/faults", data=b"outage", method="PUT")
        with pytest.raises(OSError, match="closed connection"):
            fetch(f"{url}/metrics")
        fetch(f"{url}/faults", data=b"", method="PUT")
        assert "inference_requests_total" in fetch(f"{url}/metrics")
