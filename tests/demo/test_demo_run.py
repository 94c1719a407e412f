from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slo.demo import DemoOptions, run
from slo.demo.folder import DemoFolder, FolderError
from slo.demo.processes import free_port, started_at
from tests.support.prometheus_server import TOOLS

ROOT = Path(__file__).parents[2]

# The demo as the command runs it, but with a web server of a few lines in place of `slo serve`.
DEMO = """
import sys
from pathlib import Path
from slo.demo import DemoOptions, run, runner
from slo.demo.processes import Child

SERVE = '''
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("a reason", flush=True)
            sys.stderr.flush()
            import os; os._exit(7)
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''

def serve(folder, port):
    return Child("SLO Ledger", [sys.executable, "-c", SERVE, str(port)], folder.logs / "slo.log")

runner._serve = serve
folder, port, fault = sys.argv[1:]
port = int(port)
ports = {"port": port, "prometheus_port": port + 1, "model_port": port + 2, "sink_port": port + 3}
sys.exit(run(DemoOptions(Path(folder), fault or None, days=1, **ports)))
"""

# Gives the demo a terminal of its own, and passes on what is written to our end.
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


class Running:
    """A running demo and what it has said."""

    def __init__(self, folder, port, fault="", *, terminal=False):
        self.folder = folder
        wrapper = [sys.executable, "-c", TERMINAL] if terminal else []
        path = f"{os.environ['PATH']}:{TOOLS / 'usr' / 'bin'}"
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, "-c", DEMO, str(folder), str(port), fault],
            stdin=subprocess.PIPE if terminal else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PATH": path},
        )
        self.lines = []

    def until(self, part):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if part in line:
                return line.strip()
        pytest.fail(f"{part!r} was not said:\n" + "\n".join(self.lines))

    def url(self, name):
        return self.until(name).split()[-1]

    def children(self):
        return [
            (pid, began)
            for _, pid, began in json.loads((self.folder / "children.json").read_text())
        ]

    def press(self, key):
        self.process.stdin.write(key)
        self.process.stdin.flush()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        self.lines += rest.splitlines()
        return self.process.returncode

    @property
    def said(self):
        return "\n".join(self.lines)


