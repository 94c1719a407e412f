"""Freshness: what is shown of an SLO's data goes by the clock, however long ago its cycle was."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.domain.span import utc
from slo.gate import ask
from slo.loaded import Loaded
from slo.metrics import StoreCollector
from slo.store.engine import glancing
from tests.support.stores import empty_store
from tests.web.world import AT, make_client, make_standing, put_standings

SLO = "shop/latency"
NEW, LATE, NONE = AT + 195, AT + 196, AT + 601
YAML = """gate: {max_age: 1h}
services:
  shop: {slos: {latency: {objective: 99.9%, slices: {query: up, at_least: 1}}}}
"""


@pytest.fixture
def store(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing(SLO, fresh_for=195)])
    yield engine
    engine.dispose()


@pytest.fixture
def clock():
    return [float(NEW)]


@pytest.fixture
def client(store, clock):
    """One app, so that what it keeps in memory lives through all instants."""
    loaded = Loaded(parse(YAML, "slo.yaml", {}))
    return make_client(store, clock=lambda: clock[0], loaded=loaded)


INSTANTS = [(NEW, "fresh"), (LATE, "late"), (NONE, "none"), (NEW, "fresh")]


def test_lists_and_single_slos_tell_it_in_json(client, clock):
    for clock[0], data in INSTANTS:
        body = client.get("/api/v1/slos").json
        assert body["at"] == f"{utc(clock[0]):%Y-%m-%dT%H:%M:%SZ}"
        assert [one["data"] for one in body["slos"]] == [data]
        assert client.get(f"/api/v1/slos/{SLO}").json["slos"] == body["slos"]
        assert len(client.get("/api/v1/slos?state=none").json["slos"]) == (data == "none")


def test_a_service_counts_those_without_data(client, clock):
    for clock[0], data in INSTANTS:
        (listed,) = client.get("/api/v1/services").json["services"]
        assert listed["without_data"] == (data == "none")
        assert client.get("/api/v1/services/shop").json == listed


@pytest.mark.parametrize("path", ["/", f"/slo/{SLO}", "/service/shop"])
def test_pages_tell_it_in_a_word(client, clock, path):
    for clock[0], data in INSTANTS:
        text = client.get(path).text
        shown = {word for word in ("late", "none") if f'class="badge tone-{word}"' in text}
        assert shown == {data} - {"fresh"}


def test_a_badge_and_the_status_page_tell_it(client, clock):
    for clock[0], data in INSTANTS[:3]:
        assert ("no data" in client.get(f"/badge/{SLO}.svg?show=state").text) == (data == "none")
    (service,) = client.get("/api/v1/status").json["services"]
    assert service["state"] == "none"


def test_a_tag_changes_with_the_data_and_not_with_the_clock(client, clock):
    first = client.get("/api/v1/slos")
    asking = {"If-None-Match": first.headers["ETag"]}
    clock[0] = NEW - 60
    assert client.get("/api/v1/slos", headers=asking).status_code == 304
    clock[0] = LATE
    assert client.get("/api/v1/slos", headers=asking).status_code == 200


def test_a_gate_without_data_is_unknown_although_what_it_recalls_is_the_same(store):
    settings = parse(YAML, "slo.yaml", {})
    for now, data in INSTANTS:
        for scope in (SLO, "shop"):
            with glancing(store) as session:
                found = ask(session, settings, scope, now)
            assert found.state == ("unknown" if data == "none" else "open"), data
            assert found.slos[0].standing.data == data


def test_metrics_tell_it(store):
    for now, data in INSTANTS:
        collector = StoreCollector(store, lambda now=now: now)
        (family,) = [f for f in collector.collect() if f.name == "slo_data"]
        assert [s.labels["data"] for s in family.samples if s.value] == [data]
