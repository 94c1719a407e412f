"""Dispatchers that run at once, hang, stop, and are killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slo.domain.delivery import Reply
from slo.loaded import Loaded
from slo.notify import delivering
from slo.notify.dispatcher import Dispatcher, dispatch_once
from slo.notify.outbox import enqueue
from slo.store import backlog, outbox
from slo.store.engine import reading, writing
from slo.store.errors import StoreError
from tests.support.dispatch_worker import Plan, plan_json
from tests.support.outbox import NOW, notice, receiver, settings, states
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def fill(engine, declared, subjects, kinds, now=NOW):
    with writing(engine) as session:
        for kind in kinds:
            for subject in range(subjects):
                given = notice(kind, subject=f"incident/{subject}")
                enqueue(session, declared, given, now)


def left(engine):
    with reading(engine) as session:
        return sum(b.pending for b in backlog.backlogs(session).values())


def test_two_dispatchers_send_two_thousand_rows_once_each_and_in_order(engine):
    declared = settings(receiver("hook", "webhook"))
    kinds = ["opened", "raised", "acknowledged", "resolved"]
    fill(engine, declared, 500, kinds)
    taken, lock = defaultdict(list), threading.Lock()

    def send(_settings, _receiver, one, _now):
        with lock:
            taken[one.subject].append(one.transition)
        return Reply(status=200)

    def work():
        while left(engine):
            dispatch_once(engine, declared, NOW, send=send, batch=20)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 500
    assert all(order == kinds for order in taken.values())
    assert {state for _, state in states(engine)} == {"delivered"}


def test_a_receiver_that_hangs_delays_no_other(engine):
    declared = settings(receiver("slow"), receiver("fast", "opsgenie"))
    released, taken = threading.Event(), []

    def send(_settings, to, one, _now):
        if to.name == "slow":
            released.wait(20)
        taken.append((to.name, one.subject))
        return Reply(status=202)

    fill(engine, declared, 10, ["opened"])
    dispatcher = Dispatcher(engine, Loaded(declared), send=send, clock=lambda: NOW, poll=0.02)
    dispatcher.start()
    try:
        wait_until(lambda: len(taken) == 10)
        assert {name for name, _ in taken} == {"fast"}
    finally:
        released.set()
        dispatcher.stop()


def test_a_woken_dispatcher_sends_at_once_and_stop_hands_back_the_rest(engine):
    declared = settings(receiver("pager"))
    begun, released, taken = threading.Event(), threading.Event(), []

    def send(_settings, _receiver, one, _now):
        begun.set()
        released.wait(20)
        taken.append(one.subject)
        return Reply(status=202)

    dispatcher = Dispatcher(engine, Loaded(declared), send=send, clock=lambda: NOW, poll=60)
    dispatcher.start()
    fill(engine, declared, 5, ["opened"])
    dispatcher.wake()
    assert begun.wait(10)
    stopper = threading.Thread(target=dispatcher.stop)
    stopper.start()
    released.set()
    stopper.join(20)
    assert not stopper.is_alive()
    assert left(engine) == 5 - len(taken) > 0
    dispatch_once(engine, declared, NOW, send=send)
    assert left(engine) == 0
    assert len(taken) == 5


def test_a_store_that_fails_for_a_moment_stops_no_dispatcher(engine, monkeypatch, caplog):
    declared, taken = settings(receiver("pager")), []
    real, failures = delivering.take, iter(range(3))

    def take(*args, **kwargs):
        if next(failures, None) is not None:
            raise StoreError("the disk is away")
        return real(*args, **kwargs)

    def send(*_):
        taken.append(1)
        return Reply(status=202)

    monkeypatch.setattr(delivering, "take", take)
    fill(engine, declared, 1, ["opened"])
    dispatcher = Dispatcher(engine, Loaded(declared), send=send, clock=lambda: NOW, poll=0.01)
    dispatcher.start()
    try:
        wait_until(lambda: taken)
    finally:
        dispatcher.stop()
    assert "the outbox waits: the disk is away" in caplog.text


def test_each_batch_goes_by_the_settings_in_force_when_it_is_taken(engine):
    loaded = Loaded(settings(receiver("pager", timeout=timedelta(seconds=1))))
    begun, released, sent = threading.Event(), threading.Event(), []

    def send(declared, to, _one, _now):
        assert to in declared.receivers
        sent.append(to.timeout.total_seconds())
        begun.set()
        released.wait(20)
        return Reply(status=202)

    fill(engine, loaded.settings, delivering.BATCH + 1, ["opened"])
    dispatcher = Dispatcher(engine, loaded, send=send, clock=lambda: NOW, poll=60)
    dispatcher.start()
    assert begun.wait(10)
    loaded.put(settings(receiver("pager", timeout=timedelta(seconds=2))), NOW)
    released.set()
    wait_until(lambda: len(sent) == delivering.BATCH + 1)
    dispatcher.stop()
    assert sent == [1.0] * delivering.BATCH + [2.0]


def test_a_receiver_that_slo_yaml_loses_gets_no_more_and_its_messages_wait(engine):
    loaded = Loaded(settings(receiver("pager")))
    begun, released, sent = threading.Event(), threading.Event(), []

    def send(_declared, _receiver, one, _now):
        begun.set()
        released.wait(20)
        sent.append(one.subject)
        return Reply(status=202)

    fill(engine, loaded.settings, delivering.BATCH + 2, ["opened"])
    dispatcher = Dispatcher(engine, loaded, send=send, clock=lambda: NOW, poll=60)
    dispatcher.start()
    assert begun.wait(10)
    loaded.put(settings(), NOW)
    released.set()
    dispatcher.stop(20)
    assert left(engine) == delivering.BATCH + 2 - len(sent) > 0
    # It comes back.
    loaded.put(settings(receiver("pager")), NOW)
    dispatcher.start()
    wait_until(lambda: left(engine) == 0)
    dispatcher.stop()
    assert len(sent) == len(set(sent)) == delivering.BATCH + 2


def test_no_transaction_is_open_while_a_message_is_sent(engine):
    declared = settings(receiver("pager"))
    fill(engine, declared, 3, ["opened"])

    def send(_settings, _receiver, _one, _now):
        # On SQLite a second writer would wait for 30 s for the first.
        before = time.monotonic()
        with writing(engine) as session:
            enqueue(session, declared, notice(subject="incident/99"), NOW + 1e6)
        assert time.monotonic() - before < 10
        assert engine.pool.checkedout() == 0
        return Reply(status=202)

    assert dispatch_once(engine, declared, NOW, send=send) == 3
    assert [state for _, state in states(engine)][:3] == ["delivered"] * 3


def test_secrets_reach_no_row(engine):
    hook = receiver("hook", "slack")
    declared = settings(hook)
    fill(engine, declared, 1, ["opened"])
    text = "cannot POST https://x.test/hook/SECRETPART: SECRETPART\0\udc80 is unknown"

    def send(*_):
        return Reply(status=500, error=text, body=text * 200)

    dispatch_once(engine, declared, NOW, send=send)

    def explode(*_):
        raise ValueError(text)

    dispatch_once(engine, declared, NOW + 10, send=explode)
    with engine.connect() as connection:
        for table in ("notification", "attempt", "receiver", "audit"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert "SECRETPART" not in repr(rows)
    with reading(engine) as session:
        attempts = outbox.attempts_of(session, 1)
    assert [a.outcome for a in attempts] == ["retry", "unclear"]
    assert len(attempts[0].reply) == 4096


def test_attempts_of_a_long_outage_are_thinned(engine, monkeypatch):
    monkeypatch.setattr("slo.store.claims.KEPT_ATTEMPTS", 10)
    declared = settings(receiver("pager"))
    fill(engine, declared, 1, ["opened"])
    for minute in range(40):
        dispatch_once(engine, declared, NOW + minute * 61, send=lambda *_: Reply(status=500))
    with reading(engine) as session:
        attempts = outbox.attempts_of(session, 1)
        kept = outbox.by_id(session, 1)
    assert kept.attempts == 40
    assert len(attempts) == 10
    assert attempts[0].started == NOW
    assert attempts[-1].started == NOW + 39 * 61


@contextmanager
def http_sink():
    """A server that remembers what it took, by msg_id."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Taken as it is read: a sender that is killed now never learns of it.
            taken.append((self.headers["webhook-id"], json.loads(body)))
            try:
                self.send_response(204)
                self.end_headers()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # A sender that was killed in the middle of its request.

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1], taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kill_workers(engine, url, kills, subjects):
    """Kills dispatchers again and again; gives what the sink took, and what the workers did."""
    declared = settings(receiver("hook", "webhook"))
    fill(engine, declared, subjects, ["opened", "resolved"])
    with http_sink() as (port, taken):
        plan = Plan(url, port, kills=kills, at_once=2, begun=time.time())
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.dispatch_worker"],
            cwd=ROOT,
            input=plan_json(plan),
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    assert done.returncode == 0, done.stderr
    return taken, json.loads(done.stdout)


