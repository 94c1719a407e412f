"""The pages as HTML: what they say, and that nothing from outside becomes markup."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from slo.domain.span import Span
from slo.domain.standing import FAULT, Budget, Note
from slo.store import cycles
from slo.store.engine import open_engine, writing
from slo.web import detail
from slo.web.app import create_app
from slo.web.permission import needs
from tests.web.world import (
    AT,
    DAY,
    NOW,
    book_latency,
    latency_standing,
    make_client,
    make_standing,
    many_standings,
    put_standings,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
REFUSED = "prometheus (http://localhost:9090): Connection refused; check that it runs"
VOID = {"meta", "link", "input", "br", "img", "path", "line", "rect"}


class Document(HTMLParser):
    """Texts, elements and ids of a page; refuses tags that do not close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words)).replace("\u202f", " ")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, response.text[:500]
    assert response.content_type == "text/html; charset=utf-8"
    return Document(response.text)


def rows(document):
    return [
        attrs["href"].removeprefix("/slo/")
        for attrs in document.all("a")
        if attrs.get("href", "").startswith("/slo/")
    ]


def table(client, path):
    """The SLOs of the table, without the cards above it."""
    html = client.get(path).text
    return rows(Document("<div>" + html[html.index("<tbody>") : html.index("</table>")] + "</div>"))


# The overview


def test_the_overview_names_what_needs_attention_most_urgent_first(site):
    found = page(site, "/")
    cards = rows(found)[:4]
    assert cards == [
        "fraud-model/latency",
        "ranker/accuracy",
        "embeddings/freshness",
        "search/availability",
    ]
    assert "What needs attention" in found.text
    assert "Budget spent 3 h ago" in found.text
    assert "4.1 % of the budget left; at the pace of the last 3 days it is gone on" in found.text
    assert "No samples for 26 min; the budget stands where it was." in found.text
    assert "11 SLOs of 5 services" in found.text


def test_states_are_words_beside_their_icons(site):
    found = page(site, "/")
    for word in ("exhausted", "restricted", "caution", "no data", "healthy", "new", "paused"):
        assert f" {word} " in found.text


def test_figures_have_units_and_thousands_separators(site):
    found = page(site, "/")
    for figure in ("29,669 of 51,842,221", "99.943 %", "17 of 43,200 slices", "42.8 %", "12 days"):
        assert figure in found.text


def test_the_cycle_is_told_at_the_top(site):
    assert "cycle 12 s ago Prometheus ok 20:21 UTC" in page(site, "/").text


def test_errors_of_the_last_cycle_are_told(engine):
    put_standings(engine, [make_standing()], errors=3)
    assert "3 errors in the last cycle" in page(make_client(engine), "/").text


def faulty(slo_id, text=REFUSED, **changes):
    return make_standing(slo_id, notes=(Note(FAULT, text),), **changes)


def test_a_source_that_is_down_is_told_at_the_top_of_every_page(engine):
    put_standings(engine, [faulty("s/a"), faulty("s/b"), faulty("s/c", "bad query")], errors=3)
    client = make_client(engine)
    for path in ("/", "/slo/s/a"):
        found = page(client, path)
        told = (
            "3 SLOs not read: prometheus (http://localhost:9090): Connection refused (and 1 more)"
        )
        assert told in found.text
        (warning,) = [a for a in found.all("span") if a.get("class") == "warning"]
        assert warning["title"] == f"2 SLOs: {REFUSED}\n1 SLO: bad query"


def test_a_long_fault_is_cut_at_the_top(engine):
    put_standings(engine, [faulty("s/a", "x" * 200)], errors=1)
    assert f"1 SLO not read: {'x' * 89}\u2026 " in page(make_client(engine), "/").text


def test_slos_that_share_a_fault_have_one_card(engine):
    shared = [faulty(f"s/a{i}", data="none", last_data=None) for i in range(5)]
    put_standings(engine, [*shared, faulty("s/q", "bad query"), make_standing("s/well")], errors=6)
    text = page(make_client(engine), "/").text
    assert "5 SLOs cannot be read" in text
    assert "s/a0, s/a1, s/a2, s/a3 and 1 more" in text
    assert text.count(REFUSED) == 1
    assert "s / q \u26a0 not read Cannot be read: bad query." in text
    assert "s / a0" not in text
    assert "s / well" not in text


