"""The status page by the JSON API."""

from __future__ import annotations

import pytest

from tests.support.logins import add_user, site_of
from tests.web.status_world import make_status_world
from tests.web.world import make_client, make_store

PATH = "/api/v1/status"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """The store of a bad month; only to be read."""
    engine = make_store(tmp_path_factory.mktemp("status") / "slo.db")
    make_status_world(engine)
    yield engine
    engine.dispose()


def test_it_tells_what_the_page_shows(full):
    told = make_client(full).get(PATH).json
    assert (told["state"], told["headline"]) == ("caution", "An incident is open")
    assert told["read_at"] == "2026-11-20T20:21:00Z"
    assert [one["service"] for one in told["services"]] == ["checkout", "payments", "search"]
    checkout = told["services"][0]
    assert len(checkout["days"]) == 90
    assert checkout["days"][-1]["day"] == "2026-11-20T00:00:00Z"
    assert checkout["days"][-41]["state"] == "partly"
    assert checkout["days"][-41]["missed"]
    assert {"name", "state", "objective", "window", "sli"} == set(checkout["slos"][0])
    first = told["incidents"][0]
    assert first["title"] == "payments: availability and latency"
    assert first["resolved_at"] is None
    assert all(one["resolved_at"] for one in told["incidents"][1:])


def test_it_is_public_where_the_status_page_is(engine):
    add_user(engine)
    shown = make_client(engine, loaded=site_of(auth="users", public=("status",)))
    assert shown.get(PATH).json["services"] == []
    hidden = make_client(engine, loaded=site_of(auth="users"))
    assert hidden.get(PATH).status_code == 401


def test_a_view_that_is_as_new_is_not_sent_again(full):
    client = make_client(full)
    tag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 304
