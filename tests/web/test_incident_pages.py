"""Pages of alerts, incidents and postmortems over a store that real bookings filled."""

from __future__ import annotations

import html
import re

import pytest

from slo.loaded import Loaded
from slo.store import migrations, outbox
from slo.store.engine import open_engine, writing
from slo.web.app import create_app
from tests.support.feed import START, Feed, yaml_of

HOOK = """receivers: {hook: {type: webhook, url: "https://hook.example/"}}
routes: {page: [hook], ticket: [hook]}
alerts: {ticket-1d: off, ticket-3d: off}"""
HOSTILE = '<script>alert(1)</script> [x](javascript:alert(1)) "quotes"'


@pytest.fixture
def feed(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'slo.db'}")
    migrations.upgrade(engine)
    feed = Feed(engine, yaml_of(more=HOOK))
    feed.quiet(60)
    feed.run(6, bad=50)
    yield feed
    engine.dispose()


def client(feed):
    app = create_app(
        feed.engine, loaded=Loaded(feed.context.settings), clock=lambda: feed.at + 20.0
    )
    return app.test_client()


def text(response):
    assert response.status_code == 200, response.get_data(as_text=True)
    return html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True)))


def over(feed):
    feed.run(70)
    assert [i.status for i in feed.incidents()] == ["resolved"]


def test_alerts_show_what_fires_with_reason_and_incident(feed):
    page = client(feed).get("/alerts")
    assert "alerts firing" in text(page)
    assert "pages at 14.4x" in text(page)
    assert 'href="/incidents/1"' in page.get_data(as_text=True)


def test_alerts_show_how_long_they_lasted_and_why_they_ended(feed):
    over(feed)
    found = text(client(feed).get("/alerts"))
    assert "No alert fires" in found
    assert "ended: burned" in found


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("?service=shop", True),
        ("?service=nobody", False),
        ("?severity=ticket", False),
        ("?slo=shop/availability&since=1d", True),
        ("?since=nonsense&severity=nonsense", True),
    ],
)
def test_the_history_is_filtered(feed, query, there):
    over(feed)
    assert ("page-1h" in text(client(feed).get(f"/alerts{query}"))) is there


def test_an_incident_shows_timeline_cost_alerts_and_deliveries(feed):
    found = text(client(feed).get("/incidents/1"))
    for wanted in ("Timeline", "opened", "notified", "page-1h", "shop/availability", "hook"):
        assert wanted in found
    assert "assigned to nobody" in found


def test_people_acknowledge_assign_comment_and_resolve(feed):
    page = client(feed)
    for action, said in (
        ("acknowledge", ""),
        ("assign", "grace"),
        ("comment", "rolled back"),
        ("resolve", "rolled back"),
    ):
        answer = page.post(f"/incidents/1/{action}", data={"who": "ada", "text": said})
        assert answer.status_code == 303
    (incident,) = feed.incidents()
    assert (incident.status, incident.assignee, incident.resolved_by) == (
        "resolved",
        "grace",
        "ada",
    )
    found = text(page.get("/incidents/1"))
    assert "rolled back" in found


def test_what_is_not_allowed_is_told_on_the_page(feed):
    answer = client(feed).post("/incidents/1/resolve", data={"who": "ada", "text": ""})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert [i.status for i in feed.incidents()] == ["open"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_other_sites_change_nothing(feed, headers):
    answer = client(feed).post("/incidents/1/acknowledge", data={"who": "ada"}, headers=headers)
    assert answer.status_code == 403
    assert [i.status for i in feed.incidents()] == ["open"]


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}]
)
def test_the_sites_own_pages_and_programs_may(feed, headers):
    answer = client(feed).post("/incidents/1/acknowledge", data={"who": "ada"}, headers=headers)
    assert answer.status_code == 303


def test_unknown_incidents_and_actions_are_told(feed):
    page = client(feed)
    assert page.get("/incidents/99").status_code == 404
    assert page.post("/incidents/99/acknowledge", data={"who": "ada"}).status_code == 404
    assert page.post("/incidents/1/explode", data={"who": "ada"}).status_code == 404
    assert page.get("/postmortems/99").status_code == 404


def test_hostile_comments_stay_text(feed):
    page = client(feed)
    page.post("/incidents/1/comment", data={"who": "ada", "text": HOSTILE})
    body = page.get("/incidents/1").get_data(as_text=True)
    assert "<script>alert" not in body
    assert HOSTILE in html.unescape(body)
    over(feed)
    body = page.get("/postmortems/1").get_data(as_text=True)
    assert "<script>alert" not in body
    assert 'href="javascript:' not in body


def test_a_postmortem_is_read_edited_previewed_and_published(feed):
    over(feed)
    page = client(feed)
    assert "#1" in text(page.get("/postmortems"))
    form = {"title": "What happened", "body": "# Summary\n\n**It broke.**", "who": "ada"}
    preview = page.post("/postmortems/1/edit", data=form | {"version": 1, "preview": "1"})
    assert "<strong>It broke.</strong>" in preview.get_data(as_text=True)
    assert page.post("/postmortems/1/edit", data=form | {"version": 1}).status_code == 303
    assert "<strong>It broke.</strong>" in page.get("/postmortems/1").get_data(as_text=True)
    item = {"text": "Alert on it", "kind": "prevent", "priority": "P0", "due": "2026-01-01"}
    assert page.post("/postmortems/1/items", data=item | {"who": "ada"}).status_code == 303
    found = text(page.get("/postmortems"))
    assert "overdue" in found
    for status in ("review", "published"):
        data = {"status": status, "version": 2, "who": "grace"}
        assert page.post("/postmortems/1/status", data=data).status_code == 303
    assert "published" in text(page.get("/postmortems/1"))
    done = {"state": "done", "owner": "ada", "priority": "P0", "due": "", "version": 1}
    answer = page.post("/postmortems/1/items/1", data=done | {"who": "ada"})
    assert answer.status_code == 303


def test_two_editors_lose_nothing(feed):
    over(feed)
    page = client(feed)
    one = {"title": "One", "body": "first text", "version": 1, "who": "ada"}
    other = {"title": "Two", "body": "second text", "version": 1, "who": "grace"}
    assert page.post("/postmortems/1/edit", data=one).status_code == 303
    answer = page.post("/postmortems/1/edit", data=other)
    body = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "ada saved version 2 meanwhile" in body
    assert "first text" in body
    assert "second text" in body
    assert page.post("/postmortems/1/edit", data=other | {"version": 2}).status_code == 303


def test_a_message_that_was_given_up_is_sent_again_by_a_click(feed):
    (first,) = feed.notifications()
    with writing(feed.engine) as session:
        session.execute(
            outbox.schema.notification.update().values(state="dead", ended_at=float(START))
        )
    page = client(feed)
    assert "Send again" in text(page.get("/incidents/1"))
    assert page.post(f"/notifications/{first.id}/resend", data={}).status_code == 303
    assert [n.state for n in feed.notifications()] == ["pending"]
    assert page.post(f"/notifications/{first.id}/resend", data={}).status_code == 400


def test_the_overview_and_the_slo_show_the_alert(feed):
    body = client(feed).get("/api/v1/slos/shop/availability").get_json()
    (slo,) = body["slos"]
    assert slo["incident"] == 1
    assert {a["rule"] for a in slo["alerts"] if a["firing"]} >= {"page-1h"}
