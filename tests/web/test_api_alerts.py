"""Alerts by the JSON API: what fires, what is frozen, and the history."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.domain.alert import AlertState, Transition
from slo.domain.policy import Policy
from slo.loaded import Loaded
from slo.store import alerts, policies
from slo.store.engine import reading, writing
from slo.web.alert_filter import Filter
from slo.web.api.alert_json import alerts_json
from tests.web.world import AT, DAY, NOW, make_client, make_standing, put_standings

SLOW, UP = "fraud-model/latency", "ranker/availability"
NUMBERS = (("burn_1h", 14.9), ("burn_5m", float("inf")), ("bad", None))


def transition(slo, rule, change, at, **fields):
    fields = {"decided_at": at + 16, "late": False, "reason": f"{rule} {change}", **fields}
    severity = "page" if rule.startswith("page") else "ticket"
    return Transition(slo, rule, "burn", severity, change, at, **fields)


@pytest.fixture
def told(engine):
    """A store with four transitions: one alert that ended, one late that fires, one that fires."""
    put_standings(engine, [make_standing(SLOW), make_standing(UP)])
    with writing(engine) as session:
        numbers = policies.ensure(session, {SLOW: Policy(()), UP: Policy(())}, AT)
        kept = alerts.add(
            session,
            [
                transition(SLOW, "page-1h", "fires", AT - 3 * DAY, numbers=NUMBERS),
                transition(SLOW, "page-1h", "resolves", AT - 3 * DAY + 1800),
                transition(UP, "ticket-3d", "fires", AT - DAY, late=True),
                transition(SLOW, "page-6h", "fires", AT - 600),
            ],
            numbers,
        )
        states = {
            SLOW: [
                AlertState(
                    "page-6h",
                    "burn",
                    "page",
                    firing=True,
                    since=AT - 600,
                    reason="burns 7x",
                    alert=kept[3].id,
                    muted_until=NOW + 60,
                ),
                AlertState("page-1h", "burn", "page", frozen="no data", reason="quiet"),
            ],
            UP: [
                AlertState(
                    "ticket-3d",
                    "burn",
                    "ticket",
                    firing=True,
                    since=AT - DAY,
                    reason="burns 1.2x",
                    frozen="no data for 4m",
                    alert=kept[2].id,
                )
            ],
        }
        alerts.put_states(session, states)
    return [t.id for t in kept]


@pytest.fixture
def api(engine, told):
    assert len(told) == 4
    return make_client(engine)


def get(api, query="", code=200):
    response = api.get(f"/api/v1/alerts{query}")
    assert response.status_code == code, response.text
    kind = "application/json" if code < 400 else "application/problem+json"
    assert response.headers["Content-Type"] == kind
    return response.get_json()


def test_what_fires_comes_with_how_long_why_and_what_holds_it_up(api, told):
    pages, tickets = get(api)["firing"]
    assert pages == {
        "id": told[3],
        "slo": SLOW,
        "rule": "page-6h",
        "kind": "burn",
        "severity": "page",
        "since": "2026-11-20T20:11:00Z",
        "seconds": NOW - AT + 600,
        "reason": "burns 7x",
        "frozen": None,
        "muted_until": "2026-11-20T20:22:12Z",
        "late": False,
        "numbers": {},
        "incident": None,
    }
    assert (tickets["slo"], tickets["frozen"], tickets["late"]) == (UP, "no data for 4m", True)


def test_rules_that_are_frozen_and_quiet_are_told_apart(api):
    assert get(api)["frozen"] == [{"slo": SLOW, "rule": "page-1h", "reason": "no data"}]


def test_the_history_is_newest_first_with_numbers_and_how_long_it_lasted(api, told):
    body = get(api)
    found = body["history"]
    assert [t["id"] for t in found] == [told[3], told[2], told[1], told[0]]
    assert [t["change"] for t in found] == ["fires", "fires", "resolves", "fires"]
    assert [t["seconds"] for t in found] == [None, None, 1800, 1800]
    assert found[2]["began"] == told[0]
    assert found[1]["late"]
    # What is no number is null: JSON has no infinity.
    assert found[3]["numbers"] == {"burn_1h": 14.9, "burn_5m": None, "bad": None}
    assert body["next"] is None


@pytest.mark.parametrize(
    ("query", "firing", "history"),
    [
        (f"?slo={SLOW}", 1, 3),
        ("?service=ranker", 1, 1),
        ("?severity=ticket", 1, 1),
        ("?from=2d", 2, 2),
        ("?from=2026-11-20T20:00:00Z", 2, 1),
        ("?to=2d", 2, 2),
        (f"?from={AT - 600}", 2, 1),
        (f"?from={AT - 599}", 2, 0),
    ],
)
def test_the_list_is_narrowed(api, query, firing, history):
    body = get(api, query)
    assert (len(body["firing"]), len(body["history"])) == (firing, history)


def test_a_page_of_history_is_continued_by_the_next(api, told):
    seen, query = [], "?limit=3"
    while query:
        body = get(api, query)
        seen += [t["id"] for t in body["history"]]
        query = f"?limit=3&cursor={body['next']}" if body["next"] else ""
    assert seen == told[::-1]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("?slo=fraud-model/latncy", "slo: there is no 'fraud-model/latncy'; did you mean"),
        ("?service=zzz", "service: there is no 'zzz'; /api/v1/slos lists all"),
        ("?severity=loud", "severity: 'loud' is unknown; one of page, ticket"),
        ("?from=then", "from: 'then' is not a time; write for example"),
        ("?limit=0", "limit: '0' must be a whole number from 1 to 1000"),
        ("?limit=1001", "limit: "),
        ("?cursor=x", "cursor: is not a cursor of this query; take `next`"),
        ("?sinc=7d", "sinc: is unknown; there are limit, cursor, slo, service"),
    ],
)
def test_a_query_that_cannot_be_is_refused(api, query, error):
    assert error in get(api, query, 400)["detail"]


def test_an_slo_of_slo_yaml_without_alerts_has_none(engine, client):
    yaml = "services: {a: {slos: {b: {objective: 99%, slices: {query: up, at_least: 1}}}}}"
    api = make_client(engine, loaded=Loaded(parse(yaml, "slo.yaml", {})))
    body = get(api, "?slo=a/b")
    assert (body["firing"], body["frozen"], body["history"]) == ([], [], [])
    assert client.get("/api/v1/alerts").status_code == 200


def test_command_and_api_share_one_object(engine, api):
    with reading(engine) as session:
        assert alerts_json(session, Filter(), NOW) == get(api)
