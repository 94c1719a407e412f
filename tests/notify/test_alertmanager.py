"""The contract with a real Alertmanager."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime

import pytest

from slo.config.settings import Route
from slo.domain.delivery import judge
from slo.domain.notification import Notice
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.notify.receivers import alertmanager
from slo.notify.sending import send
from slo.notify.transport import exchange
from slo.store.engine import writing
from tests.support.alertmanager_server import AlertmanagerServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with AlertmanagerServer(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


@pytest.fixture
def subject():
    """A subject of this test alone: the tests share one server."""
    return f"incident/{uuid.uuid4().hex}"


def now():
    return int(time.time())


def told(make, server, subject, kind="opened", at=None, **fields):
    """Tells it; gives the reply."""
    at = now() if at is None else at
    resolved = at if kind == "resolved" else None
    given = {"at": at, "opened_at": now() - 300, "resolved_at": resolved, "dedup_key": subject}
    message = make.notification(make.facts(kind, **{**given, **fields}), subject=subject)
    receiver = make.receiver("alertmanager", server.url)
    reply = send(make.settings(server.port), receiver, message, at)
    return reply, message


def of(subject, alerts):
    return [alert for alert in alerts if alert["labels"]["subject"] == subject]


def test_a_firing_alert_shows_with_its_labels_and_links(make, server, subject):
    reply, _ = told(make, server, subject)
    assert (reply.status, judge(reply).action) == (200, "delivered")
    (alert,) = of(subject, server.wait_for(lambda alerts: of(subject, alerts)))
    assert alert["labels"]["alertname"] == "SLOBurn"
    assert alert["labels"]["team"] == "pay"
    assert alert["status"]["state"] == "active"
    assert alert["generatorURL"] == "https://slo.example.com/incidents/142"
    assert alert["annotations"]["summary"].startswith("#142 checkout/availability")
    assert alert["annotations"]["budget_left"] == "61.3 %"


def test_a_repetition_moves_its_end_on_and_makes_no_second_alert(make, server, subject):
    opened = now() - 300
    told(make, server, subject, at=now() - 100, opened_at=opened)
    (first,) = of(subject, server.wait_for(lambda alerts: of(subject, alerts)))
    told(make, server, subject, opened_at=opened)

    def moved(alerts):
        found = of(subject, alerts)
        return len(found) == 1 and found[0]["endsAt"] > first["endsAt"]

    (second,) = of(subject, server.wait_for(moved))
    assert second["startsAt"] == first["startsAt"]
    assert second["fingerprint"] == first["fingerprint"]
    ends = datetime.fromisoformat(second["endsAt"]).astimezone(UTC).timestamp()
    assert abs(ends - now() - alertmanager.LASTS) < 5


def test_a_resolved_alert_disappears_and_so_it_stays_when_repeated(make, server, subject):
    told(make, server, subject)
    server.wait_for(lambda alerts: of(subject, alerts))
    reply, _ = told(make, server, subject, "resolved")
    assert reply.status == 200
    server.wait_for(lambda alerts: not of(subject, alerts))
    told(make, server, subject, "resolved")
    assert not of(subject, server.alerts())


def test_a_reopened_alert_shows_again(make, server, subject):
    told(make, server, subject)
    told(make, server, subject, "resolved")
    server.wait_for(lambda alerts: not of(subject, alerts))
    told(make, server, subject, "reopened")
    server.wait_for(lambda alerts: of(subject, alerts))


def test_a_raised_alert_takes_the_place_of_its_ticket(make, server, subject):
    told(make, server, subject, severity="ticket")
    server.wait_for(lambda alerts: of(subject, alerts))
    told(make, server, subject, "raised")

    def raised(alerts):
        return [a["labels"]["severity"] for a in of(subject, alerts)] == ["page"]

    server.wait_for(raised)


def test_any_text_is_taken(make, server):
    subject = f"incident/{uuid.uuid4().hex}"
    message = make.notification(make.hostile(), subject=subject)
    receiver = make.receiver("alertmanager", server.url)
    reply = send(make.settings(server.port), receiver, message, now())
    assert reply.status == 200
    server.wait_for(lambda alerts: of(subject, alerts))


def test_of_a_batch_that_is_valid_in_part_it_keeps_the_valid_and_answers_400(make, server, subject):
    """So a 400 is for what we sent alone: one alert a request, and a 400 is for good."""
    receiver, settings = make.receiver("alertmanager", server.url), make.settings(server.port)
    message = make.notification(make.facts(opened_at=now() - 60), subject=subject)
    valid = alertmanager.alert(settings, receiver, message, now())
    faulty = {**valid, "labels": {"0 no name": "x", "subject": "faulty"}}
    (request,) = alertmanager.requests(settings, receiver, message, now())
    mixed = make.replace(request, body=json.dumps([faulty, valid]).encode())
    reply = exchange(mixed, settings.outbound, 5)
    assert (reply.status, judge(reply).action) == (400, "dead")
    server.wait_for(lambda alerts: of(subject, alerts))
    assert not of("faulty", server.alerts())


def test_an_end_before_its_beginning_is_never_sent(make, server, subject):
    """As with clocks that differ, or an incident that ended within its first second."""
    early = now() - 900
    reply, _ = told(make, server, subject, "resolved", at=early, opened_at=now(), resolved_at=early)
    assert reply.status == 200


class TestThroughTheOutbox:
    def test_an_alertmanager_that_forgot_everything_is_told_again_until_it_is_over(
        self, make, engine, tmp_path
    ):
        subject, begun = "budget/checkout/availability/7", now()

        def tell(kind):
            facts = make.facts(
                kind, at=begun, opened_at=begun, resolved_at=None, incident=None, labels=()
            )
            with writing(engine) as session:
                enqueue(session, settings, Notice(subject, kind, facts), begun)

        with AlertmanagerServer(tmp_path / "am") as server:
            receiver = make.receiver("alertmanager", server.url)
            routes = (Route("page", (receiver.name,)),)
            settings = make.settings(server.port, receivers=(receiver,), routes=routes)
            tell("budget")
            assert dispatch_once(engine, settings, begun) == 1
            server.wait_for(lambda alerts: of(subject, alerts))
            server.forget()
            assert server.alerts() == []
            dispatch_once(engine, settings, begun + 30)
            assert server.alerts() == []
            dispatch_once(engine, settings, begun + 61)
            server.wait_for(lambda alerts: of(subject, alerts))
            tell("budget-over")
            dispatch_once(engine, settings, begun + 62)
            server.wait_for(lambda alerts: not of(subject, alerts))
            # What is over does not come back.
            dispatch_once(engine, settings, begun + 130)
            assert of(subject, server.alerts()) == []
