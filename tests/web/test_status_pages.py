"""The status page: what everybody may know, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from slo.config.settings import Settings, SiteSettings
from slo.loaded import Loaded
from slo.store import standings
from slo.store.engine import writing
from slo.web.app import create_app, warm
from tests.support.stores import empty_store
from tests.web.document import Document
from tests.web.status_world import (
    HOSTILE,
    book_days,
    put_incident,
)
from tests.web.world import AT, DAY, NOW, make_client, make_standing, put_standings


def page(engine, **options):
    response = make_client(engine, **options).get("/status")
    assert response.status_code == 200
    return response.text


def bars(text):
    """The classes of each service's days, oldest first."""
    drawn = re.findall(r'<svg class="days" .*?</svg>', text, re.DOTALL)
    return [re.findall(r'<path class="(\w+)"', svg) for svg in drawn]


def test_the_headline_tells_of_open_incidents_first(bad_month):
    text = page(bad_month)
    assert "<h1>An incident is open</h1>" in text
    assert "payments: availability and latency" in text
    assert "It is being worked on." in text
    assert "As of 20\u202fNov 20:21 UTC" in text


def test_each_day_of_each_service_is_drawn_with_its_text(bad_month):
    text = page(bad_month)
    payments, checkout, search = bars(text)
    assert [len(days) for days in (checkout, payments, search)] == [90, 90, 90]
    assert checkout[-41] == "partly"
    assert set(checkout[:-41] + checkout[-40:]) == {"met"}
    assert (payments[-13], payments[-31], payments[-32]) == ("partly", "partly", "missed")
    assert set(search) == {"met"}
    told = 'aria-label="The last 90 days: 87 within objectives, 2 partly below, 1 below"'
    assert told in text
    assert "<title>8\u202fNov, partly below: availability</title>" in text
    assert "8\u202fNov (availability)" in text


def test_services_in_trouble_come_first_and_stay_open_wherever_they_move(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    states = {"a": {}, "b": {"data": "none"}, "c": {}, "d": {"state": "exhausted", "left": -0.1}}
    put_standings(engine, [make_standing(f"{name}/x", **more) for name, more in states.items()])
    text = page(engine)
    engine.dispose()
    assert re.findall(r'<details id="service-(\w+)">', text) == ["d", "b", "a", "c"]


def test_figures_are_the_events_of_all_days(bad_month):
    text = page(bad_month)
    # 10,400 bad of nine million.
    assert "availability 99.884\u202f%" in text
    assert "latency 99.967\u202f%" in text


def test_past_incidents_are_those_of_two_weeks(bad_month):
    past = page(bad_month).partition('id="past"')[2]
    assert "payments: availability" in past
    assert "Over after 25\u202fmin." in past
    assert "checkout" not in past


def test_nothing_internal_is_told(bad_month):
    text = page(bad_month)
    for word in ("secret", "mia", "requests_total", "runbooks", "risk-ml", "burn", "14.2x", "gone"):
        assert word not in text.partition("<main")[2], word


def test_the_heading_says_how_all_of_it_is(tmp_path):
    def headline(*changes):
        engine = empty_store(tmp_path / f"{headline.n}.db")
        headline.n += 1
        put_standings(engine, [make_standing(f"{s}/a", **more) for s, more in changes])
        found = re.search(r"<h1>(.*?)</h1>", page(engine))[1]
        engine.dispose()
        return found

    headline.n = 0
    assert headline() == "There is nothing yet"
    assert headline(("shop", {})) == "shop is within its objectives"
    assert headline(("shop", {}), ("bank", {})) == "All services are within their objectives"
    spent = {"state": "exhausted", "left": -0.1}
    assert headline(("shop", spent)) == "shop is below an objective"
    assert headline(("shop", spent), ("b", {})) == "1 of 2 services is below an objective"
    assert headline(("shop", {"data": "none"}), ("b", {})) == "1 of 2 services is without data"
    assert headline(("shop", {"state": "new"})) == "It is too early to judge"
    assert headline(("shop", {"at": AT - 3600})) == "Nothing was read for 60\u202fmin"


def test_without_any_slo_the_page_stands(engine):
    text = page(engine)
    assert "There is nothing yet" in text
    assert "None." in text


def test_a_service_that_is_unlisted_is_nowhere(bad_month):
    settings = Settings((), (), unlisted=("payments",))
    text = page(bad_month, loaded=Loaded(settings))
    assert "payments" not in text
    assert "All services are within their objectives" in text


@pytest.mark.parametrize("unlisted", [(), ("noisy",)])
def test_no_newer_incident_hides_one_that_is_open_or_of_another_service(tmp_path, unlisted):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing("shop/a"), make_standing("noisy/a")])
    put_incident(engine, "shop/a", began=4 * DAY, resolved=3 * DAY)
    put_incident(engine, "shop/a", began=2 * DAY)
    for n in range(120):
        put_incident(engine, "noisy/a", began=DAY - n * 60, resolved=DAY - n * 60 - 30)
    client = make_client(engine, loaded=Loaded(Settings((), (), unlisted=unlisted)))
    told = client.get("/api/v1/status").json
    assert told["headline"] == "An incident is open"
    current, *past = told["incidents"]
    assert (current["title"], current["resolved_at"]) == ("shop: a", None)
    assert [one["title"] for one in past] == (["shop: a"] if unlisted else ["noisy: a"] * 100)
    engine.dispose()


