"""Charts in a real Chromium: one cursor for all, read-outs, and zoom by drag and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

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


def test_a_refresh_keeps_cursor_range_and_what_is_open(browser, tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    meters = put_standings(engine, [latency_standing()])
    book_latency(engine, meters["fraud-model/latency"])
    now = [NOW]
    with (
        serving(create_app(engine, clock=lambda: now[0])) as url,
        opened(browser, "about:blank", WIDE) as page,
    ):
        page.hosts.clear()
        page.clock.install()
        asked = f"{url}{LATENCY}?from=2026-11-10T00:00:00Z&to=2026-11-12T00:00:00Z"
        page.goto(asked)
        page.locator("#budget-data summary").click()
        page.locator(".field").first.focus()
        page.keyboard.press("Home")
        readout = page.locator(".readout").last.text_content()
        assert readout.startswith(f"10{SPACE}Nov")
        now[0] += 60
        with page.expect_response(asked):
            page.clock.fast_forward(16_000)
        expect(page.locator(".cycle")).to_contain_text("20:22 UTC")
        expect(page.locator(".readout").last).to_have_text(readout)
        expect(page.locator(".field").first).to_be_focused()
        expect(page.locator("#budget-data")).to_have_attribute("open", "")
        assert page.url == asked
        page.hosts.clear()
        page.hosts.add("")
    engine.dispose()


@pytest.mark.parametrize("path", [LATENCY, "/service/fraud-model"])
def test_every_page_of_paper_lies_across(browser, base, path):
    with opened(browser, base + path) as page:
        paper = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        assert not page.locator(".ranges:visible, .chart details:visible").count()
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert sizes
    assert all(float(wide) > float(high) for wide, high in sizes)


def test_without_scripts_a_range_is_a_form(browser, base):
    with opened(browser, base + LATENCY, java_script_enabled=False) as page:
        page.locator("#custom summary").click()
        page.locator("input[name=from]").fill("2026-11-10T00:00")
        page.locator("input[name=to]").fill("2026-11-12T00:00")
        page.get_by_role("button", name="Apply").first.click()
        expect(page.locator("#budget-d")).to_contain_text(f"From 10{SPACE}Nov 00:00")
        page.get_by_role("link", name="earlier").click()
        expect(page.locator("#budget-d")).to_contain_text(f"From 9{SPACE}Nov 00:00")