@contextmanager
def demo(folder, port=None, fault="", *, terminal=False):
    running = Running(folder, port or free_port(20_000), fault, terminal=terminal)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()
        running.process.stdout.close()
        if running.process.stdin:
            running.process.stdin.close()


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def value(prometheus, expression):
    result = json.loads(get(f"{prometheus}/api/v1/query?query={expression}"))["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def test_it_shows_a_scraped_service_with_history_and_ends_all_it_started(tmp_path):
    with demo(tmp_path / "demo", fault="errors") as running:
        prometheus = running.url("Prometheus   ")
        model = running.url("the model").removesuffix("/metrics")
        page = running.url("SLO Ledger")
        assert running.until("Fault") == "Fault: errors"
        assert str(tmp_path / "demo") in running.lines[0]
        get(page)
        assert get(f"{model}/faults") == "errors\n"
        assert value(prometheus, "count_over_time(inference_seconds_count[1d])") > 1400
        config = (tmp_path / "demo" / "slo.yaml").read_text()
        assert prometheus in config
        assert str(tmp_path / "demo" / "slo.db") in config
        children = running.children()
        assert len(children) == 3
        assert running.end() == 0
        assert [started_at(pid) for pid, _ in children] == [None] * 3
        assert f"Its data stays in {tmp_path / 'demo'}" in running.said
        assert not (tmp_path / "demo" / "children.json").exists()


def test_keys_switch_faults_and_ctrl_c_ends_it(tmp_path):
    with demo(tmp_path, terminal=True) as running:
        model = running.url("the model").removesuffix("/metrics")
        running.until("Keys: e errors")
        for key, faults in (
            ("e", "errors"),
            ("L", "errors, latency"),
            ("e", "latency"),
            ("h", "none"),
            ("o", "outage"),
            ("a", "accuracy, outage"),
        ):
            running.press(key)
            assert running.until("Fault: ") == f"Fault: {faults}"
        assert get(f"{model}/faults") == "accuracy,outage\n"
        children = running.children()
        running.press("\x03")
        running.until("All that the demo started has ended")
        assert running.process.wait(timeout=30) == 0
        assert [started_at(pid) for pid, _ in children] == [None] * 3


def test_a_second_start_on_the_same_day_goes_on_with_its_data(tmp_path):
    day = datetime.now(UTC).date()
    with demo(tmp_path) as running:
        running.until("SLO Ledger")
        assert running.end(signal.SIGINT) == 0
        assert "Writing 1 day of history" in running.said
    (tmp_path / "slo.db").write_text("the ledger")
    with demo(tmp_path) as running:
        running.until("SLO Ledger")
        same_day = datetime.now(UTC).date() == day  # Not when midnight fell into this test.
        assert ("Going on with today's history" in running.said) == same_day
    assert (tmp_path / "slo.db").exists() == same_day


def test_data_of_another_day_is_made_anew_and_other_files_stay(tmp_path):
    with DemoFolder(tmp_path) as folder:
        folder.mark_complete(days=30, seed=1)
        assert folder.reusable(days=30, seed=1)
        assert not folder.reusable(days=30, seed=2)
        marker = tmp_path / ".slo-demo"
        marker.write_text(json.dumps(json.loads(marker.read_text()) | {"made": "2020-01-01"}))
        assert not folder.reusable(days=30, seed=1)
        for name in ("slo.db", "slo.db-wal", "notes.txt"):
            (tmp_path / name).write_text("")
        (tmp_path / "prometheus" / "data").mkdir(parents=True)
        folder.clear()
    assert {p.name for p in tmp_path.iterdir()} == {".slo-demo", "notes.txt"}


def test_a_torn_marker_means_that_nothing_is_complete(tmp_path):
    (tmp_path / ".slo-demo").write_text('{"form')
    with DemoFolder(tmp_path) as folder:
        assert not folder.reusable(days=30, seed=1)


def test_a_folder_with_other_things_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("mine")
    assert run(DemoOptions(folder=tmp_path)) == 1
    assert "holds things that no demo put there" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_in_use_is_refused(tmp_path):
    with DemoFolder(tmp_path), pytest.raises(FolderError, match="a demo is running in"):
        DemoFolder(tmp_path).__enter__()
    with DemoFolder(tmp_path):
        pass


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "demo").write_text("")
    with pytest.raises(FolderError, match="is not a folder"):
        DemoFolder(tmp_path / "demo").__enter__()


def test_signals_are_given_back_after_a_refusal(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    (tmp_path / "x").write_text("")
    run(DemoOptions(folder=tmp_path))
    assert signal.getsignal(signal.SIGTERM) is before


def test_taken_ports_are_told_and_passed_over(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port(21_000)))
        taken.listen()
        port = taken.getsockname()[1]
        with demo(tmp_path, port) as running:
            url = running.url("SLO Ledger")
            assert f"Port {port} is taken; the page uses" in running.said
            assert int(url.rpartition(":")[2]) > port


def test_a_child_that_dies_is_named_and_the_rest_is_stopped(tmp_path):
    with demo(tmp_path) as running:
        page = running.url("SLO Ledger")
        children = running.children()
        with pytest.raises(OSError, match="closed connection"):
            get(f"{page}/die")
        rest, _ = running.process.communicate(timeout=30)
        assert running.process.returncode == 1
        assert "SLO Ledger ended with code 7" in rest
        assert "a reason" in rest
        assert [started_at(pid) for pid, _ in children] == [None] * 3


def test_after_a_kill_the_next_start_ends_what_was_left(tmp_path):
    with demo(tmp_path) as running:
        running.until("SLO Ledger")
        children = running.children()
        running.process.kill()
        running.process.wait()
    assert [started_at(pid) for pid, _ in children] == [began for _, began in children]
    with demo(tmp_path) as running:
        running.until("SLO Ledger")
        assert "Prometheus was still running here" in running.said
        assert [started_at(pid) for pid, _ in children] == [None] * 3


def test_it_can_be_ended_while_it_starts(tmp_path):
    with demo(tmp_path) as running:
        running.until("Writing")
        time.sleep(0.05)
        assert running.end(signal.SIGINT) == 0
        assert "Ending." in running.said
