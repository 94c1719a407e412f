"""Badges: small, steady, and true to the standing."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from slo.config.settings import Settings, SiteSettings
from slo.loaded import Loaded
from slo.web.pages.status.badges import render_badge, text_width
from tests.support.stores import empty_store
from tests.web.world import make_client, make_standing, put_standings

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    engine = empty_store(tmp_path_factory.mktemp("badges") / "slo.db")
    found = [
        make_standing("shop/availability"),
        make_standing("shop/latency", left=-0.2, state="exhausted"),
        make_standing("shop/old", paused=True),
        make_standing("empty/slo", left=None, total=0.0, data="none"),
    ]
    put_standings(engine, found)
    yield engine
    engine.dispose()


def texts(response):
    """What the badge says: its title, and the texts that are drawn."""
    assert response.content_type == "image/svg+xml; charset=utf-8"
    root = ET.fromstring(response.data)
    assert root.get("role") == "img"
    title = root.findtext(f"{SVG}title")
    assert root.get("aria-label") == title
    return title, [one.text for one in root.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("shop/availability.svg", "shop/availability: 42.8\u202f% budget left"),
        ("shop/availability.svg?show=state", "shop/availability: within objectives"),
        ("shop/availability.svg?show=sli", "shop/availability: 99.943\u202f%"),
        ("shop/latency.svg", "shop/latency: \u221220.0\u202f% budget left"),
        ("shop.svg?show=state", "shop: below objective"),
        ("shop.svg", "shop: \u221220.0\u202f% budget left"),
        ("shop.svg?label=Our%20shop&show=state", "Our shop: below objective"),
        ("empty.svg", "empty: \u2013 budget left"),
        ("empty/slo.svg?show=state", "empty/slo: no data"),
    ],
)
def test_a_badge_says_what_was_asked_for(store, path, title):
    response = make_client(store).get(f"/badge/{path}")
    assert response.status_code == 200
    found, drawn = texts(response)
    assert found == title
    assert ": ".join(drawn) == title


@pytest.mark.parametrize(
    "path", ["no.svg", "shop/no.svg", "shop/old.svg", "shop/availability/x.svg"]
)
def test_what_there_is_not_is_404(store, path):
    assert make_client(store).get(f"/badge/{path}").status_code == 404


def test_an_unknown_one_is_a_badge_that_says_so(store):
    assert texts(make_client(store).get("/badge/shop/no.svg"))[0] == "shop/no: unknown"


def test_an_unknown_figure_is_400_and_lists_those_there_are(store):
    response = make_client(store).get("/badge/shop.svg?show=money")
    assert response.status_code == 400
    assert texts(response)[0] == "shop: show is one of budget, state, sli"


def test_it_may_be_kept_for_a_minute_and_asked_about_again(store):
    client = make_client(store)
    first = client.get("/badge/shop.svg")
    assert first.headers["Cache-Control"] == "private, max-age=60"
    again = client.get("/badge/shop.svg", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    site = SiteSettings(auth="users", public=("status",))
    public = make_client(store, loaded=Loaded(Settings((), (), site=site)))
    assert public.get("/badge/shop.svg").headers["Cache-Control"] == "public, max-age=60"


def test_services_that_are_unlisted_have_badges_for_the_inside_only(store):
    settings = Settings((), (), unlisted=("shop",))
    inside = make_client(store, loaded=Loaded(settings)).get("/badge/shop.svg")
    assert inside.status_code == 200
    open_site = replace(settings, site=SiteSettings(auth="none", public=("status",)))
    known = make_client(store, loaded=Loaded(open_site)).get("/badge/shop.svg")
    assert (known.status_code, known.headers["Cache-Control"]) == (200, "private, max-age=60")
    site = SiteSettings(auth="users", public=("status",))
    outside = Settings((), (), unlisted=("shop",), site=site)
    assert make_client(store, loaded=Loaded(outside)).get("/badge/shop.svg").status_code == 404


@pytest.mark.parametrize(
    "label", ["<script>", '" onload="x', "&amp;", "a\u202eb", "x" * 500, "\u0007", "日本語 ☃"]
)
def test_hostile_labels_make_lawful_badges(store, label):
    response = make_client(store).get("/badge/shop.svg", query_string={"label": label})
    assert response.status_code == 200
    title, (drawn, _) = texts(response)
    assert len(drawn) <= 60
    assert title.startswith(drawn)
    assert "\u202e" not in title


def test_the_width_follows_from_the_text_alone():
    assert render_badge("shop", "ok", "#000") == render_badge("shop", "ok", "#000")
    assert text_width("il") < text_width("ab") < text_width("WM")
    root = ET.fromstring(render_badge("shop", "ok", "#000"))
    assert int(root.get("width")) == text_width("shop") + text_width("ok") + 24
