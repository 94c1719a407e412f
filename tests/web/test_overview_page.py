"""The overview as HTML: what needs attention, the table, its filter and its sorts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slo.domain.standing import FAULT, Budget, Note, StandingAlert
from slo.store import cycles, incidents
from slo.store.engine import writing
from slo.web.app import create_app
from slo.web.pages.overview import listing
from slo.web.refresh import HEADER
from tests.support.feed import Feed, yaml_of
from tests.web.document import HOSTILE, Document, page, rows, table
from tests.web.world import AT, NOW, make_client, make_standing, many_standings, put_standings

REFUSED = "prometheus (http://localhost:9090): Connection refused; check that it runs"


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
    assert "annot be read" not in found.text


def test_estimated_and_doubtful_numbers_have_marks_of_their_own(engine):
    noted = make_standing("s/noted", notes=(Note("skew", "Two replicas disagree."),))
    guessed = make_standing("s/guessed", estimated=True, notes=(Note("estimated", "By a query."),))
    put_standings(engine, [noted, guessed])
    client = make_client(engine)
    text = page(client, "/").text
    assert text.count("\u2248") == 1
    assert "\u2248 estimated 99.943 %" in text
    assert "noted note , numbers in doubt: skew requests" in text
    assert text.count(", numbers in doubt") == 1
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


def test_sorted_by_service_the_services_are_in_order(site):
    assert table(site, "/?sort=service") == sorted(s.slo for s in many_standings())


def test_sorted_by_attention_the_worst_service_leads(site):
    assert table(site, "/")[0] == "fraud-model/latency"


@pytest.mark.parametrize(
    "query", ["state=nonsense", "sort=%01", "owner=", "q=%20%20", "x=1", "q=%ff%fe"]
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


def links(found):
    return {a.get("href") for a in found.all("a")}


def test_many_in_need_are_counted_not_all_shown(engine):
    spent = [make_standing(f"s/a{i}", left=-0.1, state="exhausted") for i in range(9)]
    put_standings(engine, spent)
    client = make_client(engine)
    found = page(client, "/")
    assert "and 3 more" in found.text
    # It leads to where they stand, and not from there to itself.
    assert "/?state=attention#filter" in links(found)
    assert "/?state=attention#filter" in links(page(client, "/?state=attention&q=a1"))
    all_of_them = page(client, "/?state=attention&page=1")
    assert "and 3 more, listed below" in all_of_them.text
    assert "/?state=attention#filter" not in links(all_of_them)
    assert "/?state=attention&service=s#filter" in links(page(client, "/service/s"))


def test_a_kept_row_is_drawn_anew_when_its_standing_changes(engine):
    put_standings(engine, [make_standing()])
    client = make_client(engine)
    assert "42.8 %" in page(client, "/").text
    assert "42.8 %" in page(client, "/").text
    put_standings(engine, [make_standing(left=0.3)])
    found = page(client, "/")
    assert "30.0 %" in found.text
    assert "42.8 %" not in found.text


# What fires, and incidents


def fires(rule="page-1h", severity="page", kind="burn", minutes=22):
    return StandingAlert(rule, kind, severity, AT - minutes * 60, "burns 16x")


def open_incident(engine, *slo_ids, **changes):
    """An open incident of these SLOs, 22 minutes old; gives its number."""
    values = {"severity": "page", "title": "it burns", "started_at": AT - 2000, "late": False}
    with writing(engine) as session:
        number = incidents.create(session, slo_ids[0], AT - 22 * 60, {}, **values)
        for slo_id in slo_ids[1:]:
            incidents.join(session, number, slo_id, AT)
        if changes:
            incidents.change(session, number, **changes)
    return number


def cards(document):
    """The cards' headings lead to these addresses."""
    html_parts = document.all("a")
    return [a["href"] for a in html_parts if a.get("href", "").startswith(("/slo/", "/incidents/"))]


