"""Charts in a real Chromium: one cursor for all, read-outs, and zoom by drag and by keyboard."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from slo.domain.standing import Note
from slo.store import standings
from slo.store.engine import writing
from slo.web import format as fmt
from slo.web.app import create_app
from tests.support.browser import PHONE, WIDE, opened, width
from tests.support.site import serving
from tests.support.stores import empty_store
from tests.web.world import NOW, book_latency, latency_standing, put_standings

LATENCY = "/slo/fraud-model/latency"
SPACE = "\u202f"


@pytest.fixture(scope="module")
def base(world):
    with serving(create_app(world, clock=lambda: NOW)) as url:
        yield url


def spot(field, share):
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    return box["x"] + box["width"] * share, box["y"] + box["height"] / 2


def test_the_pointer_on_one_chart_reads_all_of_them(browser, base):
    with opened(browser, base + LATENCY) as page:
        page.mouse.move(*spot(page.locator(".field").first, 0.5))
        readouts = page.locator(".readout").all_text_contents()
        stamps = {text.partition(" · ")[0] for text in readouts}
        assert len(readouts) == 4
        assert len(stamps) == 1
        assert stamps.pop().startswith(f"5{SPACE}Nov")
        expect(page.locator('.cursor[visibility="visible"]')).to_have_count(4)
        page.mouse.move(2, 2)
        expect(page.locator('.cursor[visibility="visible"]')).to_have_count(0)


def test_a_chart_of_several_lines_reads_each_by_name(browser, base):
    with opened(browser, f"{base}{LATENCY}?range=6h") as page:
        page.locator(".field").first.focus()
        page.keyboard.press("End")
        events = page.locator("#events-data").locator("xpath=..").locator(".readout")
        expect(events).to_contain_text(" · Good ")
        expect(events).to_contain_text(" · Bad ")


def test_dragging_over_a_chart_zooms_all_to_that_time(browser, base):
    with opened(browser, base + LATENCY + "?by=region") as page:
        field = page.locator(".field").first
        x, y = spot(field, 0.25)
        end, _ = spot(field, 0.75)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move((x + end) / 2, y)
        page.mouse.move(end, y)
        expect(page.locator(".brush")).to_have_count(4)
        page.mouse.up()
        page.wait_for_url("**from=2026-10-29T**to=2026-11-13T**")
        assert "by=region" in page.url
        expect(page.locator(".x-axis").first).to_contain_text("Nov")
        expect(page.locator("#custom")).to_have_attribute("open", "")


def test_a_click_zooms_nothing(browser, base):
    with opened(browser, base + LATENCY) as page:
        page.mouse.click(*spot(page.locator(".field").first, 0.5))
        assert page.url == base + LATENCY
        expect(page.locator(".brush")).to_have_count(0)


def test_the_keyboard_chooses_a_range_and_zooms_to_it(browser, base):
    with opened(browser, base + LATENCY) as page:
        page.locator(".field").nth(1).focus()
        page.keyboard.press("Home")
        for _ in range(3):
            page.keyboard.press("Shift+PageDown")
        expect(page.locator(".brush")).to_have_count(4)
        page.keyboard.press("Escape")
        expect(page.locator(".brush")).to_have_count(0)
        page.keyboard.press("Home")
        for _ in range(2):
            page.keyboard.press("Shift+PageDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**from=2026-10-21T**to=2026-10-2*")


def test_a_finger_that_scrolls_zooms_nothing(browser, base):
    with opened(browser, base + LATENCY, PHONE, has_touch=True) as page:
        box = page.locator(".field").first
        page.touchscreen.tap(*spot(box, 0.4))
        expect(page.locator(".readout").first).to_contain_text("Nov")
        expect(page.locator(".brush")).to_have_count(0)
        assert width(page) <= PHONE[0]


class Ticking:
    """A page whose time, like that of its server, moves on when a test says so."""

    def __init__(self, engine, page):
        self.engine, self.page, self.now, self.url = engine, page, NOW, ""

    def refresh(self, url):
        """A minute later, once the page asked again of its own."""
        self.now += 60
        with self.page.expect_response(url):
            self.page.clock.fast_forward(60_000)
        expect(self.page.locator(".cycle")).to_contain_text(f"{fmt.clock(self.now)} UTC")


@pytest.fixture
def ticking(browser, tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    meters = put_standings(engine, [latency_standing()])
    book_latency(engine, meters["fraud-model/latency"])
    with opened(browser, "about:blank", WIDE) as page:
        found = Ticking(engine, page)
        with serving(create_app(engine, clock=lambda: found.now)) as found.url:
            page.hosts.clear()
            page.clock.install()
            yield found
            page.hosts.clear()
            page.hosts.add("")
    engine.dispose()


def test_a_refresh_keeps_cursor_range_and_what_is_open(ticking):
    page = ticking.page
    asked = f"{ticking.url}{LATENCY}?from=2026-11-10T00:00:00Z&to=2026-11-12T00:00:00Z"
    page.goto(asked)
    page.locator("#budget-data summary").click()
    page.locator(".field").first.focus()
    page.keyboard.press("Home")
    readout = page.locator(".readout").last.text_content()
    assert readout.startswith(f"10{SPACE}Nov")
    ticking.refresh(asked)
    expect(page.locator(".readout").last).to_have_text(readout)
    expect(page.locator(".field").first).to_be_focused()
    expect(page.locator("#budget-data")).to_have_attribute("open", "")
    assert page.url == asked


def test_a_refresh_keeps_what_is_typed_and_chosen(ticking):
    page = ticking.page
    page.goto(ticking.url + LATENCY)
    page.locator("#custom summary").click()
    page.locator("select[name=of]").select_option("range")
    page.locator("select[name=by]").select_option("region")
    page.get_by_label("from (UTC)").fill("2026-11-01T10:00")
    page.get_by_label("to (UTC)").focus()
    note = Note("reset", "a counter began anew")
    with writing(ticking.engine) as session:
        changed = replace(latency_standing(), good=1.0, notes=(note,), description="")
        standings.put(session, [(changed, None)])
    ticking.refresh(page.url)
    expect(page.locator(".notes")).to_contain_text("a counter began anew")
    expect(page.get_by_label("from (UTC)")).to_have_value("2026-11-01T10:00")
    expect(page.get_by_label("to (UTC)")).to_have_value("2026-11-20T20:20")
    expect(page.get_by_label("to (UTC)")).to_be_focused()
    expect(page.locator("select[name=of]")).to_have_value("range")
    expect(page.locator("select[name=by]")).to_have_value("region")


def test_a_refresh_waits_for_one_who_types(ticking):
    page = ticking.page
    page.goto(ticking.url + LATENCY)
    asked = []
    page.on("request", lambda request: asked.append(request.headers.get("x-refresh")))
    page.locator("#custom summary").click()
    page.get_by_label("from (UTC)").press("1")
    page.clock.run_for(14_000)
    page.get_by_label("from (UTC)").press("0")
    page.clock.run_for(3_000)
    assert page.evaluate("document.activeElement.name") == "from"
    assert "1" not in asked
    ticking.refresh(page.url)


@pytest.mark.parametrize("path", [LATENCY, "/service/fraud-model"])
def test_every_page_of_paper_lies_across(browser, base, path):
    with opened(browser, base + path) as page:
        paper = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        assert not page.locator(".ranges:visible, .chart details:visible").count()
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert sizes
    assert all(float(wide) > float(high) for wide, high in sizes)


def test_an_open_range_of_ones_own_stays_in_the_row_of_the_tabs(browser, base):
    with opened(browser, base + LATENCY) as page:
        summary, tabs = page.locator("#custom summary"), page.locator(".ranges .tabs")
        closed = summary.bounding_box()
        summary.click()
        assert summary.bounding_box() == closed
        assert tabs.bounding_box()["x"] + tabs.bounding_box()["width"] <= closed["x"]


def test_what_is_marked_stands_beside_its_time(browser, base):
    with opened(browser, f"{base}{LATENCY}?range=1y") as page:
        when = page.locator(".marked tbody th").first
        assert when.bounding_box()["width"] < 260
        assert when.evaluate("cell => cell.clientHeight") < 40


def test_without_scripts_a_range_is_a_form(browser, base):
    with opened(browser, base + LATENCY, java_script_enabled=False) as page:
        page.locator("#custom summary").click()
        page.locator("input[name=from]").fill("2026-11-10T00:00")
        page.locator("input[name=to]").fill("2026-11-12T00:00")
        page.get_by_role("button", name="Apply").first.click()
        expect(page.locator("#budget-d")).to_contain_text(f"From 10{SPACE}Nov 00:00")
        page.get_by_role("link", name="earlier").click()
        expect(page.locator("#budget-d")).to_contain_text(f"From 9{SPACE}Nov 00:00")
