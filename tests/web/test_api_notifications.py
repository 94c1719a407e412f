"""Notifications and receivers by the JSON API, and in /metrics."""

from __future__ import annotations

import json

import pytest

from slo.domain.delivery import Reply
from slo.loaded import Loaded
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.store import audit
from slo.store.engine import reading, writing
from tests.support.outbox import Sink, notice, receiver, settings
from tests.web.world import NOW, make_client

DECLARED = settings(receiver("pager"), receiver("chat", "slack"))


@pytest.fixture
def client(engine):
    """The site; the pager refused a message, the chat took it."""
    with writing(engine) as session:
        enqueue(session, DECLARED, notice(), NOW)
    sink = Sink(lambda one, _: Reply(status=400 if one.receiver == "pager" else 200, body="no"))
    dispatch_once(engine, DECLARED, NOW, send=sink)
    return make_client(engine, loaded=Loaded(DECLARED))


def get(client, path, status=200):
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status, answer.text
    return answer.get_json()


def post(client, path, body, status=200):
    answer = client.post(f"/api/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.get_json()


def test_notifications_are_listed_newest_first_and_narrowed(client):
    found = get(client, "/notifications")["notifications"]
    assert [(n["receiver"], n["state"]) for n in found] == [
        ("chat", "delivered"),
        ("pager", "dead"),
    ]
    dead = get(client, "/notifications?state=dead&receiver=pager&limit=5")["notifications"]
    assert [n["id"] for n in dead] == [1]
    first = get(client, "/notifications?limit=1")
    assert get(client, f"/notifications?limit=1&cursor={first['next']}")["notifications"] == dead
    assert get(client, "/notifications?incident=9")["notifications"] == []


@pytest.mark.parametrize(
    "query", ["state=gone", "limit=0", "limit=1001", "cursor=x", "incident=-1", "limit=²"]
)
def test_a_bad_filter_names_itself(client, query):
    assert get(client, f"/notifications?{query}", 400)["detail"].startswith(query.partition("=")[0])


def test_one_notification_has_its_facts_and_attempts(client):
    found = get(client, "/notifications/1")
    assert found["facts"]["summary"] == "burned 15x"
    assert [(a["outcome"], a["status"], a["reply"]) for a in found["attempts_kept"]] == [
        ("dead", 400, "no")
    ]
    assert "there is no notification 7" in get(client, "/notifications/7", 404)["detail"]
    get(client, f"/notifications/{2**70}", 404)


def test_a_dead_letter_is_resent_once(client, engine):
    assert post(client, "/notifications/1/resend", {"who": "mia"})["state"] == "pending"
    assert "still pending" in post(client, "/notifications/1/resend", {}, 409)["detail"]
    post(client, "/notifications/7/resend", {}, 404)
    with reading(engine) as session:
        assert [e.who for e in audit.of(session, "notification/1")] == ["mia"]


@pytest.mark.parametrize("body", [{"who": ""}, {"who": "a\nb"}, {"who": 7}, {"more": 1}])
def test_a_bad_body_is_refused(client, body):
    post(client, "/notifications/1/resend", body, 400)
    post(client, "/receivers/pager/resume", body, 400)


def test_receivers_show_how_they_do_and_no_key(client, engine):
    with writing(engine) as session:
        enqueue(session, DECLARED, notice(subject="incident/2"), NOW)
    dispatch_once(engine, DECLARED, NOW, send=Sink(Reply(status=410)))
    found = get(client, "/receivers")["receivers"]
    assert [(r["name"], r["state"], r["pending"]) for r in found] == [
        ("pager", "paused", 1),
        ("chat", "paused", 1),
    ]
    assert "KKKK" not in json.dumps(found)
    assert "SECRET" not in json.dumps(found)
    assert post(client, "/receivers/pager/resume", {})["state"] == "ok"
    assert "nobody" in post(client, "/receivers/nobody/resume", {}, 404)["detail"]
    page = client.get("/metrics").text
    assert 'slo_receiver_up{receiver="chat"} 0.0' in page
    assert 'slo_receiver_up{receiver="pager"} 1.0' in page
    assert 'slo_outbox_pending{receiver="chat"} 1.0' in page
    assert 'slo_outbox_deliveries_total{outcome="dead",receiver="pager"} 1.0' in page
    assert "slo_outbox_dead_total 1.0" in page


def test_changes_come_as_json_only(client):
    answer = client.post("/api/v1/receivers/pager/resume", data="{}")
    assert answer.status_code == 415
