"""`slo serve` as a process: it sends, beats, and ends in time whatever a receiver does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from slo.config import parse
from slo.demo.processes import free_port
from slo.domain.notification import Facts, Notice
from slo.notify.outbox import enqueue
from slo.store import migrations, outbox
from slo.store.engine import open_engine, reading, writing
from tests.support.fault_server import FaultServer, close_silently
from tests.support.receiver_server import ReceiverServer, status
from tests.support.waiting import wait_until
from tests.test_cycle import gauge

PATIENCE = 30


def wait_for(ask):
    return wait_until(ask, PATIENCE, every=0.05)


class Served:
    """A running `slo serve` with one message in its outbox, its receiver and its heartbeat."""

    def __init__(self, folder, source, receiver, beats):
        self.receiver, self.beats = receiver, beats
        self.config = folder / "slo.yaml"
        self.config.write_text(
            f"prometheus: {{url: '{source.url}', timeout: 1s}}\n"
            f"database: {{url: 'sqlite:///{folder / 'slo.db'}'}}\n"
            f"receivers: {{hook: {{type: webhook, url: '{receiver.url}/x', timeout: 60s}}}}\n"
            "routes: {page: [hook]}\n"
            f"outbound: {{allow: [127.0.0.1], ports: [{receiver.port}, {beats.port}]}}\n"
            f"heartbeat: {beats.url}/beat\n"
            "services: {api: {slos: {a: {objective: 99%, slices: {query: m, at_least: 0}}}}}\n"
        )
        self.settings = parse(self.config.read_text(), str(self.config), {})
        self.engine = open_engine(self.settings.database_url)
        migrations.upgrade(self.engine)
        facts = Facts("system", "page", "x", "title", "why", int(time.time()), "slo-ledger")
        with writing(self.engine) as session:
            enqueue(session, self.settings, Notice("source/x/1", "silent", facts), time.time())
        port = free_port(24_000)
        argv = ["serve", "--config", str(self.config), "--port", str(port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "slo.cli", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
        )

    def state(self):
        with reading(self.engine) as session:
            return outbox.listed(session)[0].state

    def end(self):
        """Ends it in order; gives the seconds that took, and what it said."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=PATIENCE)
        return time.monotonic() - begun, said


@pytest.fixture
def serving(tmp_path):
    """A function that starts `slo serve` on a source."""
    started = []
    with (
        FaultServer(gauge(1.0)) as source,
        ReceiverServer() as receiver,
        ReceiverServer() as beats,
    ):

        def start():
            started.append(Served(tmp_path, source, receiver, beats))
            return started[-1]

        yield start, source, receiver, beats
        for served in started:
            if served.process.poll() is None:
                served.process.kill()
                served.process.communicate()
            served.engine.dispose()


def test_what_the_outbox_holds_is_sent_and_the_heart_beats(serving):
    start, _, receiver, beats = serving
    served = start()
    wait_for(lambda: served.state() == "delivered" and beats.seen)
    assert [s.target for s in receiver.seen] == ["/x"]
    assert beats.seen[0].target == "/beat"
    _, said = served.end()
    assert served.process.returncode == 0, said
    assert "Traceback" not in said


def test_the_heart_goes_on_while_a_source_is_silent_for_a_moment(serving):
    start, source, _, beats = serving
    source.behaviour = close_silently
    served = start()
    wait_for(lambda: beats.seen)
    served.end()


def test_it_ends_within_seconds_while_a_receiver_and_the_heartbeat_hang(serving):
    start, _, receiver, beats = serving
    receiver.answer, beats.answer = receiver.hang, beats.hang
    served = start()
    wait_for(lambda: receiver.seen and beats.seen)
    seconds, said = served.end()
    assert served.process.returncode == 0, said
    assert seconds < 8, said
    assert "Traceback" not in said
    # What was on its way is still the outbox's: it comes again after the next start.
    assert served.state() == "pending"


def test_a_message_on_its_way_is_waited_for(serving):
    start, _, receiver, _ = serving

    def slow(connection, seen):
        time.sleep(1.5)
        status(202)(connection, seen)

    receiver.answer = slow
    served = start()
    wait_for(lambda: receiver.seen)
    _, said = served.end()
    assert served.state() == "delivered", said
