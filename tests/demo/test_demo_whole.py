"""The demo as a user starts it: `slo demo`, with the real `slo serve`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from slo.demo.processes import free_port
from slo.demo.runner import switch_faults
from tests.support.prometheus_server import TOOLS

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds; on an idle machine a third of it is enough."""


@pytest.fixture
def demo(tmp_path):
    """A running demo with one day of history and the errors on; gives its ports' base."""
    port = free_port(22_000)
    names = ("port", "prometheus-port", "model-port", "sink-port")
    ports = [f"--{name}={port + number}" for number, name in enumerate(names)]
    folder = tmp_path / "demo"
    options = [f"--folder={folder}", "--days=1", "--fault=errors", *ports]
    with (tmp_path / "out.txt").open("w+") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "slo.cli", "demo", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=os.environ | {"PATH": f"{os.environ['PATH']}:{TOOLS / 'usr' / 'bin'}"},
        )
        try:
            said = tmp_path / "out.txt"
            url = wait_for(process, lambda: url_in(said, "SLO Ledger"))
            yield process, url, folder, said
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)


def wait_for(process, ask, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not (answer := ask()):
        assert process.poll() is None, "the demo has ended"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.25)
    return answer


def url_in(out, start):
    """The last word of the line that begins so, or that tells so of a page."""
    lines = [
        line
        for line in out.read_text().splitlines()
        if line.startswith(start) or line[9:].startswith(start)
    ]
    return lines[0].split()[-1] if lines else None


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def slos_at(url):
    return {slo["name"]: slo for slo in json.loads(get(f"{url}/api/v1/slos"))["slos"]}


def test_a_fault_burns_pages_resolves_and_leaves_a_postmortem(demo):
    process, url, folder, said = demo

    def filled_and_burning():
        slos = slos_at(url)
        if len(slos) < 6 or not all(slo["events"]["total"] for slo in slos.values()):
            return None
        availability = slos["availability"]
        # A day is about three million requests; the healthy history burns at 0.2.
        full = availability["events"]["total"] > 2_500_000
        return slos if full and (availability["burn_rates"]["5m"] or 0) > 2 else None

    slos = wait_for(process, filled_and_burning)
    assert slos["latency"]["state"] == "healthy"
    assert slos["availability"]["events"]["bad"] > slos["availability"]["events"]["total"] * 0.0001
    assert "fraud-model" in get(url)

    incident = wait_for(process, lambda: url_in(said, "PAGE   incident opened"), patience=120)
    assert incident.startswith(f"{url}/incidents/")
    assert "fraud-model/availability burns" in get(incident)

    model = url_in(said, "the model").removesuffix("/metrics")
    switch_faults(model, frozenset())
    # The alert's short window must run out, and stay calm for its own length.
    draft = wait_for(process, lambda: url_in(said, "PAGE   incident resolved"), patience=300)
    assert draft.startswith(f"{url}/postmortems/")
    assert "fraud-model/availability" in get(draft)
    told = [line for line in said.read_text().splitlines() if line[9:].startswith("PAGE")]
    assert len(told) == 2

    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert not (folder / "children.json").exists()
