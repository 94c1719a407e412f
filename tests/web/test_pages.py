"""The pages as HTML: what they say, and that nothing from outside becomes markup."""

from __future__ import annotations

import dataclasses
import re

import pytest

from slo.domain.standing import Note
from slo.store.engine import open_engine
from slo.web.app import create_app
from slo.web.permission import needs
from tests.web.document import HOSTILE, Document, page
from tests.web.world import (
    make_client,
    make_standing,
    put_standings,
)


def test_a_fault_of_ours_is_a_plain_sentence(engine, caplog):
    app = create_app(engine)

    @needs("public")
    def boom():
        raise ValueError("secret detail")

    app.add_url_rule("/boom", view_func=boom)
    app.add_url_rule("/api/boom", endpoint="api-boom", view_func=boom)
    found = page(app.test_client(), "/boom", 500)
    assert "Something went wrong on the server; its log says what." in found.text
    assert "secret" not in found.text
    assert "secret detail" in caplog.text
    assert (
        app.test_client().get("/api/boom").get_json()["detail"].startswith("Something went wrong")
    )


@pytest.mark.parametrize("path", ["/nothing", "/slo/a", "/slo/a/b/c", "/static/../app.py", "/%01"])
def test_unknown_paths_are_404_pages(site, path):
    text = page(site, path, 404).text
    assert "There is nothing at this address. All SLOs" in text
    assert "No such page" in text


def test_an_incident_that_is_not_there_leads_to_all_of_them(site):
    found = page(site, "/incidents/999", 404)
    assert "There is no incident 999. All incidents" in found.text
    assert "/incidents" in [a.get("href") for a in found.all("a") if a.get("href")]
    assert "All postmortems" in page(site, "/postmortems/999", 404).text


def test_an_address_that_only_takes_forms_says_so(site):
    found = site.get("/logout")
    assert found.status_code == 405
    assert "<h1>Nothing to see here</h1>" in found.text
    assert "GET is not allowed at this address." in found.text


# Hostile texts


def hostile_standing():
    return make_standing(
        f"{HOSTILE}/a b?c#d%",
        left=0.05,
        state="restricted",
        owner=HOSTILE,
        description=HOSTILE,
        runbook="javascript:alert(1)",
        indicator_text=HOSTILE,
        labels=((HOSTILE, HOSTILE),),
        notes=(Note(HOSTILE, HOSTILE),),
    )


def test_hostile_texts_stay_texts(engine):
    # The name holds slashes, so its parts are set by hand.
    standing = dataclasses.replace(
        hostile_standing(), service=HOSTILE.replace("/", ""), name="a b?c#d%"
    )
    standing = dataclasses.replace(standing, slo=f"{standing.service}/{standing.name}")
    put_standings(engine, [standing])
    client = make_client(engine)
    overview = client.get("/").text
    link = next(a["href"] for a in Document(overview).all("a") if "slo/" in a.get("href", ""))
    for html in (
        overview,
        client.get(link).text,
        client.get(f"/?q={HOSTILE}&owner={HOSTILE}").text,
    ):
        found = Document(html)
        assert {attrs.get("src", "").partition("?")[0] for attrs in found.all("script")} == {
            "/static/site.js"
        }
        assert found.all("img") == []
        assert not [a for _, a in found.elements if any(name.startswith("on") for name in a)]
        assert not [a for a in found.all("a") if a.get("href", "").startswith("javascript:")]
    assert client.get(link).status_code == 200


def test_a_hostile_path_is_shown_as_text(site):
    html = site.get("/slo/<script>alert(1)<%2Fscript>/x").text
    assert "<script>alert" not in html


# Everywhere


@pytest.mark.parametrize("path", ["/", "/slo/fraud-model/latency", "/slo/no/no", "/nothing"])
def test_pages_have_what_readers_and_browsers_need(site, path):
    html = site.get(path).text
    found = Document(html)
    assert html.startswith("<!doctype html>")
    assert found.all("html") == [{"lang": "en"}]
    assert len(found.all("h1")) == 1
    ids = [attrs["id"] for _, attrs in found.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all("style" not in attrs for _, attrs in found.elements)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//(?!example\.com)", html)
    assert all("scope" in attrs for attrs in found.all("th"))


@pytest.mark.parametrize("path", ["/", "/api/v1/slos", "/healthz", "/nothing", "/static/site.css"])
def test_answers_carry_the_security_headers(site, path):
    with site.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"


def test_large_answers_are_compressed_for_those_who_can_read_it(site):
    packed = site.get("/", headers={"Accept-Encoding": "gzip"})
    plain = site.get("/")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert len(packed.data) < len(plain.data) / 3
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data)


def test_static_files_are_kept_by_their_hash_and_answer_304(site):
    url = next(attrs["href"] for attrs in page(site, "/").all("link") if "css" in attrs["href"])
    assert "?v=" in url
    with site.get(url, headers={"Accept-Encoding": "gzip"}) as first:
        assert "immutable" in first.headers["Cache-Control"]
        assert first.headers["Content-Encoding"] == "gzip"
        tag = first.headers["ETag"]
    with site.get(url, headers={"If-None-Match": tag, "Accept-Encoding": "gzip"}) as again:
        assert again.status_code == 304
        assert again.data == b""
    with site.get("/static/site.css") as bare:
        assert bare.headers["Cache-Control"] == "no-cache"


def test_a_store_out_of_reach_is_a_503_page(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/missing/slo.db")
    client = make_client(engine)
    found = page(client, "/", 503)
    engine.dispose()
    assert "The store does not answer" in found.text


def test_other_methods_are_refused(site):
    assert site.post("/").status_code == 405
    assert site.delete("/api/v1/slos").get_json()["detail"]
