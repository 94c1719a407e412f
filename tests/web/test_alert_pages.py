"""The page of alerts: what fires, what fired, why, and who was told."""

from __future__ import annotations

import csv
import io
import re

import pytest

from slo import silencing
from slo.store import outbox
from slo.store.engine import writing
from slo.web.pages.alerts import page as alert_pages
from tests.web.incident_world import UNROUTED, VIEWER, client, section, text
from tests.web.world import make_client


def end_messages(feed, state, error=""):
    table = outbox.schema.notification
    with writing(feed.engine) as session:
        session.execute(table.update().values(state=state, error=error, ended_at=float(feed.at)))


def test_what_fires_stands_on_top_with_reason_incident_and_who_was_told(burning):
    page = client(burning).get("/alerts")
    top = section(page, "firing", "History")
    assert "alerts firing" in top
    assert "pages at 14.4x" in top
    assert 'href="/incidents/1"' in top
    assert "so far" in top
    assert "hook</b>" in top
    assert "pending" in top


def test_what_is_over_tells_how_long_it_lasted_and_why_it_ended(over):
    found = text(client(over).get("/alerts"))
    assert "No alert fires" in found
    assert "ended: burned" in found
    assert "so far" not in found


def test_times_can_be_read_by_a_browser(over):
    assert re.search(
        r'<time datetime="2026-11-20T21:\d\d:00Z">20\u202fNov 21:\d\d</time>',
        client(over).get("/alerts").text,
    )


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("?service=shop", True),
        ("?service=nobody", False),
        ("?slo=shop/availability&range=1d", True),
        ("?slo=shop/other", False),
        ("?severity=page", True),
        ("?severity=ticket&rule=page-1h", False),
        ("?kind=burn", True),
        ("?kind=dead", False),
        ("?rule=page-1h", True),
        ("?rule=page-6h&q=14.4", False),
        ("?q=PAGES+at", True),
        ("?q=availability", True),
        ("?q=%25", False),
        ("?from=2026-11-20T20:00&to=2026-11-20T22:00", True),
        ("?from=2026-11-20T20:00:00Z&to=2026-11-20T20:10:00Z", False),
        ("?from=2h", True),
        ("?range=nonsense&severity=nonsense&kind=nonsense", True),
        ("?before=1", False),
        ("?before=99999999999999999999", True),
    ],
)
def test_the_history_is_narrowed_by_the_address(over, query, there):
    page = client(over).get(f"/alerts{query}")
    assert ("page-1h</span>" in section(page, "history", "</main>")) is there


@pytest.mark.parametrize(
    ("query", "head", "there"),
    [
        ("?slo=shop/availability", "2 alerts firing", True),
        ("?slo=shop/other", "0 of 2 alerts firing", False),
        ("?service=shop", "2 alerts firing", True),
        ("?service=nobody", "0 of 2 alerts firing", False),
        ("?severity=ticket", "0 of 2 alerts firing", False),
        ("?kind=burn&rule=page-1h", "1 of 2 alerts firing", True),
        ("?kind=dead", "0 of 2 alerts firing", False),
        ("?q=PAGES+at+14.4", "1 of 2 alerts firing", True),
        ("?q=%25", "0 of 2 alerts firing", False),
        ("?to=2020-01-01T00:00Z&range=all", "2 alerts firing", True),
    ],
)
def test_what_fires_is_narrowed_by_the_address_but_for_its_times(burning, query, head, there):
    top = section(client(burning).get(f"/alerts{query}"), "firing", "<form")
    assert f"<h1>{head}</h1>" in top
    assert ("page-1h</span>" in top) is there
    assert ("None of those that fire fits" in top) is not there


