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
from tests.support.prometheus_server import TOOLS

ROOT = Path(__file__).parents[2]
PATIENCE = 90
"""Seconds; on an idle machine a third of it is enough."""


@pytest.fixture
def demo(tmp_path):
    """A running demo with one day of history and the errors on; gives its ports' base."""
    port = free_port(22_000)
    ports = [f"--port={port}", f"--prometheus-port={port + 1}", f"--model-port={port + 2}"]
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
            url = wait_for(process, lambda: url_in(tmp_path / "out.txt"))
            yield process, url, folder
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)


def wait_for(process, ask):
    deadline = time.monotonic() + PATIENCE
    while not (answer := ask()):
        assert process.poll() is None, "the demo has ended"
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.25)
    return answer


def url_in(out):
    lines = [line for line in out.read_text().splitlines() if line.startswith("SLO Ledger")]
    return lines[0].split()[-1] if lines else None


def slos_at(url):
    with urllib.request.urlopen(f"{url}/api/v1/slos", timeout=10) as answer:
        return {slo["name"]: slo for slo in json.load(answer)["slos"]}


def test_the_page_fills_with_history_and_moves_live_as_the_fault_burns(demo):
    process, url, folder = demo

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
    with urllib.request.urlopen(url, timeout=10) as page:
        assert "fraud-model" in page.read().decode()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert not (folder / "children.json").exists()