def test_what_pages_comes_before_a_budget_that_is_spent(engine):
    spent = make_standing("s/spent", left=-0.5, state="exhausted")
    burns = make_standing("s/burns", left=0.8, burn=16.2, alerts=(fires(),))
    put_standings(engine, [spent, burns])
    found = page(make_client(engine), "/")
    assert rows(found)[:2] == ["s/burns", "s/spent"]
    told = "s / burns \u25c6 page fires Burning 16.2x over the last hour. page-1h fires for 22 min."
    assert told in found.text
    assert "2 SLOs of 1 service \u00b7 1 healthy, 1 exhausted \u00b7 1 firing" in found.text


def test_a_ticket_is_told_behind_no_data_and_before_caution(engine):
    put_standings(
        engine,
        [
            make_standing("s/low", left=0.2, state="caution"),
            make_standing("s/ticket", alerts=(fires("ticket-3d", "ticket"),)),
            make_standing("s/silent", data="none", last_data=AT - 1560),
        ],
    )
    assert rows(page(make_client(engine), "/"))[:3] == ["s/silent", "s/ticket", "s/low"]


def test_budget_alerts_and_frozen_rules_do_not_fire_on_the_overview(engine):
    budget = fires("budget-50", "ticket", "budget")
    frozen = StandingAlert("page-1h", "burn", "page", None, "", "too little is covered")
    put_standings(engine, [make_standing("s/half", alerts=(budget, frozen))])
    found = page(make_client(engine), "/")
    assert "Nothing needs attention" in found.text
    assert "page fires" not in found.text.partition("Trend")[2]


def test_an_incident_is_one_card_with_its_slos_state_and_link(engine):
    worst = make_standing("s/latency", left=-0.2, state="exhausted", alerts=(fires(),))
    put_standings(engine, [worst, make_standing("s/errors", alerts=(fires(),))])
    number = open_incident(
        engine, "s/latency", "s/errors", acknowledged_at=AT - 720, assignee="mia",
        status="acknowledged",
    )  # fmt: skip
    found = page(make_client(engine), "/")
    assert cards(found)[:2] == [f"/incidents/{number}"] * 2
    assert (
        "s / latency, errors \u2715 exhausted \u25c6 page fires latency: Budget spent" in found.text
    )
    assert f"Incident #{number} acknowledged 12 min ago, assigned to mia." in found.text
    assert rows(found) == ["s/latency", "s/errors"]  # In the table alone: the card names both.
    assert "1 open incident" in found.text


def test_an_incident_that_nobody_took_says_for_how_long(engine):
    put_standings(engine, [make_standing("s/a")])
    number = open_incident(engine, "s/a")
    text = page(make_client(engine), "/").text
    assert (
        f"Its alerts have calmed down. Incident #{number} open for 22 min, not acknowledged" in text
    )


def test_an_incident_of_many_slos_names_the_first(engine):
    ids = [f"s/a{n}" for n in range(5)]
    put_standings(engine, [make_standing(one) for one in ids])
    open_incident(engine, *ids)
    assert "s / a0, a1, a2 and 2 more" in page(make_client(engine), "/").text


def test_a_row_leads_to_its_incident_until_that_is_over(engine):
    put_standings(engine, [make_standing("s/a"), make_standing("s/b")])
    number = open_incident(engine, "s/a")
    client = make_client(engine)
    first = client.get("/").text
    assert first.count(f'<span class="hidden">incident </span>#{number}') == 1
    with writing(engine) as session:
        incidents.change(session, number, status="resolved", resolved_at=AT)
        incidents.leave(session, number)
    found = page(client, "/")
    assert "Nothing needs attention" in found.text
    assert f"/incidents/{number}" not in [a.get("href") for a in found.all("a")]