def assert_nothing_lost(engine, taken, subjects):
    assert left(engine) == 0
    table = states(engine)
    assert {state for _, state in table} == {"delivered"}
    order, ids = defaultdict(list), defaultdict(set)
    for msg_id, body in taken:
        order[body["subject"]].append(body["transition"])
        ids[body["subject"], body["transition"]].add(msg_id)
    assert len(order) == subjects
    assert len(ids) == 2 * subjects
    assert all(len(found) == 1 for found in ids.values())
    for transitions in order.values():
        # Duplicates stand together: an end never comes before its beginning is done.
        assert transitions == sorted(transitions)


def test_two_hundred_kills_lose_nothing_and_double_nothing_but_under_the_same_id(sqlite_engine):
    url = sqlite_engine.url.render_as_string(hide_password=False)
    taken, done = kill_workers(sqlite_engine, url, kills=200, subjects=1500)
    assert done == {"killed": 200, "finished": 0, "codes": [0, 0]}
    assert_nothing_lost(sqlite_engine, taken, 1500)
    # Most kills fell between a claim and its completion: what was lost is noted.
    with sqlite_engine.connect() as connection:
        query = "SELECT count(*) FROM attempt WHERE outcome = 'unclear'"
        assert connection.exec_driver_sql(query).scalar() > 50
    assert len(taken) > 3000


def test_kills_lose_nothing_on_either_database(engine):
    if engine.dialect.name == "sqlite":
        kills, subjects = 5, 40
    else:
        kills, subjects = 30, 300
    url = engine.url.render_as_string(hide_password=False)
    taken, done = kill_workers(engine, url, kills=kills, subjects=subjects)
    assert done["killed"] == kills
    assert_nothing_lost(engine, taken, subjects)


@pytest.mark.parametrize("failures", [0, 2])
def test_a_receiver_that_fails_is_given_one_message_at_a_time(engine, failures):
    hook = receiver("hook", "webhook")
    declared = settings(hook)
    fill(engine, declared, 10, ["opened"])
    for _ in range(failures):
        taken = delivering.take(engine, hook, NOW, 1)
        delivering.deliver(engine, declared, hook, taken, lambda *_: Reply(status=500), lambda: NOW)
    assert len(delivering.take(engine, hook, NOW, 5)) == (1 if failures else 5)
