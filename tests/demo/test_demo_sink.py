"""The demo's receiver: it takes what the ledger signs, shows it once, and nothing else."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest

from slo.config.settings import Outbound, Receiver, Settings
from slo.demo.processes import ProcessError, free_port
from slo.demo.sink import Sink
from slo.domain.notification import Facts, Notification
from slo.notify.sending import send

SECRET = "a-secret-of-the-demo"
NOW = 1_795_206_000.0


@pytest.fixture
def sink(monkeypatch):
    shown = []
    monkeypatch.setattr("slo.demo.sink.time.time", lambda: NOW)
    with Sink(free_port(23_000), SECRET, shown.append) as sink:
        sink.shown = shown
        yield sink


def tell(sink, kind="opened", *, secret=SECRET, msg_id="msg_1", now=NOW, **fields):
    """What the ledger itself sends."""
    given = {
        "kind": kind,
        "severity": "page",
        "dedup_key": "x/incident/7",
        "title": "fraud-model/availability burns",
        "summary": "burned 600x",
        "at": int(NOW),
        "service": "fraud-model",
        "incident": 7,
        "url": "http://127.0.0.1:8000/incidents/7",
    }
    facts = Facts(**{**given, **fields})
    port = int(sink.url.rpartition(":")[2])
    settings = Settings((), (), outbound=Outbound(("127.0.0.1",), (port,)))
    receiver = Receiver("demo", "webhook", (("secret", secret), ("url", sink.url)))
    message = Notification(
        1, msg_id, "demo", "incident/7", kind, facts, "pending", 1, now, now, now + 60
    )
    return send(settings, receiver, message, now)


def test_a_page_is_a_line_with_its_link(sink):
    assert tell(sink).status == 200
    (message,) = sink.shown
    assert "PAGE   incident opened: fraud-model/availability burns" in message.line()
    assert message.line().endswith("http://127.0.0.1:8000/incidents/7")


def test_what_resolves_links_the_draft_of_its_postmortem(sink):
    tell(sink, "resolved")
    line = sink.shown[0].line()
    assert line.endswith("postmortem draft: http://127.0.0.1:8000/postmortems/7")


def test_a_ticket_about_a_budget_has_no_postmortem(sink):
    url = "http://127.0.0.1:8000/slo/fraud-model/latency"
    tell(sink, "budget", severity="ticket", incident=None, url=url)
    assert "ticket budget:" in sink.shown[0].line()
    assert "postmortem" not in sink.shown[0].line()


def test_a_message_that_comes_twice_is_shown_once(sink):
    assert [tell(sink).status, tell(sink).status] == [200, 200]
    assert tell(sink, "resolved", msg_id="msg_2").status == 200
    assert [m.event for m in sink.shown] == ["incident opened", "incident resolved"]


def test_another_signature_is_refused(sink):
    assert tell(sink, secret="another-secret-entirely").status == 401
    assert tell(sink, now=NOW - 3600).status == 401
    assert sink.shown == []


def test_what_is_no_event_or_too_long_is_refused(sink):
    assert sink.take({}, b"{}", NOW) == 401
    for length in ("x", "9999999"):
        request = urllib.request.Request(sink.url, b"{}", {"Content-Length": length})
        with pytest.raises(urllib.error.HTTPError, match="413"):
            urllib.request.urlopen(request, timeout=5)


def test_the_page_lists_the_newest_first_and_escapes(sink):
    with urllib.request.urlopen(sink.url, timeout=5) as answer:
        assert "Nothing yet" in answer.read().decode()
    tell(sink)
    tell(sink, "resolved", msg_id="msg_2", title="<b>over</b>")
    with urllib.request.urlopen(sink.url, timeout=5) as answer:
        page = answer.read().decode()
    assert page.index("&lt;b&gt;over") < page.index("fraud-model/availability burns")
    assert '<a href="http://127.0.0.1:8000/postmortems/7">' in page


def test_a_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ProcessError, match=f"cannot listen on port {port}"):
            Sink(port, SECRET, print)
