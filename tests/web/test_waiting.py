"""While somebody holds what others want to write, who reads waits for nobody."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from slo.scheduler.web_server import WEB_THREADS
from slo.store import sessions, tokens, users
from slo.store.engine import reading, writing
from slo.web.app import create_app
from slo.web.site import MOST_TURNS
from tests.support.logins import add_token, add_user, bearer, begin, logged_in, site_of
from tests.support.site import serving
from tests.support.waiting import wait_until
from tests.web.world import NOW, make_standing, put_standings

LONGEST = 2
"""Seconds, on a busy machine; who waits for the lock waits for half a minute."""
NOTE = {"kind": "deploy", "scope": "api/*", "title": "2.4"}


class Clock:
    """A clock that a test sets."""

    now = float(NOW)

    def __call__(self):
        return self.now


@pytest.fixture(params=["engine", "postgresql_store"])
def store(request):
    """An empty store on SQLite, and one on PostgreSQL."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def clock():
    return Clock()


def hold(session):
    """Takes the lock of all, or of the very rows that say when somebody was seen."""
    for token in tokens.all_tokens(session):
        tokens.touch(session, token.id, NOW)
    for login in sessions.running(session, NOW):
        sessions.touch(session, login, NOW + 1)


def seen(engine):
    """When the token and the user were seen last."""
    with reading(engine) as session:
        (token,), (user,) = tokens.all_tokens(session), users.all_users(session)
        return token.used_at, user.seen_at


def took(ask):
    """What `ask` gives, and in how many seconds."""
    began = time.monotonic()
    return ask(), time.monotonic() - began


def test_who_reads_does_not_wait_to_be_noted(store, clock):
    put_standings(store, [make_standing("api/slo")])
    add_user(store)
    program = bearer(add_token(store, "gate", NOW))
    app = create_app(store, clock=clock, loaded=site_of())
    person = logged_in(app.test_client(), store, "ada", NOW)
    clock.now += 100
    with writing(store) as session:
        hold(session)
        for _ in range(2):
            answer, seconds = took(
                lambda: app.test_client().get("/api/v1/gate/api/slo", headers=program)
            )
            assert (answer.status_code, seconds < LONGEST) == (200, True)
            answer, seconds = took(lambda: person.get("/account"))
            assert (answer.status_code, seconds < LONGEST) == (200, True)
    assert seen(store)[0] == NOW
    # What was not noted then is noted soon after.
    clock.now += 10
    app.test_client().get("/api/v1/gate/api/slo", headers=program)
    person.get("/account")
    assert seen(store) == (clock.now, clock.now)


def test_what_could_not_be_noted_is_not_tried_again_by_each_request(engine, clock, caplog):
    program = bearer(add_token(engine, "read", NOW))
    client = create_app(engine, clock=clock, loaded=site_of()).test_client()
    caplog.set_level("DEBUG", "slo.web.identity")
    with writing(engine) as session:
        hold(session)
        for _ in range(12):
            client.get("/api/v1/slos", headers=program)
            clock.now += 1
    assert len(caplog.records) == 3


def test_one_thread_is_left_to_those_who_read_while_changes_wait(engine):
    assert MOST_TURNS < WEB_THREADS
    put_standings(engine, [make_standing("api/slo")])
    program = bearer(add_token(engine, "write", NOW))
    app = create_app(engine, clock=lambda: NOW, loaded=site_of())
    answers = []

    def change(url, number):
        note = {**NOTE, "key": f"k{number}"}
        answers.append(requests.post(f"{url}/api/v1/annotations", json=note, headers=program))

    with serving(app) as url:
        with writing(engine) as session:
            hold(session)
            waiting = [
                threading.Thread(target=change, args=(url, n)) for n in range(MOST_TURNS + 1)
            ]
            for one in waiting:
                one.start()
            wait_until(lambda: answers)
            refused = answers[0]
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert refused.headers["Content-Type"] == "application/problem+json"
            for path in ("/healthz", "/api/v1/gate/api/slo"):
                requests.get(url + path, headers=program, timeout=LONGEST).raise_for_status()
        for one in waiting:
            one.join()
    assert [answer.status_code for answer in answers[1:]] == [201] * MOST_TURNS


def test_what_a_change_raises_gives_its_turn_back(engine):
    add_user(engine)
    client = create_app(engine, clock=lambda: NOW, loaded=site_of()).test_client()
    client.set_cookie("session", begin(engine, "ada", NOW))
    own = {"Sec-Fetch-Site": "same-origin"}
    for _ in range(MOST_TURNS + 1):
        assert client.post("/api/v1/annotations", json={}, headers=own).status_code == 400
    put_standings(engine, [make_standing("api/slo")])
    assert client.post("/api/v1/annotations", json=NOTE, headers=own).status_code == 201
