"""The heartbeat: what it asks for, what it keeps waiting (nothing), and what it logs."""

from __future__ import annotations

import logging
import time

import pytest

from slo.loaded import Loaded
from slo.notify.heartbeat import Heartbeat
from tests.support.receiver_server import status
from tests.support.waiting import wait_until


@pytest.fixture
def beats(make, server):
    """A heartbeat at the server, and the times of its successes."""
    found = []
    settings = make.settings(port=server.port, heartbeat=f"{server.url}/beat/SECRET")
    return Heartbeat(Loaded(settings), found.append), found


def beat(heartbeat, now) -> None:
    heartbeat.beat(now)
    wait_until(lambda: not heartbeat._busy.locked())


def test_a_beat_asks_for_the_url_and_tells_of_its_success(beats, server):
    heartbeat, found = beats
    beat(heartbeat, 1000.0)
    assert [(s.method, s.target) for s in server.seen] == [("GET", "/beat/SECRET")]
    assert found == [1000.0]


def test_without_a_url_nothing_is_asked_for(make, server):
    Heartbeat(Loaded(make.settings()), pytest.fail).beat(1000.0)
    assert server.seen == []


def test_a_failing_beat_is_logged_once_an_hour_and_its_end_once(beats, server, caplog):
    heartbeat, found = beats
    server.answer = status(500)
    with caplog.at_level(logging.INFO, "slo"):
        for minute in range(70):
            beat(heartbeat, minute * 60.0)
        server.answer = status(200)
        beat(heartbeat, 70 * 60.0)
    assert [r.levelname for r in caplog.records] == ["WARNING", "WARNING", "INFO"]
    assert found == [70 * 60.0]
    assert "SECRET" not in caplog.text


def test_a_url_that_hangs_keeps_nobody_waiting_and_is_asked_one_at_a_time(beats, server):
    heartbeat, found = beats
    server.answer = server.hang
    begun = time.monotonic()
    for minute in range(5):
        heartbeat.beat(minute * 60.0)
    assert time.monotonic() - begun < 1
    wait_until(lambda: server.seen)
    server.closing.set()
    wait_until(lambda: not heartbeat._busy.locked())
    assert len(server.seen) == 1
    assert found == []


def test_a_beat_goes_to_the_url_in_force(make, server):
    found = []
    loaded = Loaded(make.settings(port=server.port, heartbeat=f"{server.url}/one"))
    heartbeat = Heartbeat(loaded, found.append)
    beat(heartbeat, 1000.0)
    loaded.put(make.settings(port=server.port, heartbeat=f"{server.url}/two"), 1001.0)
    beat(heartbeat, 1060.0)
    loaded.put(make.settings(port=server.port), 1061.0)
    beat(heartbeat, 1120.0)
    assert [s.target for s in server.seen] == ["/one", "/two"]