def test_a_real_burn_is_told_with_its_rule_and_its_incident(engine):
    feed = Feed(engine, yaml_of(services={"shop": ["availability"]}))
    feed.quiet(60)
    feed.run(6, bad=50)
    client = create_app(engine, clock=lambda: feed.at + 20.0).test_client()
    found = page(client, "/")
    assert "shop / availability" in found.text
    assert "page-6h fires for 5 min, and 3 more rules." in found.text
    assert "Incident #1 open for" in found.text
    assert table(client, "/?state=incident") == ["shop/availability"]
    assert table(client, "/?state=page") == ["shop/availability"]


def test_doubtful_numbers_have_one_card_that_leads_to_all_of_them(engine):
    skewed = [make_standing(f"s/a{n}", notes=(Note("skew", "x"),)) for n in range(5)]
    born = make_standing("s/born", notes=(Note("birth-uncounted", "x"), Note("skew", "x")))
    low = make_standing("s/low", left=0.1, state="caution", notes=(Note("skew", "x"),))
    sure = make_standing("s/sure", notes=(Note("rename", "x"), Note("backfill", "x")))
    put_standings(engine, [*skewed, born, low, sure])
    client = make_client(engine)
    found = page(client, "/")
    assert "6 SLOs with numbers in doubt ! in doubt" in found.text
    assert "Notes say why: birth-uncounted (1), skew (6)." in found.text
    assert "s/a0, s/a1, s/a2, s/a3 and 2 more" in found.text
    assert set(table(client, "/?state=doubt")) == {s.slo for s in (*skewed, born, low, sure)}


# Filter and sorts


@pytest.fixture
def mixed(engine):
    """SLOs that differ in all that the table can be sorted and filtered by."""
    put_standings(
        engine,
        [
            make_standing(
                "a/first", objective=Decimal("0.95"), left=0.5, burn=3.0,
                labels=(("tier", "1"), ("team", "x")),
            ),
            make_standing(
                "b/second", objective=Decimal("0.999"), left=-0.5, burn=0.5, state="exhausted",
                labels=(("tier", "2"),),
            ),
            make_standing("b/alone", left=None, total=0.0, burn=None, state="new"),
            make_standing("c/third", objective=Decimal("0.99"), left=0.9, alerts=(fires(),)),
        ],
    )  # fmt: skip
    return make_client(engine)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("state=firing", {"c/third"}),
        ("state=ticket", set()),
        ("state=attention", {"b/second", "c/third"}),
        ("service=b", {"b/second", "b/alone"}),
        ("label=tier=1", {"a/first"}),
        ("label=tier%3D2&service=b", {"b/second"}),
        ("label=tier=1&service=b", set()),
    ],
)
def test_the_table_is_filtered_by_what_fires_service_and_label(mixed, query, wanted):
    found = page(mixed, f"/?{query}")
    assert ("No SLO matches" in found.text) is not bool(wanted)
    assert set(table(mixed, f"/?{query}") if wanted else ()) == wanted


def test_the_filter_offers_what_there_is_and_keeps_what_is_chosen(mixed):
    html = mixed.get("/?label=tier%3D1&service=gone").text
    assert '<option value="tier=1" selected>tier=1</option>' in html
    assert '<option value="team=x">team=x</option>' in html
    assert "<option selected>gone</option>" in html
    assert [o for o in Document(html).all("option") if o.get("value") == "b"]


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("attention", ["c/third", "b/second", "b/alone", "a/first"]),
        ("service", ["a/first", "b/alone", "b/second", "c/third"]),
        ("name", ["b/alone", "a/first", "b/second", "c/third"]),
        ("-name", ["c/third", "b/second", "a/first", "b/alone"]),
        ("objective", ["b/alone", "b/second", "c/third", "a/first"]),
        ("budget", ["b/second", "a/first", "c/third", "b/alone"]),
        ("burn", ["a/first", "b/second", "c/third", "b/alone"]),
    ],
)
def test_each_sort_puts_first_what_asks_for_attention(mixed, sort, wanted):
    assert table(mixed, f"/?sort={sort}") == wanted


