from __future__ import annotations

import pytest

from slo.store import postmortems
from slo.store.engine import writing
from tests.postmortem.conftest import book, open_incident
from tests.web.world import NOW

WHY = "svc/one lost 31% of its error budget, over 20%"
AT = "/api/v1/postmortems/1"


@pytest.fixture
def api(engine, client):
    """The site over a store with a draft of incident 1."""
    with writing(engine) as session:
        book(session)
        incident = open_incident(session)
        body = "first\n\n## Action items\n\n[action items]\n"
        postmortems.create(session, incident, "Title", body, "", WHY, NOW - 60)
    return client


def test_postmortems_are_listed_and_shown(api):
    [listed] = api.get("/api/v1/postmortems").json["postmortems"]
    shown = api.get(AT).json
    assert {name: shown[name] for name in listed} == listed
    assert listed["status"] == "draft"
    assert (listed["required"], listed["required_why"]) == (True, WHY)
    assert shown["versions"] == [{"version": 1, "at": "2026-11-20T20:20:12Z", "who": "SLO Ledger"}]
    assert api.get("/api/v1/postmortems?status=published").json["postmortems"] == []
    assert api.get("/api/v1/postmortems?status=x").status_code == 400


def test_two_editors_lose_nothing(api):
    sent = {"title": "Title", "body": "mine", "version": 1, "who": "mia"}
    assert api.put(AT, json=sent).json["version"] == 2
    lost = api.put(AT, json={**sent, "body": "yours", "who": "leo"})
    assert lost.status_code == 409
    assert lost.json["yours"] == {"title": "Title", "body": "yours"}
    assert (lost.json["theirs"]["body"], lost.json["theirs"]["version"]) == ("mine", 2)
    assert lost.json["base"]["body"].startswith("first")
    assert "mia saved version 2" in lost.json["detail"]
    assert api.get(f"{AT}/versions/2").json["body"] == "mine"
    assert api.get(f"{AT}/versions/3").status_code == 404


def test_it_is_published_with_an_urgent_item_only(api):
    assert api.post(f"{AT}/status", json={"status": "review", "who": "mia"}).status_code == 200
    refused = api.post(f"{AT}/status", json={"status": "published"})
    assert refused.status_code == 400
    assert "priority P0" in refused.json["detail"]
    item = {"text": "limit retries", "priority": "P0", "owner": "mia", "due": "2026-11-19"}
    made = api.post(f"{AT}/items", json=item)
    assert made.status_code == 201
    assert made.json["overdue"] is True
    published = api.post(f"{AT}/status", json={"status": "published", "who": "leo"}).json
    assert (published["reviewed_by"], published["published_at"]) == ("leo", "2026-11-20T20:21:12Z")
    assert [i["text"] for i in published["items"]] == ["limit retries"]


def test_items_are_changed_over_their_version(api):
    item = api.post(f"{AT}/items", json={"text": "do it", "who": "mia"}).json
    at = f"/api/v1/action-items/{item['id']}"
    assert api.get(at).json == item
    done = api.patch(at, json={"state": "done", "version": 1}).json
    assert (done["state"], done["version"]) == ("done", 2)
    lost = api.patch(at, json={"due": None, "version": 1})
    assert lost.status_code == 409
    assert lost.json["theirs"]["state"] == "done"
    assert api.get("/api/v1/action-items").json["items"] == [done]
    assert api.get("/api/v1/action-items?owner=x").json["items"] == []
    assert api.get("/api/v1/action-items?overdue=true").json["items"] == []
    assert api.get("/api/v1/action-items?overdue=1").status_code == 400


def test_files_and_previews_show_hostile_text_as_text(api):
    hostile = "<script>alert(1)</script> [x](javascript:alert(1))" + "x" * 10_000
    sent = {"title": hostile[:200], "body": hostile, "version": 1, "who": "mia"}
    assert api.put(AT, json=sent).status_code == 200
    page = api.get(f"{AT}.html")
    assert page.mimetype == "text/html"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    preview = api.post(f"{AT}/preview", json={"body": hostile}).json["html"]
    for html in (page.text, preview):
        assert "<script" not in html
        assert "href=" not in html
        assert "x" * 10_000 in html
    text = api.get(f"{AT}.md")
    assert text.mimetype == "text/markdown"
    assert text.text.startswith("# \\<script\\>")
    assert hostile in text.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "title: is missing"),
        ([], "body: is not a JSON object"),
        (
            {"title": "t", "body": "b", "version": 1, "x": 1},
            "x: is unknown; there are who, title",
        ),
        ({"title": "t", "body": 1, "version": 1}, "body: must be text"),
        ({"title": "t", "body": "b", "version": True}, "version: must be a whole number"),
        ({"title": "t", "body": "b", "version": "1"}, "version: must be a whole number"),
        ({"title": "", "body": "b", "version": 1}, "title: is empty"),
        ({"title": "t", "body": "b", "version": 1, "who": "SLO Ledger"}, "who: 'SLO Ledger' is"),
        ({"title": "t", "body": "\ud800", "version": 1}, "body: holds half of a surrogate pair"),
        ({"title": "t", "body": "x" * 200_001, "version": 1}, "body: has 200,001 characters"),
    ],
)
def test_a_bad_request_is_told_its_field_and_the_remedy(api, body, said):
    refused = api.put(AT, json=body)
    assert refused.status_code == 400
    assert said in refused.json["detail"]


def test_only_json_of_common_size_is_read(api):
    refused = api.put(AT, data='{"title": "t"}', content_type="text/plain")
    assert refused.status_code == 415
    assert "Content-Type: application/json" in refused.json["detail"]
    assert api.put(AT, data="{", content_type="application/json").status_code == 400
    huge = '{"title": "' + "x" * 2_000_000 + '"}'
    assert api.put(AT, data=huge, content_type="application/json").status_code == 413


@pytest.mark.parametrize("number", [2, 0, 2**63, 10**40])
def test_what_there_is_not_is_not_found(api, number):
    at = f"/api/v1/postmortems/{number}"
    for answer in (
        api.get(at),
        api.get(f"{at}.md"),
        api.get(f"{at}.html"),
        api.get(f"{at}/versions/1"),
        api.put(at, json={"title": "t", "body": "b", "version": 1}),
        api.post(f"{at}/items", json={"text": "t"}),
        api.get(f"/api/v1/action-items/{number}"),
        api.patch(f"/api/v1/action-items/{number}", json={"version": 1, "state": "done"}),
    ):
        assert answer.status_code == 404
        assert answer.json["detail"]
