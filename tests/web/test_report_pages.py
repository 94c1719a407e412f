"""The pages of reports, their files and their API."""

from __future__ import annotations

import json
import re

import pytest

from slo.web.app import create_app
from tests.reports.conftest import two_months
from tests.reports.world import NOW
from tests.support.browser import PHONE, faults_of, looks, opened, width
from tests.support.site import serving
from tests.web.document import page
from tests.web.truthful import truthful

__all__ = ["two_months"]

API = "/api/v1/reports"


@pytest.fixture(scope="module")
def client(two_months):
    return truthful(create_app(two_months, clock=lambda: float(NOW))).test_client()


@pytest.fixture(scope="module")
def base(two_months):
    with serving(create_app(two_months, clock=lambda: float(NOW))) as url:
        yield url


class TestPages:
    def test_the_list_tells_what_became_of_each_month(self, client):
        found = page(client, "/reports")
        assert re.search(r"October 2026 .{0,9}missed 1 of 3 met", found.text)
        assert "ranker/accuracy, shop/availability" in found.text
        assert "November 2026 so far" in found.text
        assert re.search(r"November 2026 so far .{0,20} \d of \d within budget", found.text)
        links = {a.get("href") for a in found.all("a")}
        wanted = {"2026-11", "2026-10", "2026-09", "2026-Q4", "2026-Q3", "2026", "2026-W45"}
        assert {f"/reports/{name}" for name in wanted} <= links

    def test_the_report_says_first_what_matters_most(self, client):
        found = page(client, "/reports/2026-10")
        text = found.text
        places = [
            text.index(part)
            for part in (
                "SLO report: October 2026",
                "1 of 3 SLOs met their objective",
                "Most of the error budget spent",
                "Incidents that cost most",
                "0 of 1 met; owned by search",
                "Exclusions",
                "Open action items",
                "How to read this",
            )
        ]
        assert places == sorted(places)
        assert "made 2026-11-03 06:00 UTC" in text

    def test_state_and_trend_are_told_by_word_and_sign(self, client):
        text = page(client, "/reports/2026-10").text
        for told in ("\u2715 missed", "\u2713 met", "\u25bc worse", "\u25cf the same"):
            assert told in text

    def test_links_lead_to_slos_incidents_and_neighbours_with_the_filter(self, client):
        found = page(client, "/reports/2026-10?service=shop&owner=shop-team")
        links = {a.get("href") for a in found.all("a")}
        query = "?service=shop&owner=shop-team"
        assert {f"/reports/2026-09{query}", f"/reports/2026-11{query}"} <= links
        assert {
            f"/reports/2026-10.{kind}{query}" for kind in ("md", "csv", "json", "html")
        } <= links
        assert {"/slo/shop/availability", "/incidents/1", "/service/shop"} <= links
        assert "/slo/ranker/accuracy" not in links

    def test_nothing_lies_after_a_period_that_runs(self, client):
        found = page(client, "/reports/2026-11")
        assert [a for a in found.all("a") if a.get("rel") == "next"] == []
        assert "so far" in found.text

    @pytest.mark.parametrize(
        ("path", "says"),
        [
            ("/reports/2026-13", "2026-W47"),
            ("/reports/2027-01", "has not begun"),
            ("/reports/<b>", "is no period"),
            ("/reports/2026-10?zone=Mars", "Europe/Berlin"),
            ("/reports/2026-13.csv", "2026-W47"),
        ],
    )
    def test_what_is_no_period_is_told(self, client, path, says):
        assert says in page(client, path, 404).text

    def test_an_empty_period_says_so(self, client):
        assert "No ledger reaches January 2020" in page(client, "/reports/2020-01").text

    def test_without_any_ledger_the_list_says_when_it_begins(self, engine):
        bare = create_app(engine, clock=lambda: float(NOW)).test_client()
        assert "It begins with the first cycle" in page(bare, "/reports").text


class TestFiles:
    @pytest.mark.parametrize(
        ("kind", "media", "begins"),
        [
            ("md", "text/markdown; charset=utf-8", "# SLO report: October 2026"),
            ("csv", "text/csv; charset=utf-8", "period,start,end"),
            ("json", "application/json", '{"period":{"name":"2026-10"'),
            ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ],
    )
    def test_each_comes_with_its_type_and_name(self, client, kind, media, begins):
        answer = client.get(f"/reports/2026-10.{kind}?service=shop")
        assert (answer.status_code, answer.content_type) == (200, media)
        assert answer.text.startswith(begins)
        told = f'attachment; filename="slo-report-2026-10-shop.{kind}"'
        assert answer.headers["Content-Disposition"] == told

    def test_there_is_no_file_of_another_kind(self, client):
        assert client.get("/reports/2026-10.exe").status_code == 404


class TestApi:
    def test_the_report_is_that_of_the_file(self, client):
        answer = client.get(f"{API}/2026-10?owner=search")
        assert answer.json == json.loads(client.get("/reports/2026-10.json?owner=search").text)
        assert [s["service"] for s in answer.json["services"]] == ["ranker"]

    def test_periods_are_listed_by_kind(self, client):
        names = [p["name"] for p in client.get(API).json["periods"]]
        assert names == ["2026-11", "2026-10", "2026-09"]
        found = client.get(f"{API}?unit=quarter&zone=Asia/Tokyo").json["periods"]
        assert [(p["name"], p["start"]) for p in found] == [
            ("2026-Q4", "2026-09-30T15:00:00Z"),
            ("2026-Q3", "2026-06-30T15:00:00Z"),
        ]

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            (f"{API}/2026-13", 404),
            (f"{API}/2027-01", 404),
            (f"{API}/2026-10?zone=Mars", 400),
            (f"{API}/2026-10?sevice=shop", 400),
            (f"{API}?unit=day", 400),
            (f"{API}?zone=Mars", 400),
        ],
    )
    def test_what_cannot_be_answered_is_a_problem(self, client, path, status):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


class TestInTheBrowser:
    @pytest.mark.parametrize("path", ["/reports", "/reports/2026-10"])
    def test_it_is_clean_and_without_barriers_in_every_look(self, browser, base, path):
        with opened(browser, base + path) as shown:
            for size, scheme in looks(shown):
                shown.reload()
                assert faults_of(shown, size) == [], (size, scheme)

    def test_no_width_in_between_scrolls_sideways(self, browser, base):
        with opened(browser, f"{base}/reports/2026-10") as shown:
            for wide in (320, 480, 640, 768, 1000, 1081, 1241, 1300, 1920):
                shown.set_viewport_size({"width": wide, "height": 800})
                assert width(shown) <= wide, wide

    def test_on_paper_tables_stay_tables_and_nothing_to_press_is_printed(self, browser, base):
        with opened(browser, f"{base}/reports/2026-10", PHONE) as shown:
            shown.emulate_media(media="print")
            assert (
                shown.locator(".report-table tr").first.evaluate("e => getComputedStyle(e).display")
                == "table-row"
            )
            assert not shown.locator(".report .filter").is_visible()
            assert shown.locator(".on-paper").first.is_visible()
            assert shown.pdf().startswith(b"%PDF")
