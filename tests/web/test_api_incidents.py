from __future__ import annotations

import pytest

from slo.loaded import Loaded
from slo.web.app import create_app
from tests.incidents.world import AT, ONE, THREE, TWO, World
from tests.support.stores import empty_store
from tests.web.truthful import truthful

URL = "/api/v1/incidents"


@pytest.fixture
def world(tmp_path):
    """A service with an open incident, and one that is resolved."""
    engine = empty_store(tmp_path / "incidents.db")
    made = World(engine)
    made.put(made.fires(THREE, -9000))
    made.put(made.resolves(THREE, -6000))
    made.put(made.fires(ONE, 0), made.fires(TWO, 0))
    yield made
    engine.dispose()


@pytest.fixture
def client(world):
    app = create_app(world.engine, loaded=Loaded(world.settings), clock=lambda: AT + 120.0)
    return truthful(app).test_client()


def ids(client, query=""):
    answer = client.get(f"{URL}{query}")
    assert answer.status_code == 200, answer.json
    return [i["id"] for i in answer.json["incidents"]]


def test_lists_are_narrowed_by_the_query(client):
    assert ids(client) == [2, 1]
    assert ids(client, "?status=open") == [2]
    assert ids(client, "?status=unresolved&service=far") == []
    assert ids(client, f"?slo={TWO}") == [2]
    assert ids(client, f"?from={AT - 5000}") == [2]
    assert ids(client, f"?to={AT}") == [1]
    assert ids(client, "?limit=1") == [2]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("status=new", "status: 'new' is unknown; one of open, acknowledged, resolved, unresolved"),
        ("limit=1001", "limit: '1001' must be a whole number from 1 to 1000"),
        ("limit=-1", "limit: '-1' must be a whole number from 1 to 1000"),
        ("cursor=9" + "9" * 30, "cursor: is not a cursor of this query"),
        ("from=yesterday", "from: "),
    ],
)
def test_a_bad_query_is_refused_with_its_remedy(client, query, error):
    answer = client.get(f"{URL}?{query}")

    assert answer.status_code == 400
    assert answer.json["detail"].startswith(error)


def test_one_incident_comes_with_all_that_is_known(client):
    found = client.get(f"{URL}/2").json

    assert (found["severity"], found["status"]) == ("page", "open")
    assert [s["slo"] for s in found["slos"]] == [ONE, TWO]
    assert found["timeline"][0]["kind"] == "opened"
    assert [a["rule"] for a in found["alerts"]] == ["page-1h", "page-1h"]
    assert found["evidence"]["slo"] == ONE
    assert found["seconds"]["acknowledge"] is None
    assert found["postmortem"] is None
    assert client.get(f"{URL}/1").json["postmortem"]["status"] == "draft"


def test_people_act_by_the_api(client, world):
    taken = client.post(f"{URL}/2/acknowledge", json={"who": "mia"}).json
    assert (taken["status"], taken["seconds"]["acknowledge"]) == ("acknowledged", 120)
    assert client.post(f"{URL}/2/assign", json={"assignee": "leo"}).json["assignee"] == "leo"
    said = client.post(f"{URL}/2/comment", json={"text": "a deploy"}).json["timeline"][-1]
    assert (said["who"], said["text"]) == ("api", "a deploy")
    ended = client.post(f"{URL}/2/resolve", json={"why": "a load test", "who": "mia"}).json
    assert (ended["status"], ended["resolved_by"]) == ("resolved", "mia")
    assert world.told()[-1] == "resolved/0"


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("9/acknowledge", {}, 404, "there is no incident 9"),
        (f"{2**70}/acknowledge", {}, 404, "there is no incident with so large a number"),
        ("1/acknowledge", {}, 400, "incident 1 is resolved"),
        ("2/assign", {}, 400, "assignee: is missing"),
        ("2/resolve", {"why": " "}, 400, "why: is empty"),
        ("2/resolve", {"why": "x", "by": "me"}, 400, "by: is unknown; there are who, why"),
        ("2/comment", {"text": 5}, 400, "text: must be text"),
    ],
)
def test_a_bad_request_changes_nothing(client, world, path, body, status, error):
    before = [e.id for e in world.events(2)]
    answer = client.post(f"{URL}/{path}", json=body)

    assert answer.status_code == status
    assert answer.json["detail"].startswith(error)
    assert [e.id for e in world.events(2)] == before


def test_only_json_acts(client):
    assert client.post(f"{URL}/2/acknowledge", data={"who": "mia"}).status_code == 415
