"""The page of an SLO: its numbers, charts, policy, past, definition, and what it rests on."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from types import SimpleNamespace

import pytest

from slo.domain.booking import Booking
from slo.domain.ledger import Increment
from slo.domain.span import Span, rfc3339
from slo.domain.standing import Budget, Note
from slo.store import alerts, booking, incidents, standings
from slo.store.backup import backup
from slo.store.engine import open_engine, reading, writing
from slo.web.pages.slo import ranges
from slo.web.pages.slo.tiles import tiles
from slo.web.pages.slo.why import arithmetic
from tests.support import rich
from tests.support.feed import MINUTE, START, Feed
from tests.web.document import HOSTILE, Document, page
from tests.web.world import (
    AT,
    DAY,
    NOW,
    book_latency,
    latency_standing,
    make_client,
    make_standing,
    put_remetered,
    put_standings,
)

LATENCY = "/slo/fraud-model/latency"
AVAILABILITY = "/slo/fraud-model/availability"


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
    found = {t.label: t for t in tiles(make_standing(coverage=0.5), NOW, begun, away)}
    assert found["Coverage"].detail.replace("\u202f", " ") == wanted


def test_a_small_budget_is_told_by_digits_that_mean_something():
    budget = Budget(0.036, 1.0, 1 - 1 / 0.036)
    found = {t.label: t for t in tiles(make_standing(total=360.0, budget=budget), NOW)}
    assert found["Budget left"].detail == "\u22120.964 of 0.036 events"


def test_the_arithmetic_of_a_small_budget_can_be_reckoned_again():
    budget = Budget(0.036, 1.0, 1 - 1 / 0.036)
    objective, small = Decimal("0.9999"), {"total": 360.0, "good": 359.0, "bad": 1.0}
    standing = make_standing(objective=objective, budget=budget, **small)
    rows = {
        name: text.replace("\u202f", " ")
        for name, text in arithmetic(SimpleNamespace(standing=standing))
    }
    assert rows["Allowed"] == "(1 \u2212 99.99 %) \u00d7 360 = 0.036 bad events"
    assert rows["Left"] == "1 \u2212 1 / 0.036 = \u22122,678 %"


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
        ("7d", 7, ["1 h", "6 h", "1 d", "7 d", "30 d", "90 d", "1 y"]),
        ("28d", 28, ["1 h", "6 h", "1 d", "7 d", "28 d", "90 d", "1 y"]),
        ("90d", 90, ["1 h", "6 h", "1 d", "7 d", "30 d", "90 d", "1 y"]),
    ],
)
def test_ranges_are_in_order_and_the_own_window_stands_once(label, days, wanted):
    standing = make_standing(window_label=label, window=Span(AT - days * DAY, AT))
    found = ranges.tabs(standing, "window")
    assert [tab.label.replace("\u202f", " ") for tab in found] == wanted
    assert [tab.key for tab in found if tab.current] == ["window"]


def test_the_own_window_asked_for_by_its_length_is_one_tab(site):
    found = page(site, f"{LATENCY}?range=30d")
    tabs = [a for a in found.all("a") if a.get("href", "").startswith("?range=")]
    assert [a["href"] for a in tabs if "aria-current" in a] == ["?range=window"]
    assert "?range=30d" not in [a["href"] for a in tabs]


def test_an_unknown_slo_is_404_and_names_what_is_alike(site):
    found = page(site, "/slo/fraud-model/latancy", 404)
    assert "There is no SLO fraud-model/latancy." in found.text
    assert "/slo/fraud-model/latency" in [a.get("href") for a in found.all("a")]


# The range


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("from=2026-11-18T06:00&to=2026-11-18T12:00", "18 Nov 06:00", "18 Nov 12:00"),
        ("from=2026-11-18T06:02:30&to=2026-11-18T12:01", "18 Nov 06:00", "18 Nov 12:05"),
        ("from=2026-11-18T06:00:00%2B02:00&to=1794999600", "18 Nov 04:00", "18 Nov 11:00"),
        ("from=2026-11-18&to=2030-01-01", "18 Nov 00:00", "20 Nov 20:20"),
        ("from=2020-01-01&to=2026-11-18", "20 Oct 20:20", "18 Nov 00:00"),
        ("to=2026-11-18", "20 Oct 20:20", "18 Nov 00:00"),
        ("to=2027-02-01T00:00", "21 Oct 20:20", "20 Nov 20:20"),
        ("from=2026-11-18", "18 Nov 00:00", "20 Nov 20:20"),
    ],
)
def test_a_range_of_ones_own_is_in_utc_and_inside_the_ledger(site, asked, start, end):
    found = page(site, f"{LATENCY}?{asked}")
    assert f"From {start} to {end} UTC" in found.text
    assert found.text.count("custom") == 1
    (details,) = [d for d in found.all("details") if d.get("id") == "custom"]
    assert "open" in details


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("from=2026-11-18&to=2026-11-17", "18 Nov 00:00 is not before 17 Nov 00:00 UTC; choose"),
        ("from=2030-01-01&to=2030-02-01", "Nothing is booked after 20 Nov 20:20 UTC yet; choose"),
        ("from=2020-01-01&to=2020-02-01", "The ledger begins at 20 Oct 20:20 2026 UTC; choose"),
        ("from=yesterday&to=2026-11-18", "'yesterday' is not a time; write for example"),
        ("from=%3Cb%3E&to=2026-11-18", "'<b>' is not a time"),
    ],
)
def test_a_range_that_makes_no_sense_is_told_and_the_window_shown(site, asked, told):
    found = page(site, f"{LATENCY}?{asked}", 400)
    assert told in found.text
    assert "left of the 30 d that end now" in found.text


def test_ranges_beside_the_one_shown_are_links(site):
    found = page(site, f"{LATENCY}?from=2026-11-18T06:00&to=2026-11-18T12:00&by=region")
    links = [a["href"] for a in found.all("a") if a.get("href", "").startswith("?from=")]
    assert links[0] == "?from=2026-11-18T03:00:00Z&to=2026-11-18T09:00:00Z&by=region"
    assert links[2] == "?from=2026-11-18T03:00:00Z&to=2026-11-18T15:00:00Z&by=region"
    page(site, f"{LATENCY}{links[2]}")


# A store with something of everything


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    made = rich.make(tmp_path_factory.mktemp("slo") / "slo.db")
    yield made
    made.feed.engine.dispose()


@pytest.fixture(scope="module")
def client(full):
    return full.app().test_client()


def standing_of(full, slo="fraud-model/availability"):
    with reading(full.feed.engine) as session:
        return standings.one(session, slo)


def test_the_open_incident_has_a_tile_that_leads_to_it(full, client):
    number = standing_of(full).incident
    found = page(client, AVAILABILITY)
    open_for = re.search(rf"Incident #{number} (open for \d+ \w+)", found.text)[1]
    assert f"{open_for}, not acknowledged" in page(client, "/").text
    assert f"/incidents/{number}" in [a.get("href") for a in found.all("a")]
    assert "Incident #" not in page(client, "/slo/ranker/availability").text


def test_what_happened_is_marked_on_every_chart_and_told_below(full, client):
    html = client.get(f"{AVAILABILITY}?range=window").text
    text = Document(html).text
    for told in (
        f"incident #{standing_of(full).incident}, ",
        "page-1h, page-6h fired (page, 4 times)",
        "excluded, does not count: a move (maintenance, mia)",
        "deploy, v2: Model of November. (ci)",
        "experiment, v2: Model of November. (ci)",
    ):
        assert text.count(told) >= 5, told  # In four charts, and in the table.
    for kind in ("incident", "excluded", "fires-page", "at-annotation"):
        assert html.count(f'class="{kind}"') >= 4, kind
    assert "incident, with its number" in text
    assert "hatched: excluded, does not count" in text


def test_an_incident_is_marked_from_the_minute_in_which_it_opened(full, client):
    number = standing_of(full).incident
    with reading(full.feed.engine) as session:
        at = incidents.one(session, number).opened_at
    for path in (f"{AVAILABILITY}?from={at - 3600}&to={at}", f"{AVAILABILITY}?range=1h"):
        assert f"incident #{number}, " in page(client, path).text


def test_a_rule_of_a_calendar_window_tells_its_share_of_the_whole_month(client):
    rules = client.get("/api/v1/slos/fraud-model/accuracy/policy").get_json()["rules"]
    [share] = [r["budget_share"] for r in rules if (r["factor"], r["long"]) == (3, 6 * 3600)]
    assert share == pytest.approx(3 * 6 / (30 * 24))


def test_before_the_ledger_there_is_no_standing(client):
    def standings_at(at):
        return client.get(f"/api/v1/slos?at={at}").get_json()["slos"]

    assert standings_at(START - 86_400) == []
    assert len(standings_at(START + 7200)) == 3


def test_annotations_lead_to_their_url_and_to_nothing_else(client):
    found = page(client, AVAILABILITY)
    links = {a["href"] for a in found.all("a") if "ci.example" in a.get("href", "")}
    assert links == {"https://ci.example/run/1"}


def test_a_chart_of_a_past_span_shows_what_happened_then_alone(client):
    end = START + 100 * MINUTE
    text = page(client, f"{AVAILABILITY}?from={START}&to={end}").text
    assert "incident #" not in text.partition("Alert policy")[0].partition("Error budget")[2]
    assert "excluded, does not count: a move" in text


def test_the_policy_says_what_the_decision_said(full, client):
    text = page(client, AVAILABILITY).text
    with reading(full.feed.engine) as session:
        states = alerts.states(session, ["fraud-model/availability"])["fraud-model/availability"]
    firing = [s for s in states.values() if s.firing and s.kind == "burn"]
    assert firing
    for state in firing:
        minute = rfc3339(state.since)[11:16]
        row = text.partition("Alert policy")[2].partition(f" {state.rule} ")[2]
        assert re.match(rf".{{,90}}firing since [^;]*{minute}", row), row[:150]


def test_every_rule_of_the_policy_has_a_row_with_its_numbers(full, client):
    text = page(client, AVAILABILITY).text
    (slo,) = [s for s in full.loaded.settings.slos if s.id == "fraud-model/availability"]
    for rule in slo.alert_policy.rules:
        assert f" {rule.name} " in text.partition("Alert policy")[2], rule.name
    assert "page-1h 2 % of the budget in 1 h \u25b2 page 1 h 5 min 14.4x" in text
    assert "budget in 2.1 d" in text
    assert "no data: the source is silent" in text


def test_the_numbers_of_the_policy_are_those_of_the_standing(full, client):
    rates = dict(standing_of(full).burn_rates)
    row = page(client, AVAILABILITY).text.partition("page-1h 2 % of")[2][:90]
    shown = [
        f"{rates[name]:,.0f}x" if rates[name] >= 100 else f"{rates[name]:,.1f}x"
        for name in ("1h", "5m")
    ]
    assert f"14.4x {shown[0]} {shown[1]}" in row


def test_a_page_changes_nothing(full, client):
    with reading(full.feed.engine) as session:
        before = alerts.states(session), len(alerts.history(session))
    for span in ("1h", "window"):
        page(client, f"{AVAILABILITY}?range={span}")
    with reading(full.feed.engine) as session:
        assert before == (alerts.states(session), len(alerts.history(session)))


def test_the_head_says_what_fires(client):
    head = page(client, AVAILABILITY).text.partition("Budget left")[0]
    assert "\u25c6 page fires" in head
    assert "fires" not in page(client, "/slo/ranker/availability").text.partition("Budget left")[0]


def test_a_young_ledger_fills_the_charts_and_the_whole_window_is_a_step_away(client):
    def tab(query=""):
        html = client.get(AVAILABILITY + query).text
        links = [a for a in Document(html).all("a") if a.get("aria-current") == "true"]
        return [a["href"] for a in links]

    assert tab() == ["?range=6h"]
    assert tab("?range=window") == ["?range=window"]


def test_an_old_ledger_is_shown_over_its_window(site):
    links = [a for a in page(site, LATENCY).all("a") if a.get("aria-current") == "true"]
    assert [a["href"] for a in links] == ["?range=window"]


def test_an_slo_that_is_gone_from_slo_yaml_says_so_and_forecasts_nothing(site):
    text = page(site, "/slo/gone/availability").text
    assert "not in slo.yaml any more, so nothing is counted since 20 Nov 20:21 UTC" in text
    assert "Budget gone \u2013 not in slo.yaml" in text
    assert "left of the 30 d that ended 20 Nov 20:21 UTC" in text
    assert "any more" not in page(site, LATENCY).text


def book_hours(engine, bad):
    """A hundred hours of a thousand events, with a reading an hour; gives their end."""
    at = AT // 3600 * 3600
    meters = put_standings(engine, [make_standing("shop/checkout", at=at)])
    hours = [Increment(at - n * 3600, 1000.0 - bad, 1000.0, 3600.0) for n in range(99, -1, -1)]
    found = Booking(meters["shop/checkout"].id, Span(at - 100 * 3600, at), tuple(hours))
    with writing(engine) as session:
        booking.book(session, [found])
    return at


@pytest.mark.parametrize(
    ("bad", "word"),
    [(2.0, "within budget, so far"), (400.0, "over budget, so far")],
)
def test_while_a_window_runs_nothing_is_met_or_missed(engine, bad, word):
    book_hours(engine, bad)
    past = page(make_client(engine), "/slo/shop/checkout").text.partition("Past windows")[2]
    row = past.partition("Now and lately")[0].partition("November 2026")[2]
    assert word in row
    assert " met" not in row
    assert "missed" not in row


def test_past_windows_of_a_former_meter_are_judged_by_it(engine):
    put_remetered(engine)
    past = page(make_client(engine), "/slo/shop/checkout").text.partition("Past windows")[2]
    past = past.partition("Now and lately")[0]
    months = ["November 2026", "October 2026", "September 2026", "August 2026", "July 2026"]
    assert re.findall(r"[A-Z][a-z]+ 2026", past) == months
    assert "missed" in past.partition("September 2026")[2].partition("August 2026")[0]


def test_long_ago_charts_show_what_is_kept_and_no_gap(engine):
    at = book_hours(engine, 5.0)
    start = at - 50 * 3600 + 600
    url = f"/slo/shop/checkout?from={start}&to={start + 1200}"
    found = page(make_client(engine), url)
    assert "share of all, per 1 h" in found.text
    assert "Nothing is marked in this range." in found.text
    assert "No data in this range." not in found.text
    assert " 16.6 0.083" in found.text.partition("Events per minute")[2]  # 995 and 5 an hour.


def test_the_definition_is_yaml_that_slo_yaml_takes(client):
    text = client.get(AVAILABILITY).text
    block = text[text.index('<pre class="copy"') :].partition(">")[2].partition("</pre>")[0]
    assert "availability:" in block
    assert "objective: 99.9%" in block
    assert "fraud_requests_good_total" in block


def test_requests_lead_to_prometheus_and_show_no_credentials(client):
    found = page(client, AVAILABILITY)
    links = [a["href"] for a in found.all("a") if "/graph?" in a.get("href", "")]
    assert len(links) == 2
    assert all(link.startswith("http://localhost:1/graph?g0.expr=fraud_requests") for link in links)
    assert "instant query, at the bucket's end" in found.text


def test_the_number_is_explained_by_its_two_readings(site):
    text = page(site, LATENCY).text.partition("Why this number")[2]
    standing = latency_standing()
    assert "reading at 20 Nov 20:20" in text
    assert "\u2212 reading at 21 Oct 20:20" in text
    assert f"= events of the window {standing.good:,.0f} {standing.total:,.0f}" in text
    assert f"(1 \u2212 99 %) \u00d7 {standing.total:,.0f} = " in text
    assert "+ correction at 19 Nov 20:21 by mia: counted twice" in text
    assert "is in here already" not in text


def test_what_was_excluded_since_the_last_cycle_is_told_apart(client):
    text = page(client, AVAILABILITY).text.partition("Why this number")[2]
    assert "excluded or corrected since the last cycle is in here already" in text
    assert "114 events of a new series" in text


def test_what_is_now_and_lately_is_told(full, client):
    text = page(client, AVAILABILITY).text.partition("Now and lately")[2]
    assert "Gate closed" in text
    assert f"#{full.resolved} " in text
    assert "/badge/fraud-model/availability.svg" in text
    assert "Exclusions 20 Nov 20:10 to 20 Nov 20:20 UTC does not count" in text
    other = page(client, "/slo/ranker/availability").text.partition("Now and lately")[2]
    assert "by mia: load test" in other


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("", "region eu 40 80 % 50.00 %"),
        ("?by=version", "v1 10 20 % 50.00 %"),
        ("?by=region&of=range", "eu 40 80 % 50.00 %"),
        ("?by=nonsense", "region eu 40 80 % 50.00 %"),
    ],
)
def test_contributors_are_told_by_the_label_that_is_chosen(client, asked, wanted):
    assert wanted in page(client, f"{AVAILABILITY}{asked}").text


@pytest.fixture(scope="module")
def later(full, tmp_path_factory):
    """A copy after slo.yaml promised less, and then counted something else."""
    path = tmp_path_factory.mktemp("later") / "slo.db"
    backup(full.feed.engine, path)
    engine = open_engine(f"sqlite:///{path}")
    changed = rich.yaml(rich.plain).replace('"objective": "99.9%"', '"objective": "99.5%"')
    feed = Feed(engine, changed, at=full.feed.at)
    feed.quiet(5)
    feed.change(changed.replace("fraud_requests_total", "fraud_calls_total"))
    feed.quiet(5)
    yield dataclasses.replace(full, feed=feed).app().test_client()
    engine.dispose()


def test_revisions_say_what_they_changed_and_charts_where(later):
    text = page(later, f"{AVAILABILITY}?range=1h").text
    assert "objective from 99.9 % to 99.5 %" in text
    # A line and its sign in each of four charts, and a row below.
    assert text.count("objective changed from 99.9 % to 99.5 %") == 9
    assert "the objective changed" in text


def test_a_meter_that_ended_stays_readable(later):
    found = page(later, AVAILABILITY)
    (link,) = [a["href"] for a in found.all("a") if a.get("href", "").startswith("?meter=")]
    text = page(later, f"{AVAILABILITY}{link}").text
    assert "The charts show a former meter" in text
    assert "No data in this range" not in text
    assert "The charts show a former meter" not in found.text


def test_an_slo_that_is_gone_from_slo_yaml_shows_its_last(full):
    full_settings = dataclasses.replace(full.loaded.settings, slos=())
    text = page(
        make_client(full.feed.engine, loaded=type(full.loaded)(full_settings)), AVAILABILITY
    ).text
    assert "No longer in slo.yaml, so no rule decides." in text
    assert "Why this number" in text
    assert "fraud_requests_good_total" in text


def test_hostile_questions_stay_texts(client):
    asked = {"by": HOSTILE, "of": HOSTILE, "meter": HOSTILE, "range": HOSTILE, "from": HOSTILE}
    response = client.get(AVAILABILITY, query_string=asked)
    assert response.status_code == 400
    found = Document(response.text)
    assert found.all("img") == []
    assert len(found.all("script")) == 1
    assert not [a for _, a in found.elements if any(name.startswith("on") for name in a)]
    assert "is not a time; write for example" in found.text