def test_a_sort_across_services_names_each_rows_service(mixed):
    text = page(mixed, "/?sort=budget").text
    assert "b / second" in text.partition("Forecast")[2]
    assert "/service/b" not in [a.get("href") for a in page(mixed, "/?sort=budget").all("a")]


def test_column_heads_sort_turn_round_and_keep_the_filter(mixed):
    heads = {a["href"] for a in page(mixed, "/?q=s&sort=budget").all("a")}
    assert "/?q=s&sort=-budget#filter" in heads
    assert "/?q=s&sort=burn#filter" in heads
    assert "/?q=s#filter" in heads  # Attention is the usual order.


@pytest.mark.parametrize(
    ("sort", "way"),
    [("budget", "ascending"), ("-budget", "descending"), ("burn", "descending")],
)
def test_the_sorted_column_says_so(mixed, sort, way):
    (head,) = [a for a in page(mixed, f"/?sort={sort}").all("th") if "aria-sort" in a]
    assert head["aria-sort"] == way


def test_the_status_page_is_a_step_away(site):
    links = [a.get("href") for a in page(site, "/").all("a")]
    assert {"/status", "/feed.atom"} <= set(links)


def test_services_lead_to_their_pages(mixed):
    assert "/service/b" in [a.get("href") for a in page(mixed, "/").all("a")]


def test_more_rows_than_a_page_holds_have_further_pages(mixed, monkeypatch):
    monkeypatch.setattr(listing, "MOST_ROWS", 3)
    first, last = page(mixed, "/?sort=service"), page(mixed, "/?sort=service&page=2")
    assert "1 to 3 of 4 Next" in first.text
    assert "Previous 4 to 4 of 4" in last.text
    assert "/?sort=service&page=2#filter" in [a.get("href") for a in first.all("a")]
    assert table(mixed, "/?sort=service&page=2") == ["c/third"]
    assert "No SLO matches" in page(mixed, "/?page=99").text


# Refreshes


def refresh(client, tag=None):
    headers = {HEADER: "1"} | ({} if tag is None else {"If-None-Match": tag})
    return client.get("/", headers=headers | {"Accept-Encoding": "gzip"})


def test_a_refresh_of_an_unchanged_page_costs_no_body(engine):
    put_standings(engine, [make_standing()])
    clock = [float(NOW)]
    client = create_app(engine, clock=lambda: clock[0]).test_client()
    tag = refresh(client).headers["ETag"]
    clock[0] += 15
    again = refresh(client, tag)
    assert (again.status_code, again.data) == (304, b"")
    assert "cycle 27 s ago" in page(client, "/").text  # The clock went on all the same.


def test_a_refresh_shows_what_changed(engine):
    put_standings(engine, [make_standing()])
    client = make_client(engine)
    tag = refresh(client).headers["ETag"]
    put_standings(engine, [make_standing(left=0.3)], cycle=False)
    assert refresh(client, tag).status_code == 200


def test_a_reload_is_no_refresh(engine):
    """A browser that kept the page would else show an old clock."""
    put_standings(engine, [make_standing()])
    client = make_client(engine)
    tag = refresh(client).headers["ETag"]
    plain = client.get("/", headers={"If-None-Match": tag})
    assert plain.status_code == 200
    assert "ETag" not in plain.headers


# Hostile texts


def test_hostile_labels_owners_and_rules_stay_texts(engine):
    alert = StandingAlert(HOSTILE, "burn", "page", AT, HOSTILE)
    found = make_standing(
        "s/a", owner=HOSTILE, labels=((HOSTILE, HOSTILE),), runbook="javascript:alert(1)",
        alerts=(alert,), description="x" * 10_000,
    )  # fmt: skip
    put_standings(engine, [found])
    open_incident(engine, "s/a", assignee=HOSTILE, title=HOSTILE)
    client = make_client(engine)
    for query in ("/", f"/?label={HOSTILE}={HOSTILE}", f"/?service={HOSTILE}&sort={HOSTILE}"):
        html = client.get(query).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "javascript:" not in html
        Document(html)
