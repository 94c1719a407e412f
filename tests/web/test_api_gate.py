"""Gates by the JSON API."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.domain.standing import StandingAlert
from slo.loaded import Loaded
from slo.store import audit, standings
from slo.store.engine import reading, writing
from tests.web.world import AT, DAY, NOW, make_client, make_standing, put_standings

YAML = """services:
  shop:
    slos:
      availability: {objective: 99%, events: {bad: errors_total, total: requests_total}}
      latency:
        objective: 99%
        gate: {closes_on: [caution]}
        events: {bad: errors_total, total: requests_total}
  fresh:
    slos:
      availability: {objective: 99%, events: {bad: errors_total, total: requests_total}}
gate: {closes_on: [exhausted, page], max_age: 5m}
"""


@pytest.fixture
def api(engine):
    put_standings(engine, [make_standing("shop/availability"), make_standing("shop/latency")])
    return make_client(engine, loaded=Loaded(parse(YAML, "slo.yaml", {})))


def change(engine, slo_id, **changes):
    with writing(engine) as session:
        standings.put(session, [(make_standing(slo_id, **changes), None)])


def ask(api, path, code):
    response = api.get(f"/api/v1/gate/{path}")
    assert response.status_code == code, response.text
    return response.get_json()


def hold(api, code=201, **body):
    body = {"scope": "shop", "until": "2h", "why": "the fix goes out", "who": "mia", **body}
    response = api.post("/api/v1/gate-overrides", json=body)
    assert response.status_code == code, response.text
    return response.get_json()


def test_an_open_gate_is_200_with_the_numbers_behind_it(api):
    found = ask(api, "shop", 200)
    assert (found["gate"], found["state"], found["reasons"]) == ("shop", "open", [])
    one, two = found["slos"]
    assert (one["slo"], two["slo"]) == ("shop/availability", "shop/latency")
    assert one["budget_remaining"] == pytest.approx(0.4277, abs=1e-4)
    assert (one["budget_state"], one["data"], one["alerts"]) == ("healthy", "fresh", [])
    assert ask(api, "shop/availability", 200)["slos"] == [one]


def test_a_closed_gate_is_412_with_its_reasons(api, engine):
    fires = StandingAlert("page-1h", "burn", "page", AT, "burned 15x")
    change(engine, "shop/availability", alerts=(fires,), left=-0.5, state="exhausted")
    found = ask(api, "shop", 412)
    assert found["state"] == "closed"
    assert found["reasons"] == [
        "shop/availability: the error budget is spent: -50% is left",
        "shop/availability: a page fires since 2026-11-20T20:21:00Z: burned 15x",
    ]
    assert found["slos"][0]["alerts"] == [
        {"rule": "page-1h", "severity": "page", "reason": "burned 15x"}
    ]
    assert ask(api, "shop/latency", 200)["state"] == "open"


def test_an_slo_may_have_reasons_of_its_own(api, engine):
    change(engine, "shop/availability", left=0.2, state="caution")
    assert ask(api, "shop", 200)["state"] == "open"
    change(engine, "shop/latency", left=0.2, state="caution")
    assert ask(api, "shop", 412)["reasons"] == [
        "shop/latency: the error budget runs low: 20% is left"
    ]


def test_what_cannot_be_judged_is_503_and_may_be_asked_again(api, engine):
    change(engine, "shop/availability", at=int(NOW) - 301)
    response = api.get("/api/v1/gate/shop")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.get_json()["state"] == "unknown"
    assert ask(api, "fresh", 503)["reasons"] == ["fresh/availability: no cycle has judged it yet"]


@pytest.mark.parametrize("path", ["shp", "shop/latencyy", "shop%2Flatency/x", "%20", "a%00b"])
def test_what_there_is_not_is_404_and_tells_what_is_near(api, path):
    response = api.get(f"/api/v1/gate/{path}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_a_near_name_is_told(api):
    assert "did you mean shop" in ask(api, "shp", 404)["detail"]


def test_a_gate_is_held_open_until_its_time_and_shows_by_whom(api, engine):
    change(engine, "shop/availability", left=-0.5, state="exhausted")
    made = hold(api)
    assert made == {
        "id": 1,
        "scope": "shop/*",
        "until": "2026-11-20T22:21:12Z",
        "who": "mia",
        "why": "the fix goes out",
        "at": "2026-11-20T20:21:12Z",
        "ended_at": None,
    }
    found = ask(api, "shop", 200)
    assert (found["state"], found["overrides"]) == ("open", [made])
    assert found["slos"][0]["override"] == 1
    assert found["slos"][0]["reasons"]
    assert api.get("/api/v1/gate-overrides").get_json() == {"overrides": [made], "next": None}
    ended = api.post("/api/v1/gate-overrides/1/end", json={"why": "done"})
    assert ended.status_code == 200
    assert ask(api, "shop", 412)["overrides"] == []
    assert api.post("/api/v1/gate-overrides/1/end", json={"why": "done"}).status_code == 404
    with reading(engine) as session:
        assert [e.who for e in audit.of(session, "shop/*")] == ["api", "mia"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"scope": "*"}, "scope: * is every service"),
        ({"scope": "shp"}, "did you mean shop"),
        ({"until": "8d"}, "until: lies over 7d ahead"),
        ({"until": int(NOW)}, "is past"),
        ({"why": " "}, "why: is empty"),
        ({"until": "soon"}, "until: 'soon' is not a time"),
        ({"hold": True}, "hold: is unknown"),
    ],
)
def test_what_cannot_hold_a_gate_open_is_refused(api, body, told):
    assert told in hold(api, 400, **body)["detail"]
    assert api.get("/api/v1/gate-overrides").get_json() == {"overrides": [], "next": None}


def test_an_override_may_last_seven_days(api):
    hold(api, until=int(NOW) + 7 * DAY)