def test_what_cannot_decide_is_narrowed_like_what_fires(burning):
    burning.book((0, 0, 0.0))
    page = client(burning)
    assert "1 rule cannot decide" in text(page.get("/alerts?rule=page-1h&q=newest+bucket"))
    assert "cannot decide" not in text(page.get("/alerts?rule=page-1h&q=nonsense"))
    assert "cannot decide" not in text(page.get("/alerts?slo=shop/other"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?from=yesterdayish", "from: 'yesterdayish' is not a time"),
        ("?from=9999-12-31T23:59:59-23:59", "lies too far ahead"),
        ("?from=2026-11-20T21:00Z&to=2026-11-20T20:00Z", "to: lies before the beginning"),
    ],
)
def test_times_that_make_no_sense_are_told_and_kept(over, query, told):
    page = client(over).get(f"/alerts{query}")
    assert told in text(page)
    assert 'role="alert" tabindex="-1" autofocus' in page.text


def test_the_form_shows_what_the_address_asks_for(over):
    page = client(over).get("/alerts?q=burned&rule=page-1h&from=2026-11-20T20:00:00Z&range=30d")
    assert 'value="burned"' in page.text
    assert '<option value="page-1h" selected>' in page.text
    assert 'name="from" value="2026-11-20T20:00"' in page.text
    assert '<option value="30d" selected>' in page.text


def test_pages_go_on_where_the_last_one_ended(over, monkeypatch):
    whole = _fired(client(over).get("/alerts").text)
    monkeypatch.setattr(alert_pages, "PAGE_SIZE", 1)
    seen, path = [], "/alerts?severity=page"
    while path:
        page = client(over).get(path).text
        seen += _fired(page)
        link = re.search(r'<a href="(\?[^"]*)" rel="next"', page)
        path = link and "/alerts" + link[1].replace("&amp;", "&").partition("#")[0]
    assert seen == whole
    assert len(seen) > 1


def _fired(page):
    return re.findall(r"</a> <span class=\"muted\">([\w-]+)</span>", page)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("delivered", "hook ✓ delivered"),
        ("dead", "answered 410"),
        ("suppressed", "hook ‖ suppressed"),
    ],
)
def test_whether_a_message_arrived_is_told(over, state, told):
    end_messages(over, state, "answered 410")
    assert told in text(client(over).get("/alerts"))


def test_what_arrived_shows_no_error_of_an_earlier_attempt(over):
    end_messages(over, "delivered", "answered 503")
    assert "answered 503" not in text(client(over).get("/alerts"))


def test_a_silenced_alert_tells_by_which_silence(over):
    with writing(over.engine) as session:
        silencing.silence(
            session,
            over.context.settings,
            scope="shop/*",
            until="4h",
            who="ada",
            why="a load test",
            now=over.at,
        )
    over.run(30)
    over.run(8, bad=90)
    page = client(over).get("/alerts")
    assert "silenced until" in section(page, "firing", "History")
    assert "silenced: Nobody is told before" in text(page)
    assert "1 silence in force" in text(page)


def test_an_alert_that_no_route_fits_tells_so(over):
    over.change(UNROUTED)
    over.run(30)
    over.run(8, bad=90)
    assert "nobody: no route fits" in text(client(over).get("/alerts"))


def test_a_muted_alert_tells_until_when(burning):
    form = {"who": "ada", "why": "known"}
    assert client(burning).post("/incidents/1/resolve", data=form).status_code == 303
    assert "muted until" in text(client(burning).get("/alerts"))


def test_rules_that_cannot_decide_are_listed_with_the_reason(burning):
    burning.book((0, 0, 0.0))
    page = client(burning).get("/alerts")
    assert "cannot decide now" in text(page)
    assert "the newest bucket has no data" in section(page, "frozen", "</details>")


def test_the_history_comes_as_a_table_for_spreadsheets(over):
    answer = client(over).get("/alerts.csv?rule=page-1h")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="alerts-2026-11-20.csv"'
    assert (row["slo"], row["severity"], row["rule"]) == ("shop/availability", "page", "page-1h")
    assert row["fired_at"].endswith("Z")
    assert int(row["seconds"]) > 0
    assert row["incident"] == "1"
    assert row["told"].startswith("hook pending")


def test_a_store_without_alerts_says_what_would_show_up(engine):
    found = text(make_client(engine).get("/alerts"))
    assert "What fires shows here" in found
    assert "Nothing fired in the last 7 days" in found


def test_who_may_only_read_sees_the_alerts(burning):
    assert "alerts firing" in text(client(burning, VIEWER).get("/alerts"))
