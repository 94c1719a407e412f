"""The site's HTTP server: it answers until it is told to end, and leaves nothing open."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from waitress.task import ThreadedTaskDispatcher

from slo.scheduler.web_server import WebServer

TOP = Path(__file__).parents[2]
PATIENCE = 20


@pytest.fixture
def app():
    found = Flask("app")
    found.add_url_rule("/", view_func=lambda: "fine")
    return found


def asked(port):
    """A connection that got an answer and stays open."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"fine"
    except BaseException:
        connection.close()
        raise
    return connection


def files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_answers_until_it_is_told_to_end_and_leaves_no_file_open(app, host):
    before = files()
    server = WebServer(app, host, 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    with closing(asked(server.port)), closing(asked(server.port)):
        server.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    server.end()
    server.close()
    assert files() == before


def test_told_to_end_before_it_runs_it_does_not_answer(app):
    before = files()
    server = WebServer(app, "127.0.0.1", 0)
    server.end()
    server.run()
    assert files() == before


def test_an_answer_that_outlasts_the_end_finds_its_pipe(app, monkeypatch):
    """A closed one's number may be the database's by then, and be written to."""
    patience = ThreadedTaskDispatcher.shutdown
    monkeypatch.setattr(
        ThreadedTaskDispatcher, "shutdown", lambda self: patience(self, timeout=0.01)
    )
    begun, may_end = threading.Event(), threading.Event()

    def slow():
        begun.set()
        may_end.wait(PATIENCE)
        return "fine"

    app.add_url_rule("/slow", view_func=slow)
    server = WebServer(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", "/slow")
        assert begun.wait(PATIENCE)
        server.end()
        thread.join(PATIENCE)
        may_end.set()
        assert connection.getresponse().read() == b"fine"
    monkeypatch.undo()
    server.close()


SERVED = """
import signal
from flask import Flask
from slo.scheduler.web_server import WebServer
app = Flask("app")
app.add_url_rule("/", view_func=lambda: "fine")
signal.signal(signal.SIGTERM, lambda *_: server.end())
for _ in range(6):
    server = WebServer(app, "127.0.0.1", 0)
    print(server.port, flush=True)
    server.run()
"""


def test_a_signal_at_any_moment_leaves_no_connection_behind():
    """It may come while a connection is being made, or is being let go."""
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOP)},
    )
    for turn, line in enumerate(child.stdout):
        clients = [threading.Thread(target=_ask_on, args=(int(line),)) for _ in range(3)]
        for client in clients:
            client.start()
        time.sleep(0.05 + turn * 0.013)
        child.send_signal(signal.SIGTERM)
        for client in clients:
            client.join()
    _, said = child.communicate(timeout=PATIENCE)
    assert (child.returncode, turn) == (0, 5)
    assert "Traceback" not in said
    assert "Warning" not in said


def _ask_on(port):
    """Ask again and again, each time by a new connection, until nobody answers."""
    try:
        while True:
            asked(port).close()
    except (OSError, http.client.HTTPException):
        return
