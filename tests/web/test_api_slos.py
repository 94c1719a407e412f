"""The JSON API over a real store."""

from __future__ import annotations

import json

import pytest

from slo.status import status_json
from slo.store.engine import open_engine
from tests.web.world import NOW, latency_standing, make_client, many_standings


def test_all_slos_come_in_the_contracts_shape(site):
    response = site.get("/api/v1/slos")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    body = response.get_json()
    assert body["at"] == "2026-11-20T20:21:12Z"
    assert [s["slo"] for s in body["slos"]] == sorted(s.slo for s in many_standings())


def test_one_slo_is_the_same_object_as_the_report(site):
    body = site.get("/api/v1/slos/fraud-model/latency").get_json()
    assert body == json.loads(json.dumps(status_json(NOW, [latency_standing()])))


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("service=ranker", 2),
        ("state=exhausted", 1),
        ("state=none", 1),
        ("state=paused", 1),
        ("service=ranker&state=restricted", 1),
        ("service=unknown", 0),
        ("owner=search-quality", 2),
        ("owner=nobody", 0),
        ("label=tier=1", 1),
        ("label=tier=2", 0),
        ("q=FRAUD%20card%20reader", 1),
        ("q=fraud-model", 4),
        ("q=ranker%20tier", 0),
    ],
)
def test_lists_are_narrowed(site, query, count):
    assert len(site.get(f"/api/v1/slos?{query}").get_json()["slos"]) == count


def test_an_unknown_state_is_refused_with_those_there_are(site):
    response = site.get("/api/v1/slos?state=sad")
    assert response.status_code == 400
    assert "exhausted" in response.get_json()["detail"]


def test_an_unknown_slo_names_what_is_alike(site):
    response = site.get("/api/v1/slos/fraud-model/latncy")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json["near"][0] == "fraud-model/latency"
    assert "did you mean fraud-model/latency" in response.get_json()["detail"]


def test_an_slo_like_nothing_is_sent_to_the_list(site):
    error = site.get("/api/v1/slos/qqqq/zzzz").get_json()["detail"]
    assert error == "there is no SLO qqqq/zzzz; /api/v1/slos lists all"


def test_an_unknown_path_is_json_too(site):
    response = site.get("/api/v1/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.get_json()["detail"]


def test_an_empty_store_has_an_empty_list(client):
    assert client.get("/api/v1/slos").get_json()["slos"] == []


def test_a_store_out_of_reach_is_503_in_json(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/missing/slo.db")
    response = make_client(engine).get("/api/v1/slos")
    engine.dispose()
    assert response.status_code == 503
    assert "the store does not answer" in response.get_json()["detail"].lower()


def test_no_answer_holds_nan(site):
    for path in ("/api/v1/slos", "/api/v1/slos/search/latency"):
        assert "NaN" not in site.get(path).text
    empty = site.get("/api/v1/slos/search/latency").get_json()["slos"][0]
    assert empty["sli"] is None
    assert empty["budget"]["remaining"] is None
