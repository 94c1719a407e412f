"""Silences and exclusions by the JSON API."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.loaded import Loaded
from slo.store import audit, exclusions, silences
from slo.store.engine import reading
from tests.web.world import AT, DAY, NOW, latency_standing, make_client, put_standings
from tests.web.world import book_latency as book

YAML = """services:
  fraud-model:
    slos:
      latency:
        objective: 99%
        labels: {team: ml}
        events: {bad: errors_total, total: requests_total}
  ranker:
    slos:
      accuracy: {objective: 99%, events: {bad: errors_total, total: requests_total}}
"""
SILENCE = {"scope": "fraud-model", "until": "2h", "why": "a migration", "who": "mia"}
SPAN = {
    "scope": "fraud-model/latency",
    "from": "2026-11-20T10:00:00Z",
    "to": "2026-11-20T12:00:00Z",
    "category": "maintenance",
    "why": "an upgrade",
}
RULE = {
    "scope": "*",
    "rrule": "FREQ=WEEKLY;BYDAY=SU",
    "start": "2026-11-22T02:00",
    "for": "2h",
    "zone": "Europe/Berlin",
    "category": "maintenance",
    "why": "the weekly window",
}


@pytest.fixture
def api(engine):
    """The site over a store with a booked month of fraud-model/latency."""
    book(engine, put_standings(engine, [latency_standing()])["fraud-model/latency"])
    return make_client(engine, loaded=Loaded(parse(YAML, "slo.yaml", {})))


def post(api, path, body, code=201):
    response = api.post(f"/api/v1/{path}", json=body)
    assert response.status_code == code, response.text
    kind = "application/json" if code < 400 else "application/problem+json"
    assert response.headers["Content-Type"] == kind
    return response.get_json()


def get(api, path):
    response = api.get(f"/api/v1/{path}")
    assert response.status_code == 200, response.text
    return response.get_json()


def test_a_silence_is_added_listed_and_ended(api, engine):
    made = post(api, "silences", SILENCE | {"labels": {"team": "ml"}})
    assert made == {
        "id": 1,
        "scope": "fraud-model/*",
        "labels": {"team": "ml"},
        "start": "2026-11-20T20:21:12Z",
        "end": "2026-11-20T22:21:12Z",
        "ended_at": None,
        "active": True,
        "who": "mia",
        "why": "a migration",
        "at": "2026-11-20T20:21:12Z",
    }
    assert get(api, "silences") == {"silences": [made], "next": None}
    with reading(engine) as session:
        (kept,) = silences.active(session, NOW)
    assert kept.mutes("fraud-model/latency", {"team": "ml"}, NOW)
    ended = post(api, "silences/1/end", {"why": "done"}, 200)
    assert ended == made | {"active": False, "ended_at": "2026-11-20T20:21:12Z"}
    assert get(api, "silences") == {"silences": [], "next": None}
    assert get(api, "silences?all=true") == {"silences": [ended], "next": None}
    with reading(engine) as session:
        assert audit.of(session)[0].who == "api"


def test_until_may_be_a_time_or_epoch_seconds_at_most_30_days_ahead(api):
    for until in ("2026-11-21T00:00:00Z", NOW + 60, NOW + 30 * DAY):
        post(api, "silences", SILENCE | {"until": until})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"until": NOW + 30 * DAY + 1},
            "until: lies over 30d ahead; end it by 2026-12-20T20:21:12Z",
        ),
        ({"until": "31d"}, "until: lies over 30d ahead"),
        ({"until": NOW}, "until: 2026-11-20T20:21:12Z is past"),
        ({"until": "soon"}, "until: 'soon' is not a time; write for example"),
        ({"until": True}, "until: must be text or a whole number"),
        ({"scope": "fraud"}, "scope: there is no service or SLO 'fraud'; did you mean fraud-model"),
        ({"scope": "*"}, "all: is needed for *, which mutes every SLO"),
        ({"all": True}, "all: contradicts what is named"),
        ({"all": "yes"}, "all: must be true or false"),
        ({"why": "  "}, "why: is empty"),
        ({"why": "x" * 1001}, "why: has 1,001 characters; 1,000 fit"),
        ({"why": 3}, "why: must be text"),
        ({"who": "a\u0000b"}, "who: holds what is no character"),
        ({"labels": {"team": "shop"}}, "no SLO of fraud-model/* has team=shop; there are team=ml"),
        ({"labels": {"team": 3}}, "labels.team: must be text"),
        ({"scope": "ranker", "labels": {"a": "b"}}, "they have no labels"),
        ({"until_when": "x"}, "until_when: is unknown; there are who, scope, until, why"),
    ],
)
def test_a_silence_that_cannot_be_is_refused(api, change, told):
    assert told in post(api, "silences", SILENCE | change, 400)["detail"]
    assert get(api, "silences?all=true") == {"silences": [], "next": None}


def test_everything_is_muted_only_if_that_is_said(api):
    made = post(api, "silences", SILENCE | {"scope": "*", "all": True})
    assert made["scope"] == "*"
    post(api, "silences", SILENCE | {"scope": "*", "labels": {"team": "ml"}})


@pytest.mark.parametrize(
    "path", ["silences", "silences/1/end", "exclusions", "exclusions/1/remove"]
)
def test_what_is_no_json_object_is_refused(api, path):
    assert api.post(f"/api/v1/{path}", data={"scope": "*"}).status_code == 415
    for text in ("[]", "{", '"x"', ""):
        sent = api.post(f"/api/v1/{path}", data=text, content_type="application/json")
        assert (sent.status_code, sent.json["detail"]) == (400, "body: is not a JSON object")
    assert "is missing" in post(api, path, {}, 400)["detail"]
    large = api.post(f"/api/v1/{path}", json={"why": "x" * 100_000})
    assert large.status_code in {400, 413}


def test_only_a_silence_that_runs_can_be_ended(api):
    for number, said in ((1, "there is no silence 1;"), (2**80, "there is no silence with so")):
        assert said in post(api, f"silences/{number}/end", {"why": "done"}, 404)["detail"]
    post(api, "silences", SILENCE)
    post(api, "silences/1/end", {"why": "done"}, 200)
    again = post(api, "silences/1/end", {"why": "done"}, 404)["detail"]
    assert "silence 1 is over since 2026-11-20T20:21:12Z" in again


def test_a_page_of_another_site_cannot_silence(api):
    sent = api.post("/api/v1/silences", json=SILENCE, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert get(api, "silences") == {"silences": [], "next": None}


def test_a_preview_tells_what_changes_and_writes_nothing(api, engine):
    body = post(api, "exclusions", SPAN | {"preview": True}, 200)
    assert body["spans"] == [{"start": "2026-11-20T10:00:00Z", "end": "2026-11-20T12:00:00Z"}]
    (change,) = body["changes"]
    assert change["slo"] == "fraud-model/latency"
    assert change["spans"] == body["spans"]
    assert change["events"]["total"] > 0
    assert change["events"]["good"] + change["events"]["bad"] == change["events"]["total"]
    assert change["budget"]["before"]["spent"] > change["budget"]["after"]["spent"]
    assert set(change["state"]) == {"before", "after"}
    with reading(engine) as session:
        assert [e.scope for e in exclusions.of(session)] == ["fraud-model/*"]


def test_an_exclusion_is_added_listed_and_removed(api):
    made = post(api, "exclusions", SPAN)
    assert made["start"] == SPAN["from"]
    assert made["schedule"] is None
    listed = get(api, "exclusions?scope=fraud-model")["exclusions"]
    assert made in listed
    assert get(api, "exclusions?scope=ranker")["exclusions"] == []
    path = f"exclusions/{made['id']}/remove"
    there = post(api, path, {"why": "ours", "preview": True}, 200)
    assert there["changes"][0]["events"]["total"] < 0
    assert made in get(api, "exclusions")["exclusions"]
    assert post(api, path, {"why": "ours"}, 200) == {"removed": str(made["id"]), "exclusions": 1}
    assert made not in get(api, "exclusions")["exclusions"]
    assert "there is no exclusion" in post(api, path, {"why": "ours"}, 404)["detail"]


def test_a_recurring_exclusion_is_added_listed_and_removed(api):
    made = post(api, "exclusions", RULE)
    assert made["id"] == "schedule/1"
    assert made["next"] == {"start": "2026-11-22T01:00:00Z", "end": "2026-11-22T03:00:00Z"}
    assert made["occurrences"] == 57
    body = get(api, "exclusions")
    assert body["schedules"] == [made]
    assert [e["schedule"] for e in body["exclusions"]] == [None]
    every = get(api, "exclusions?occurrences=true")["exclusions"]
    assert [e["schedule"] for e in every].count(1) == 57
    gone = post(api, "exclusions/schedule/1/remove", {"why": "over", "past": True}, 200)
    assert gone == {"removed": "schedule/1", "exclusions": 57}
    assert get(api, "exclusions")["schedules"] == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (SPAN | {"to": SPAN["from"]}, "to: must be later than from"),
        (SPAN | {"from": "2026-11-20T10:00:00"}, "from: '2026-11-20T10:00:00' has no time zone"),
        (SPAN | {"from": AT * 1000}, "from: "),
        (
            SPAN | {"category": "holiday"},
            "category: 'holiday' is unknown; one of maintenance",
        ),
        (SPAN | {"scope": "latency"}, "scope: there is no service or SLO 'latency'; did you mean"),
        (SPAN | {"zone": "UTC"}, "zone: goes with rrule"),
        ({k: v for k, v in SPAN.items() if k != "to"}, "to: is missing; say from and to, or rrule"),
        (RULE | {"from": AT}, "rrule: goes with start, for and zone"),
        ({k: v for k, v in RULE.items() if k != "zone"}, "zone: is missing"),
        (RULE | {"rrule": "FREQ=HOURLY"}, "rrule: FREQ must be one of"),
        (RULE | {"for": "long"}, "for: 'long' is not a duration"),
        (
            RULE | {"start": "2026-11-22T02:00Z"},
            "rrule: the start '2026-11-22T02:00Z' has an offset",
        ),
    ],
)
def test_an_exclusion_that_cannot_be_is_refused(api, body, told):
    assert told in post(api, "exclusions", body, 400)["detail"]


@pytest.mark.parametrize("path", ["silences?all=maybe", "exclusions?occurrences=1"])
def test_a_switch_is_true_or_false(api, path):
    response = api.get(f"/api/v1/{path}")
    assert response.status_code == 400
    assert "true or false" in response.get_json()["detail"]