def test_a_spent_budget_keeps_its_own_card_beside_a_shared_fault(engine):
    spent = faulty("s/spent", data="none", left=-0.1, state="exhausted")
    put_standings(engine, [spent, faulty("s/other")], errors=2)
    text = page(make_client(engine), "/").text
    assert "2 SLOs cannot be read" in text
    assert "s / spent \u2715 exhausted Budget spent: " in text
    assert f"over the last hour. Cannot be read: {REFUSED}." in text


def test_an_slo_with_a_fault_does_not_blame_its_selector(engine):
    put_standings(engine, [faulty("s/a", data="none", last_data=None)], errors=1)
    text = page(make_client(engine), "/").text
    assert f"Cannot be read: {REFUSED}." in text
    assert "does its selector match anything" not in text


def test_a_fault_of_a_paused_slo_is_no_longer_told(engine):
    put_standings(engine, [faulty("s/a", paused=True)])
    found = page(make_client(engine), "/")
    assert "Nothing needs attention" in found.text
    assert "not read" not in found.text


def test_estimated_and_doubtful_numbers_have_marks_of_their_own(engine):
    noted = make_standing("s/noted", notes=(Note("skew", "Two replicas disagree."),))
    guessed = make_standing("s/guessed", estimated=True, notes=(Note("estimated", "By a query."),))
    put_standings(engine, [noted, guessed])
    client = make_client(engine)
    text = page(client, "/").text
    assert text.count("\u2248") == 1
    assert "\u2248 estimated 99.943 %" in text
    assert "noted note , numbers in doubt: skew requests" in text
    assert text.count("numbers in doubt") == 1
    assert "SLI \u2248 99.943 % objective" in page(client, "/slo/s/guessed").text
    assert "SLI 99.943 % objective" in page(client, "/slo/s/noted").text


def test_an_slo_without_events_forecasts_nothing(engine):
    put_standings(engine, [make_standing("s/idle", total=0.0, budget=Budget(9.0, 0.0, 1.0))])
    client = make_client(engine)
    assert "stays within" not in page(client, "/").text
    assert "Budget gone \u2013 no events" in page(client, "/slo/s/idle").text


def test_one_healthy_slo_needs_no_attention(engine):
    put_standings(engine, [make_standing()])
    found = page(make_client(engine), "/")
    assert "Nothing needs attention" in found.text
    assert "1 SLO of 1 service" in found.text


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("q=ranker", {"ranker/accuracy", "ranker/availability"}),
        ("q=RANKER+avail", {"ranker/availability"}),
        ("q=tier%3D1", {"fraud-model/latency"}),
        ("q=200+ms", {"fraud-model/latency"}),
        ("state=none", {"embeddings/freshness"}),
        ("state=paused", {"gone/availability"}),
        ("owner=platform-ml", {"embeddings/freshness", "embeddings/availability"}),
        ("q=search-quality&state=healthy", {"ranker/availability"}),
    ],
)
def test_the_filter_works_as_a_plain_form(site, query, wanted):
    assert set(table(site, f"/?{query}")) == wanted


def test_the_filter_keeps_what_was_asked_for(site):
    found = page(site, "/?q=fraud&state=healthy&sort=name")
    assert {"name": "q", "value": "fraud"}.items() <= found.all("input")[0].items()
    chosen = [o["value"] for o in found.all("option") if "selected" in o]
    assert chosen == ["healthy", "name"]


def test_sorted_by_name_the_services_are_in_order(site):
    assert table(site, "/?sort=name") == sorted(s.slo for s in many_standings())


def test_sorted_by_attention_the_worst_service_leads(site):
    assert table(site, "/")[0] == "fraud-model/latency"


@pytest.mark.parametrize(
    "query", ["state=nonsense", "sort=%00", "owner=", "q=%20%20", "x=1", "q=%ff%fe"]
)
def test_odd_queries_are_no_errors(site, query):
    page(site, f"/?{query}")


