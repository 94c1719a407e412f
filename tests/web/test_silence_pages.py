"""The page of silences: add one, see what it mutes, end it."""

from __future__ import annotations

import re

import pytest

from slo.store import silences
from slo.store.engine import reading
from tests.web.incident_world import HOSTILE, VIEWER, client, section, text
from tests.web.world import make_client

FORM = {"scope": "shop/*", "for": "2h", "why": "load test", "who": "ada"}


def kept(feed):
    with reading(feed.engine) as session:
        return silences.latest(session)


def test_a_silence_is_added_listed_and_ended(burning):
    page = client(burning)
    assert page.post("/silences", data=FORM).status_code == 303
    (made,) = kept(burning)
    assert (made.scope, made.who, made.end - made.start) == ("shop/*", "ada", 7200)
    listed = text(page.get("/silences"))
    assert "1 silence in force" in listed
    assert "load test" in listed
    assert page.post(f"/silences/{made.id}/end", data={}).status_code == 303
    assert "Nothing is silenced" in text(page.get("/silences"))
    assert page.post(f"/silences/{made.id}/end", data={}).status_code == 404


def test_the_end_may_be_a_time_in_utc(burning):
    form = FORM | {"until": "2026-11-20T23:30"}
    assert client(burning).post("/silences", data=form).status_code == 303
    assert kept(burning)[0].end == 1_795_217_400


@pytest.mark.parametrize(
    ("change", "told", "field"),
    [
        ({"scope": "shopp"}, "did you mean shop", "scope"),
        ({"scope": "*"}, "The tick “yes, every SLO”: is needed for *", "all"),
        ({"why": " "}, "Why: is empty", "why"),
        ({"until": "2026-11-20T20:00"}, "Until: 20 Nov 20:00 UTC is past", "until"),
        ({"until": "2027-11-20T20:00"}, "over 30d ahead", "until"),
        ({"labels": "tier"}, "Only with labels: 'tier' is no name=value", "labels"),
        ({"labels": "tier=1"}, "no SLO of shop/* has tier=1", "labels"),
    ],
)
def test_what_is_refused_is_told_and_what_was_typed_is_kept(burning, change, told, field):
    form = FORM | change
    answer = client(burning).post("/silences", data=form)
    assert told in text(answer, 400)
    assert 'role="alert" tabindex="-1" autofocus' in answer.text
    if form["why"].strip():
        assert 'value="load test"' in answer.text
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', answer.text)
    assert [name for name in marked if name != "for"] == [field]
    assert kept(burning) == []


def test_to_mute_everything_has_to_be_said_twice(burning):
    form = FORM | {"scope": "*", "all": "1"}
    assert client(burning).post("/silences", data=form).status_code == 303
    assert "all SLOs" in text(client(burning).get("/silences"))


def test_the_tick_stays_where_something_else_is_refused(burning):
    answer = client(burning).post("/silences", data=FORM | {"scope": "*", "all": "1", "why": " "})
    assert re.search(r'name="all" value="1" checked', answer.text)


def test_a_link_fills_in_the_scope(burning):
    page = client(burning).get("/silences?scope=shop/availability")
    assert 'name="scope" value="shop/availability"' in page.text


def test_hostile_reasons_stay_text(burning):
    page = client(burning)
    page.post("/silences", data=FORM | {"why": HOSTILE, "who": "<b>"})
    assert "<script>alert" not in page.get("/silences").text
    assert HOSTILE in text(page.get("/silences"))


def test_who_may_only_read_sees_no_forms(burning):
    client(burning).post("/silences", data=FORM)
    assert "<form" not in section(client(burning, VIEWER).get("/silences"), "main", "</main>")


def test_reloading_the_answer_to_a_form_shows_the_list(burning):
    assert client(burning).get("/silences/1/end").headers["Location"] == "/silences"


def test_an_empty_page_says_what_would_show_up(engine):
    found = text(make_client(engine).get("/silences"))
    assert "Nothing is silenced" in found
    assert "A silence stays here when it is over" in found
