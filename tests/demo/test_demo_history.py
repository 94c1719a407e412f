from __future__ import annotations

import json
import threading
import time
import urllib.parse
import urllib.request
from itertools import pairwise

import pytest

from slo.demo.history import INSTANCE, JOB, write_history
from slo.demo.model import FraudModel, make_server
from slo.demo.traffic import DAY
from tests.support.prometheus_server import PrometheusServer

MIDNIGHT = 1_795_132_800
END = MIDNIGHT + 17 * 3600 + 123


def query(server, expression, at=None):
    parameters = {"query": expression} | ({} if at is None else {"time": at})
    url = f"{server.url}/api/v1/query?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def counted(server, selector, history):
    """All events of the counters, from raw samples: rises, and what stands after each reset."""
    length = history.last - history.first + 60
    total = 0.0
    for series in query(server, f"{selector}[{length}s]", at=history.last):
        before = 0.0
        for _, text in series["values"]:
            value = float(text)
            total += value - before if value >= before else value
            before = value
    return round(total)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A Prometheus with the 30 days, and what the generator says is in them."""
    folder = tmp_path_factory.mktemp("history")
    text = folder / "history.om"
    history = write_history(text, end=END, days=30, seed=1)
    with PrometheusServer(folder / "prometheus", openmetrics=text.read_text()) as server:
        yield server, history


def test_the_sums_in_prometheus_are_those_of_the_generator(loaded):
    server, history = loaded
    assert counted(server, "inference_requests_total", history) == history.requests
    assert counted(server, 'inference_requests_total{code=~"5.."}', history) == history.errors
    fast = counted(server, 'inference_seconds_bucket{le="0.2"}', history)
    assert counted(server, "inference_seconds_count", history) - fast == history.slow
    assert counted(server, "predictions_labelled_total", history) == history.labelled
    assert counted(server, "predictions_correct_total", history) == history.correct


def test_the_history_has_resets_that_the_process_start_tells(loaded):
    server, history = loaded
    window = f"{history.last - history.first + 60}s"
    (starts,) = query(server, f"changes(process_start_time_seconds[{window}])", at=history.last)
    (resets,) = query(server, f"resets(inference_seconds_count[{window}])", at=history.last)
    # Four deploys and the replaced node.
    assert starts["value"][1] == resets["value"][1] == "5"


def test_the_target_was_down_while_its_node_was_replaced(loaded):
    server, history = loaded
    (down,) = query(
        server, f"sum_over_time((up == bool 0)[{history.last - history.first}s:60s])", history.last
    )
    assert down["value"][1] == "12"


def test_the_histogram_is_cumulative_and_ends_in_its_count(loaded):
    server, history = loaded
    buckets = {
        r["metric"]["le"]: float(r["value"][1])
        for r in query(server, "inference_seconds_bucket", at=history.last)
    }
    assert sorted(buckets, key=float) == ["0.05", "0.1", "0.2", "0.5", "1.0", "+Inf"]
    values = [buckets[bound] for bound in sorted(buckets, key=float)]
    assert values == sorted(values)
    (count,) = query(server, "inference_seconds_count", at=history.last)
    assert values[-1] == float(count["value"][1])


@pytest.mark.parametrize("hour", [0.5, 12])
def test_the_budgets_look_alive_at_any_hour(tmp_path, hour):
    end = round(MIDNIGHT + hour * 3600)
    history = write_history(tmp_path / "h.om", end=end, days=30, seed=1)
    availability = 1 - history.errors / history.requests / 0.001
    latency = 1 - history.slow / history.requests / 0.01
    accuracy = 1 - (1 - history.correct / history.labelled) / 0.05
    assert 0.3 < availability < 0.7  # healthy
    assert 0.12 < latency < 0.24  # caution
    assert accuracy < -0.05  # exhausted


def test_the_same_seed_writes_the_same_history(tmp_path):
    def written(seed):
        path = tmp_path / "h.om"
        write_history(path, end=END, days=1, seed=seed)
        return path.read_text()

    assert written(1) == written(1)
    assert written(1) != written(2)


def label_sets(server, at):
    """The series at one instant that a scrape of the model gives, without Prometheus's own."""
    result = query(server, f'{{job="{JOB}",__name__!~"scrape_.*"}}', at=at)
    return {json.dumps(r["metric"], sort_keys=True) for r in result}


def test_live_scrapes_go_on_where_the_history_ends(tmp_path, monkeypatch):
    # As the demo starts it; without them the live process has no series that the history has not.
    monkeypatch.setattr("prometheus_client.metrics._use_created", False)
    text = tmp_path / "history.om"
    history = write_history(text, end=int(time.time()), days=1, seed=1)
    model = FraudModel(1, time.time())
    model.step(time.time(), 5.0)
    service = make_server(model, 0)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    jobs = f"""
      - job_name: {JOB}
        static_configs:
          - targets: ["127.0.0.1:{service.server_address[1]}"]
            labels: {{instance: {INSTANCE}}}
    """
    try:
        with PrometheusServer(
            tmp_path / "prometheus",
            scrape_configs=jobs,
            scrape_interval="1s",
            openmetrics=text.read_text(),
        ) as server:
            deadline = time.monotonic() + 20
            while not (scraped := query(server, "max_over_time(scrape_samples_scraped[1m])")):
                assert time.monotonic() < deadline, server.log
                time.sleep(0.1)
            assert int(scraped[0]["value"][1]) > 10
            now = time.time()
            assert label_sets(server, now) == label_sets(server, history.last)
            (series,) = query(server, f"inference_seconds_count[{DAY}s]", at=now)
            times = [at for at, _ in series["values"]]
            # The gap at the seam is one of minutes, not of hours.
            assert max(b - a for a, b in pairwise(times)) < 180
            assert float(series["values"][-1][1]) < 1000
    finally:
        service.shutdown()
        service.server_close()
        thread.join()