def test_no_match_says_so_and_leads_back(site):
    found = page(site, "/?q=zzz")
    assert "No SLO matches. Show all 11" in found.text


def test_before_the_first_cycle_the_page_says_what_to_do(client):
    found = page(client, "/")
    assert "The first cycle has not finished" in found.text
    assert "one runs every 1 min" in found.text
    assert "slo validate --online" in found.text


def test_without_slos_the_page_shows_how_to_declare_one(engine):
    with writing(engine) as session:
        number = cycles.start(session, NOW - 13)
        cycles.finish(session, number, NOW - 12, slos=0, booked=0, samples=0, requests=0, errors=0)
    found = page(make_client(engine), "/")
    assert "No SLOs yet" in found.text
    assert "objective: 99.9%" in found.text


def test_many_in_need_are_counted_not_all_shown(engine):
    spent = [make_standing(f"s/a{i}", left=-0.1, state="exhausted") for i in range(9)]
    put_standings(engine, spent)
    found = page(make_client(engine), "/")
    assert "and 3 more" in found.text


def test_a_kept_row_is_drawn_anew_when_its_standing_changes(engine):
    put_standings(engine, [make_standing()])
    client = make_client(engine)
    assert "42.8 %" in page(client, "/").text
    assert "42.8 %" in page(client, "/").text
    put_standings(engine, [make_standing(left=0.3)])
    found = page(client, "/")
    assert "30.0 %" in found.text
    assert "42.8 %" not in found.text


# One SLO


def test_the_page_of_an_slo_has_its_six_numbers(site):
    found = page(site, "/slo/fraud-model/latency")
    standing = latency_standing()
    assert "99 % of requests faster than 200 ms, over a rolling 30 d" in found.text
    assert f"{standing.bad:,.0f}" in found.text
    assert f"of {standing.total:,.0f}" in found.text
    for label in ("SLI", "Budget left", "Bad events", "Burn rate, 1 h", "Coverage", "Budget gone"):
        assert label in found.text
    assert "4 h without data" in found.text
    assert "spent 3 h ago" in found.text


def test_the_burndown_ends_at_the_standings_budget(site):
    text = page(site, "/slo/fraud-model/latency").text
    remaining = latency_standing().budget.remaining * 100
    assert f"last \u2212{-remaining:.1f} %" in text


@pytest.mark.parametrize("span", ["1h", "6h", "1d", "7d", "window", "1y"])
def test_every_range_has_four_charts_with_data_tables(site, span):
    html = site.get(f"/slo/fraud-model/latency?range={span}").text
    found = Document(html)
    assert html.count('class="plot') == 4
    assert len([d for d in found.all("details") if d["id"].endswith("-data")]) == 4
    assert html.count("data-at=") >= 4 * 12
    assert html.count('aria-current="true"') == 1


def test_an_unknown_range_is_the_window(site):
    found = page(site, "/slo/fraud-model/latency?range=%3Cb%3E")
    assert "left of the 30 d that end now" in found.text


def test_time_without_data_is_shaded(site):
    html = site.get("/slo/fraud-model/latency").text
    assert html.count('class="gap"') == 4
    assert "no data, 8" in html


@pytest.mark.parametrize(
    ("begun", "away", "wanted"),
    [
        (None, (), "15 d without data"),
        (AT - 50 * DAY, (), "15 d without data"),
        (AT - 10 * DAY, (), "5 d without data"),
        (AT - 10 * DAY, (Span(AT - 12 * DAY, AT - 6 * DAY),), "3 d without data"),
        (AT, (), "no time without data"),
    ],
)
def test_time_without_data_is_that_of_the_ledger(begun, away, wanted):
    found = {t.label: t for t in detail.tiles(make_standing(coverage=0.5), NOW, begun, away)}
    assert found["Coverage"].detail.replace("\u202f", " ") == wanted


