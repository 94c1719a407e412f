"""The Atom feed of incidents."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from slo.config.settings import Settings
from slo.loaded import Loaded
from slo.store import incidents, timeline
from slo.store.engine import writing
from slo.web.pages.status.feed import MOST
from tests.web.status_world import HOSTILE, put_incident
from tests.web.world import DAY, NOW, make_client, make_standing, put_standings

ATOM = "{http://www.w3.org/2005/Atom}"
SETTINGS = Settings((), (), url="https://slo.example.com/base", name="slo-prod")


@pytest.fixture
def store(engine):
    put_standings(engine, [make_standing("shop/a"), make_standing("shop/b")])
    return engine


def feed(engine, settings=SETTINGS, **options):
    response = make_client(engine, loaded=Loaded(settings)).get("/feed.atom", **options)
    assert response.content_type == "application/atom+xml; charset=utf-8"
    return ET.fromstring(response.data)


def entries(root):
    return [
        {child.tag.removeprefix(ATOM): child.text for child in entry}
        for entry in root.iter(f"{ATOM}entry")
    ]


def test_an_empty_feed_is_whole(store):
    root = feed(store)
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == "tag:slo.example.com,2026:incidents"
    assert root.findtext(f"{ATOM}title") == "Incidents of slo-prod"
    assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "slo-prod"
    links = {link.get("rel"): link.get("href") for link in root.iter(f"{ATOM}link")}
    assert links == {
        "self": "https://slo.example.com/base/feed.atom",
        "alternate": "https://slo.example.com/base/status",
    }


def test_incidents_are_entries_newest_first_with_public_words_only(store):
    put_incident(store, "shop/a", began=3 * DAY, resolved=3 * DAY - 1500, assignee="mia")
    put_incident(store, "shop/a", began=600, more=["shop/b"])
    root = feed(store)
    newest, oldest = entries(root)
    assert newest["title"] == "shop: a and b"
    assert newest["summary"] == "Began 20\u202fNov 2026 20:11 UTC."
    assert oldest["title"] == "Resolved: shop: a"
    assert oldest["summary"].endswith("Over 17\u202fNov 2026 20:46 UTC, after 25\u202fmin.")
    assert oldest["id"] == "tag:slo.example.com,2026-11-17:incident/1"
    assert oldest["updated"] == "2026-11-17T20:46:12Z"
    assert root.findtext(f"{ATOM}updated") == newest["updated"]
    text = ET.tostring(root, encoding="unicode")
    for word in ("mia", "secret", "burn", "page"):
        assert word not in text


def test_ids_stay_while_an_entry_changes(store):
    number = put_incident(store, "shop/a", began=600)
    (before,) = entries(feed(store))
    with writing(store) as session:
        incidents.change(session, number, resolved_at=int(NOW), status="resolved")
        timeline.add(session, number, "resolved", "calm", at=int(NOW), now=int(NOW))
    (after,) = entries(feed(store))
    assert after["id"] == before["id"]
    assert after["published"] == before["published"]
    assert after["updated"] > before["updated"]
    with writing(store) as session:
        incidents.change(session, number, resolved_at=None, status="open")
        timeline.add(session, number, "reopened", "again", at=int(NOW) + 60, now=int(NOW) + 60)
    (again,) = entries(feed(store))
    assert again["title"] == before["title"]
    assert again["updated"] > after["updated"]


def test_without_url_the_name_gives_the_ids(store):
    put_incident(store, "shop/a", began=600)
    (entry,) = entries(feed(store, Settings((), (), name="slo_Prod.eu")))
    assert entry["id"].startswith("tag:slo-prod.eu,2026-11-20:")


def test_unlisted_services_are_left_out(store):
    put_incident(store, "shop/a", began=600)
    assert entries(feed(store, Settings((), (), unlisted=("shop",)))) == []


@pytest.mark.parametrize("unlisted", [(), ("noisy",)])
def test_no_newer_incident_hides_one_that_is_open_or_of_another_service(store, unlisted):
    put_standings(store, [make_standing("noisy/a")])
    put_incident(store, "shop/b", began=4 * DAY, resolved=3 * DAY)
    put_incident(store, "shop/a", began=2 * DAY)
    for n in range(MOST):
        put_incident(store, "noisy/a", began=DAY - n * 60, resolved=DAY - n * 60 - 30)
    found = entries(feed(store, Settings((), (), unlisted=unlisted)))
    ids = [entry["id"].rpartition("/")[2] for entry in found]
    assert ids == (["2", "1"] if unlisted else [str(MOST + 2 - n) for n in range(MOST)] + ["2"])


def test_hostile_names_stay_text(engine):
    slo_id = f"{HOSTILE}\u0001/]]>&"
    put_standings(engine, [make_standing(slo_id)])
    put_incident(engine, slo_id, began=600)
    (entry,) = entries(feed(engine))
    assert entry["title"] == f"{HOSTILE}\ufffd: ]]>&"


def test_it_may_be_asked_about_again(store):
    client = make_client(store, loaded=Loaded(SETTINGS))
    first = client.get("/feed.atom")
    assert first.headers["Cache-Control"] == "private, max-age=60"
    again = client.get("/feed.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
