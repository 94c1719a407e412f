from __future__ import annotations

import os
import socket
import sys
import time
import urllib.request

import pytest

from slo.demo.processes import (
    Child,
    ProcessError,
    end_leftover,
    free_port,
    started_at,
    wait_until_answers,
)
from tests.support.prometheus_server import OpenMetrics, PrometheusServer
from tests.support.waiting import wait_until

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("on", flush=True)
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def python(tmp_path, code, name="the child"):
    return Child(name, [sys.executable, "-c", code], tmp_path / "logs" / "child.log")


def test_a_child_lives_in_a_process_group_of_its_own(tmp_path):
    child = python(tmp_path, "import time; time.sleep(60)")
    child.start()
    try:
        assert child.alive
        assert os.getpgid(child.pid) == child.pid != os.getpgrp()
    finally:
        child.stop()
    assert not child.alive


def test_stopping_ends_what_the_child_started_too(tmp_path):
    child = python(tmp_path, PARENT)
    child.start()
    wait_until(lambda: child.log.read_text().strip())
    grandchild = int(child.log.read_text())
    assert started_at(grandchild) is not None
    child.stop()
    wait_until(lambda: started_at(grandchild) is None)


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path):
    child = python(tmp_path, STUBBORN)
    child.start()
    wait_until(lambda: "on" in child.log.read_text())
    before = time.monotonic()
    child.stop(grace=0.3)
    assert 0.3 <= time.monotonic() - before < 5
    assert not child.alive


def test_stopping_twice_or_before_the_start_does_nothing(tmp_path):
    child = python(tmp_path, "pass")
    child.stop()
    child.start()
    child.stop()
    child.stop()
    assert child.pid is None


def test_a_child_that_ended_is_named_with_the_end_of_its_log(tmp_path):
    child = python(tmp_path, "print('reason'); raise SystemExit(3)", name="Prometheus")
    child.start()
    wait_until(lambda: not child.alive)
    with pytest.raises(
        ProcessError, match=r"Prometheus ended with code 3(.|\n)*child.log(.|\n)*reason"
    ):
        child.ensure_alive()
    child.stop()


def test_a_program_that_is_not_there_is_named(tmp_path):
    child = Child("Prometheus", [str(tmp_path / "none")], tmp_path / "log")
    with pytest.raises(ProcessError, match="Prometheus could not be started"):
        child.start()


def test_waiting_for_a_child_that_never_answers_ends(tmp_path):
    child = python(tmp_path, "import time; print('busy', flush=True); time.sleep(60)")
    child.start()
    try:
        with pytest.raises(ProcessError, match=r"the child did not answer at http(.|\n)*busy"):
            wait_until_answers(child, f"http://127.0.0.1:{free_port()}/", timeout=0.3)
    finally:
        child.stop()


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port
    assert free_port(port) == port
    assert free_port(port, apart_from=frozenset({port})) > port


def test_a_leftover_is_ended_only_if_it_is_the_same_process(tmp_path):
    child = python(tmp_path, "import time; time.sleep(60)")
    child.start()
    try:
        began = started_at(child.pid)
        assert not end_leftover(child.pid, began + 1)
        assert child.alive
        assert end_leftover(child.pid, began)
        assert not child.alive
        assert not end_leftover(child.pid, began)
    finally:
        child.stop()


def test_a_prometheus_keeps_its_samples_over_kill_and_pause(tmp_path):
    now = time.time() // 60 * 60
    samples = OpenMetrics().add('c_total{job="a"}', [(now - 600 + 60 * i, i) for i in range(10)])
    with PrometheusServer(tmp_path, openmetrics=samples) as server:
        ready = f"{server.url}/api/v1/query?query=c_total&time={now}"

        def answer(timeout=20.0):
            with urllib.request.urlopen(ready, timeout=timeout) as response:
                return response.read()

        assert b'"9"' in answer()
        server.kill()
        with pytest.raises(OSError, match="refused"):
            answer()
        server.restart()
        assert b'"9"' in answer()
        server.pause()
        with pytest.raises(TimeoutError):
            answer(timeout=0.5)
        server.resume()
        assert b'"9"' in answer()
        pid = server._server.child.pid
    assert started_at(pid) is None


def test_loading_refuses_what_promtool_cannot_read(tmp_path):
    with pytest.raises(ProcessError, match="promtool could not load"):
        PrometheusServer(tmp_path, openmetrics="this is no OpenMetrics\n")


def test_a_wrong_flag_is_told_from_the_log(tmp_path):
    server = PrometheusServer(tmp_path, flags=["--no-such-flag"])
    with pytest.raises(ProcessError, match="no-such-flag"):
        server.start()