def test_while_history_is_read_the_chart_says_that_it_is_ahead(engine, site):
    note = Note("backfill", "History is being read.", None, AT - 30 * DAY, AT - 4 * DAY)
    standing = dataclasses.replace(latency_standing(), coverage=0.25, notes=(note,))
    meters = put_standings(engine, [standing])
    book_latency(engine, meters["fraud-model/latency"])
    text = page(make_client(engine), "/slo/fraud-model/latency").text
    told = "history is being read; the numbers above follow with the next cycle"
    assert told in text
    assert told not in page(site, "/slo/fraud-model/latency").text
    assert "3 d without data" in text  # Of the four that the standing knows of.


def test_slices_have_no_contributors_and_the_page_says_why(engine):
    meters = put_standings(engine, [make_standing("s/sliced", slices=True), make_standing("s/e")])
    assert len(meters) == 2
    client = make_client(engine)
    assert "A slice belongs to all series together" in page(client, "/slo/s/sliced").text
    assert "No bad events with labels in this range." in page(client, "/slo/s/e").text


def test_exclusions_are_shaded_and_told(engine):
    meters = put_standings(engine, [latency_standing()])
    book_latency(engine, meters["fraud-model/latency"])
    html = make_client(engine).get("/slo/fraud-model/latency?range=1y").text
    assert "does not count" not in html  # It lies before the window.
    assert "corrected by" in html


def test_contributors_of_the_worst_hour_are_told_by_label(site):
    text = page(site, "/slo/fraud-model/latency").text
    assert "model_version 2026-11-20.3 58,304 87 %" in text
    assert "all others" in text


def test_the_definition_names_what_is_counted(site):
    text = page(site, "/slo/fraud-model/latency").text
    assert 'inference_seconds{model="fraud"}' in text
    assert "threshold 200 ms" in text
    assert "Label tier 1" in text


def test_notes_say_what_makes_numbers_unsure(site):
    text = page(site, "/slo/fraud-model/latency").text
    assert "What makes these numbers unsure" in text
    assert "1,204 events of a series first seen today" in text


def test_an_slo_without_a_ledger_says_that_charts_come(site):
    text = page(site, "/slo/search/latency").text
    assert "No data in this range." in text


def test_a_calendar_window_is_named_and_drawn(engine):
    standing = dataclasses.replace(
        latency_standing(),
        window_kind="calendar",
        window_label="month (Europe/Berlin)",
        window=Span(AT - 20 * DAY, AT // 300 * 300),
    )
    meters = put_standings(engine, [standing])
    book_latency(engine, meters["fraud-model/latency"])
    client = make_client(engine)
    assert "left of this month (Europe/Berlin)" in page(client, "/slo/fraud-model/latency").text
    assert page(client, "/slo/fraud-model/latency?range=1y").text.count("Error budget") >= 2


@pytest.mark.parametrize(
    ("label", "days", "wanted"),
    [
        ("7d", 7, ["1 h", "6 h", "1 d", "7 d", "1 y"]),
        ("28d", 28, ["1 h", "6 h", "1 d", "7 d", "28 d", "1 y"]),
        ("90d", 90, ["1 h", "6 h", "1 d", "7 d", "90 d", "1 y"]),
    ],
)
def test_ranges_are_in_order_and_the_own_window_stands_once(label, days, wanted):
    standing = make_standing(window_label=label, window=Span(AT - days * DAY, AT))
    found = detail.tabs(standing, "window")
    assert [tab.label.replace("\u202f", " ") for tab in found] == wanted
    assert [tab.key for tab in found if tab.current] == ["window"]


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
    assert app.test_client().get("/api/boom").get_json()["detail"].startswith("Something went wrong")


def test_an_unknown_slo_is_404_and_names_what_is_alike(site):
    found = page(site, "/slo/fraud-model/latancy", 404)
    assert "There is no SLO fraud-model/latancy." in found.text
    assert "/slo/fraud-model/latency" in [a.get("href") for a in found.all("a")]


@pytest.mark.parametrize("path", ["/nothing", "/slo/a", "/slo/a/b/c", "/static/../app.py", "/%00"])
def test_unknown_paths_are_404_pages(site, path):
    text = page(site, path, 404).text
    assert "There is nothing at this address. All SLOs" in text
    assert "No such page" in text


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
