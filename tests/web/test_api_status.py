"""The status page by the JSON API."""

from __future__ import annotations

from tests.support.logins import add_user, site_of
from tests.web.world import make_client

PATH = "/api/v1/status"


def test_it_tells_what_the_page_shows(bad_month):
    told = make_client(bad_month).get(PATH).json
    assert (told["state"], told["headline"]) == ("caution", "An incident is open")
    assert told["read_at"] == "2026-11-20T20:21:00Z"
    assert [one["service"] for one in told["services"]] == ["payments", "checkout", "search"]
    checkout = told["services"][1]
    assert len(checkout["days"]) == 90
    assert checkout["days"][-1]["day"] == "2026-11-20T00:00:00Z"
    assert checkout["days"][-41]["state"] == "partly"
    assert checkout["days"][-41]["missed"]
    assert {"name", "state", "objective", "window", "sli"} == set(checkout["slos"][0])
    first = told["incidents"][0]
    assert first["title"] == "payments: availability and latency"
    assert first["resolved_at"] is None
    (past,) = told["incidents"][1:]
    assert past["resolved_at"] == "2026-11-17T20:46:12Z"


def test_it_is_public_where_the_status_page_is(engine):
    add_user(engine)
    shown = make_client(engine, loaded=site_of(auth="users", public=("status",)))
    assert shown.get(PATH).json["services"] == []
    hidden = make_client(engine, loaded=site_of(auth="users"))
    assert hidden.get(PATH).status_code == 401


def test_a_view_that_is_as_new_is_not_sent_again(bad_month):
    client = make_client(bad_month)
    tag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 304
