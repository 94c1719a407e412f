"""A Prometheus with three days of known counters, and a project folder to run commands in."""

from __future__ import annotations

import time
import urllib.request
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from slo.cli import main
from slo.demo.processes import free_port
from tests.support.prometheus_server import OpenMetrics, PrometheusServer

EVERY = 30
DAYS = 3
LABELS = 'job="api",instance="a:1"'

API = """\
  api:
    owner: web
    slos:
      availability:
        objective: 99.5%
        window: 7d
        events:
          bad: 'http_requests_total{job="api",code=~"5.."}'
          total: 'http_requests_total{job="api"}'
      latency:
        objective: 80%
        latency: {histogram: 'http_request_duration_seconds{job="api"}', threshold: 200ms}
      quality:
        objective: 95%
        slices: {query: 'model_accuracy{job="api"}', at_least: 0.95}
"""


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """A Prometheus: `url`, the loaded instants `times`, and `bad(t)` and `good(t)` up to each."""
    end = int(time.time()) - 5
    start = (end - DAYS * 86_400) // EVERY * EVERY
    times = range(start, end, EVERY)
    om = OpenMetrics()
    om.add(f"up{{{LABELS}}}", ((t, 1) for t in times))
    om.add(f'http_requests_total{{code="200",{LABELS}}}', ((t, good(t, start)) for t in times))
    om.add(f'http_requests_total{{code="500",{LABELS}}}', ((t, bad(t, start)) for t in times))
    for bound, each in (("0.1", 5), ("0.2", 8), ("0.5", 9), ("+Inf", 10)):
        om.add(
            f'http_request_duration_seconds_bucket{{le="{bound}",{LABELS}}}',
            ((t, each * (t - start) // EVERY) for t in times),
        )
    om.add(f"model_accuracy{{{LABELS}}}", ((t, 0.97) for t in times))
    port = free_port()
    itself = f"- job_name: self\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]"
    folder = tmp_path_factory.mktemp("prometheus")
    with PrometheusServer(
        folder, openmetrics=om, scrape_configs=itself, scrape_interval="1s", port=port
    ) as server:
        wait_for_metadata(server.url)
        yield SimpleNamespace(
            url=server.url,
            start=start,
            end=times[-1],
            good=lambda t: good(min(t, times[-1]), start),
            bad=lambda t: bad(min(t, times[-1]), start),
        )


def good(t, start):
    return 10 * ((t - start) // EVERY)


def bad(t, start):
    return (t - start) // EVERY // 20


def wait_for_metadata(url):
    for _ in range(100):
        with urllib.request.urlopen(f"{url}/api/v1/metadata?metric=go_goroutines") as answer:
            if b"gauge" in answer.read():
                return
        time.sleep(0.1)
    raise AssertionError("Prometheus did not scrape itself")


class Project:
    """A folder with a slo.yaml; `run` runs a command on it."""

    def __init__(self, folder, url):
        self.folder = folder
        self.config = folder / "slo.yaml"
        self.url = url
        self.write(API)

    def write(self, services, more=""):
        self.config.write_text(
            f"prometheus: {{url: '{self.url}', timeout: 5s}}\n"
            f"database: {{url: 'sqlite:///{self.folder}/slo.db'}}\n"
            f"services:\n{services}{more}"
        )

    def run(self, *args, code=0, env=None):
        env = {"SLO_CONFIG": str(self.config), **(env or {})}
        result = CliRunner().invoke(main, [str(a) for a in args], env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def project(tmp_path, loaded):
    """A project on the loaded Prometheus, without a database."""
    return Project(tmp_path, loaded.url)


@pytest.fixture
def offline(tmp_path):
    """A project whose Prometheus does not answer."""
    return Project(tmp_path, f"http://127.0.0.1:{free_port()}")


@pytest.fixture(scope="session")
def booked(tmp_path_factory, loaded):
    """A project whose ledgers reach from half a day after the data's start to half an hour ago.

    Only to be read; `start` and `end` are the ledgers' edges.
    """
    made = Project(tmp_path_factory.mktemp("booked"), loaded.url)
    start, end = loaded.start // 60 * 60 + 43_200, loaded.end // 60 * 60 - 1800
    made.run("backfill", "--from", start, "--to", end)
    made.start, made.end = start, end
    return made
