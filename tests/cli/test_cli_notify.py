"""`slo notify`, against a local sink."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slo.domain.delivery import Reply
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.store.engine import open_engine, writing
from tests.support.outbox import notice, receiver, settings
from tests.support.stores import empty_store

DECLARED = settings(receiver("hook", "webhook"))


@pytest.fixture
def sink():
    """A local receiver: `status` is what it answers, `taken` what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.taken.append(json.loads(body))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.taken, server.status = [], 204
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def project(offline, sink):
    """A project whose receiver `hook` is the sink."""
    port = sink.server_address[1]
    text = offline.config.read_text()
    offline.config.write_text(
        f"{text}receivers:\n  hook: {{type: webhook, url: 'http://127.0.0.1:{port}/secret-path'}}\n"
        "routes: {page: [hook]}\n"
        f"outbound: {{allow: [127.0.0.0/8], ports: [{port}]}}\n"
    )
    empty_store(offline.folder / "slo.db").dispose()
    return offline


@pytest.fixture
def dead(project):
    """A project with a dead letter."""
    engine = open_engine(f"sqlite:///{project.folder}/slo.db")
    now = time.time()
    with writing(engine) as session:
        enqueue(session, DECLARED, notice(), now)
    refuse = Reply(status=400, error="answered 400", body="\x1b[31mwhat?")
    dispatch_once(engine, DECLARED, now, send=lambda *_: refuse)
    engine.dispose()
    return project


def test_a_test_message_tells_status_and_latency(project, sink):
    out = project.run("notify", "test", "hook").output
    assert out.startswith("Delivered to hook: status 204, ")
    assert len(sink.taken) == 1
    sink.status = 503
    failed = project.run("notify", "test", "hook", code=1).output
    assert "Not delivered to hook: " in failed
    assert "503" in failed
    assert "secret-path" not in failed
    listed = json.loads(project.run("notify", "list", "--json").output)["notifications"]
    assert [(n["kind"], n["state"]) for n in listed] == [("test", "dead"), ("test", "delivered")]


def test_a_dead_letter_is_listed_shown_and_sent_again(dead):
    assert "dead" in dead.run("notify", "list", "--state", "dead").output
    shown = dead.run("notify", "show", "1").output
    assert "answered 400" in shown
    assert "\x1b" not in shown
    assert "1 notification is pending again" in dead.run("notify", "resend", "1").output
    assert "still pending" in dead.run("notify", "resend", "1", code=2).output
    assert "0 notifications" in dead.run("notify", "resend", "--dead").output
    assert json.loads(dead.run("notify", "show", "1", "--json").output)["state"] == "pending"


def test_all_dead_letters_go_by_one_command(dead):
    assert (
        "1 notification is" in dead.run("notify", "resend", "--dead", "--receiver", "hook").output
    )


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("test", "nobody"), "there are hook"),
        (("resume", "nobody"), "there are hook"),
        (("show", "9"), "no notification 9"),
        (("resend",), "by its ID"),
        (("resend", "1", "--dead"), "by its ID"),
        (("resend", "1", "--receiver", "hook"), "goes with --dead"),
    ],
)
def test_a_mistake_names_its_remedy(project, args, hint):
    assert hint in project.run("notify", *args, code=2).output


def test_receivers_are_shown_and_resumed(project):
    assert "ok" in project.run("notify", "receivers").output
    assert "0 pending" in project.run("notify", "resume", "hook").output
    found = json.loads(project.run("notify", "receivers", "--json").output)["receivers"]
    assert [(r["name"], r["type"], r["state"]) for r in found] == [("hook", "webhook", "ok")]