def test_who_may_not_read_sees_no_way_to_the_inside(bad_month):
    site = SiteSettings(auth="users", public=("status",))
    client = make_client(bad_month, loaded=Loaded(Settings((), (), site=site)))
    assert client.get("/").status_code != 200
    shown = client.get("/status")
    assert shown.status_code == 200
    assert "<nav" not in shown.text
    assert 'href="/incidents' not in shown.text
    private = Loaded(Settings((), (), site=replace(site, public=())))
    for path in ("/status", "/badge/payments.svg", "/feed.atom"):
        assert make_client(bad_month, loaded=private).get(path).status_code in {303, 401, 403}
        assert client.get(path).status_code == 200


def test_it_is_made_at_most_once_in_two_cycles_unless_a_cycle_has_run(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing("shop/a")])
    now = [NOW]
    app = create_app(engine, clock=lambda: now[0])
    client = app.test_client()
    assert "shop is within" in client.get("/status").text
    with writing(engine) as session:
        spent = make_standing("shop/a", state="exhausted", left=-1.0)
        standings.put(session, [(spent, None)])
    now[0] = NOW + 119
    assert "shop is within" in client.get("/status").text
    warm(app)
    assert "shop is below" in client.get("/status").text
    with writing(engine) as session:
        standings.put(session, [(make_standing("shop/a"), None)])
    now[0] = NOW + 119 + 121
    assert "shop is within" in client.get("/status").text
    engine.dispose()


def test_hostile_names_stay_text(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    slo_id = f"{HOSTILE}/<b>\"'&"
    meters = put_standings(engine, [make_standing(slo_id)])
    book_days(engine, meters, {slo_id: {3: 9000.0}})
    put_incident(engine, slo_id, began=60)
    text = page(engine)
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert Document(text)
    engine.dispose()


def test_days_before_the_ledger_have_no_data_and_are_no_misses(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    meters = put_standings(engine, [make_standing("shop/a")])
    book_days(engine, meters, {"shop/a": {}}, days=10)
    (days,) = bars(page(engine))
    assert days == ["none"] * 79 + ["met"] * 11
    engine.dispose()


def test_the_feed_is_linked(bad_month):
    assert 'type="application/atom+xml"' in page(bad_month)


def test_yesterday_is_judged_whole_after_midnight(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    meters = put_standings(engine, [make_standing("shop/a")])
    book_days(engine, meters, {"shop/a": {0: 90_000.0}})
    now = [NOW]
    client = create_app(engine, clock=lambda: now[0]).test_client()
    assert bars(client.get("/status").text)[0][-1] == "missed"
    now[0] = NOW + DAY
    assert bars(client.get("/status").text)[0][-2:] == ["missed", "none"]
    engine.dispose()
