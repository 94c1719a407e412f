"""The pages in a real Chromium: light, dark and on a phone, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from slo.domain.standing import Note
from slo.store import standings
from slo.store.engine import writing
from slo.web.app import create_app
from tests.support.browser import PHONE, WIDE, looks, opened, width
from tests.support.site import serving
from tests.support.stores import empty_store
from tests.web.world import NOW, make_standing, put_standings

PATHS = ("/", "/slo/fraud-model/latency", "/slo/fraud-model/latency?range=6h", "/slo/no/such")


def site_of(engine):
    return create_app(engine, clock=lambda: NOW)


@pytest.fixture(scope="module")
def base(world):
    with serving(site_of(world)) as url:
        yield url


@pytest.mark.parametrize("path", PATHS)
def test_pages_load_clean_and_never_scroll_sideways_in_any_look(browser, base, path):
    with opened(browser, base + path) as page:
        for size, scheme in looks(page):
            page.reload()
            expect(page.locator("h1")).to_be_visible()
            assert width(page) <= size[0], (size, scheme)


@pytest.mark.parametrize("path", PATHS[:2])
def test_no_width_in_between_scrolls_sideways(browser, base, path):
    with opened(browser, base + path) as page:
        for wide in (320, 480, 640, 768, 901, 1000, 1181, 1920):
            page.set_viewport_size({"width": wide, "height": 800})
            assert width(page) <= wide, wide


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_long_names_wrap(browser, tmp_path, size):
    engine = empty_store(tmp_path / "slo.db")
    long = "a" * 120
    standing = make_standing(
        f"{long}/{long}",
        left=-14.66,
        state="exhausted",
        data="late",
        owner=long,
        description=long,
        indicator_text="b" * 59,
        labels=((long, long),),
        notes=(Note("birth-uncounted", long),),
    )
    put_standings(engine, [standing])
    with serving(site_of(engine)) as url, opened(browser, url, size) as page:
        for path in ("/", f"/slo/{long}/{long}", f"/slo/{long}/b"):
            page.goto(url + path)
            assert width(page) <= size[0], path
    engine.dispose()


@pytest.mark.parametrize("path", PATHS[:2])
def test_texts_stand_out_from_what_is_behind_them(browser, base, path):
    with opened(browser, base + path, WIDE) as page:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.reload()
            assert page.evaluate(CONTRAST) == [], scheme


CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const rgb = (colour, under) => {
    canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => c.map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const weak = [];
  for (const element of document.querySelectorAll('main *, header *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest('svg, .hidden, option') || !element.checkVisibility()) continue;
    let under = 'rgb(255, 255, 255)';
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.endsWith(', 0)')) { under = colour; break; }
    }
    const [a, b] = [light(rgb(getComputedStyle(element).color, under)), light(rgb(under, under))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) weak.push(`${element.className} ${element.textContent.trim()} ${ratio}`);
  }
  return weak;
}"""
"""Texts whose contrast is under the 4.5 to 1 that WCAG 2 asks for."""


def test_typing_filters_without_leaving_the_page(browser, base):
    with opened(browser, base) as page:
        page.locator("#q").press_sequentially("ranker")
        expect(page.locator("#slos tbody tr:not(.service)")).to_have_count(2)
        assert page.url.endswith("/?q=ranker")
        expect(page.locator("#q")).to_be_focused()
        page.get_by_label("State").select_option("healthy")
        expect(page.locator("#slos tbody tr:not(.service)")).to_have_count(1)
        page.locator("#q").fill("")
        page.get_by_label("State").select_option("")
        expect(page.locator("#slos tbody tr:not(.service)")).to_have_count(11)
        assert page.url == base + "/"


def test_a_slash_goes_to_the_filter(browser, base):
    with opened(browser, base) as page:
        page.keyboard.press("/")
        expect(page.locator("#q")).to_be_focused()
        expect(page.locator("#q")).to_have_value("")


def test_without_scripts_the_filter_is_a_form(browser, base):
    with opened(browser, base, java_script_enabled=False) as page:
        page.locator("#q").fill("embeddings")
        page.locator("#q").press("Enter")
        expect(page.locator("#slos tbody tr:not(.service)")).to_have_count(2)
        expect(page.get_by_role("button", name="Apply")).to_be_visible()


def test_the_keyboard_reaches_an_slo_and_reads_its_chart(browser, base):
    with opened(browser, base) as page:
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.get_by_role("link", name="fraud-model / latency").focus()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("latency")
        field = page.locator(".field").first
        readout = page.locator(".readout").first
        field.focus()
        page.keyboard.press("End")
        expect(readout).to_have_text("20\u202fNov 20:20 · \u221228.1\u202f%")
        page.keyboard.press("Home")
        expect(readout).to_contain_text("100.0\u202f%")
        page.keyboard.press("ArrowRight")
        expect(readout).not_to_contain_text("100.0\u202f%")
        page.keyboard.press("Escape")
        expect(readout).to_have_text("")


def test_the_pointer_reads_the_chart_under_it(browser, base):
    with opened(browser, base + PATHS[1]) as page:
        box = page.locator(".field").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.9999, box["y"] + 20)
        expect(page.locator(".readout").first).to_contain_text("20\u202fNov 20:20")
        page.mouse.move(box["x"] + 2, box["y"] + 20)
        expect(page.locator(".readout").first).to_contain_text("21\u202fOct")
        page.mouse.move(5, 5)
        expect(page.locator(".readout").first).to_have_text("")


def test_the_data_table_opens_by_keyboard(browser, base):
    with opened(browser, base + PATHS[1]) as page:
        page.locator("#budget-data summary").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#budget-data tbody tr").last).to_be_visible()
        assert width(page) <= WIDE[0]


def test_the_page_refreshes_itself_and_keeps_what_is_open(browser, tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing()])
    with serving(site_of(engine)) as url:
        context = browser.new_context()
        page = context.new_page()
        page.clock.install()
        page.goto(f"{url}/")
        expect(page.locator(".figure")).to_have_text("42.8\u202f%")
        page.locator("#slos a").first.focus()
        with writing(engine) as session:
            standings.put(session, [(make_standing(left=0.3), None)])
        page.clock.fast_forward(16_000)
        expect(page.locator(".figure")).to_have_text("30.0\u202f%")
        assert page.evaluate("document.activeElement.closest('#slos') !== null")
        context.close()
    engine.dispose()


def test_a_refresh_without_news_leaves_the_page_and_moves_its_clock(browser, base):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(f"{base}/")
    row = page.locator("#slos tbody tr").first.element_handle()
    for status in (200, 304):
        with page.expect_response(f"{base}/") as answer:
            page.clock.fast_forward(16_000)
        assert answer.value.status == status
    expect(page.locator("#cycle time")).not_to_have_text("cycle 12\u202fs ago")
    assert row.evaluate("row => row.isConnected")
    context.close()


def test_a_sort_is_a_link_and_the_filter_keeps_it(browser, base):
    with opened(browser, base) as page:
        page.get_by_role("columnheader", name="Budget left").get_by_role("link").click()
        expect(page.locator("[aria-sort]")).to_have_text("Budget left ▲")
        expect(page.get_by_role("row").nth(1)).to_contain_text("latency")
        page.locator("#q").press_sequentially("ranker")
        expect(page.locator("#slos tbody tr")).to_have_count(2)
        assert page.url.endswith("/?q=ranker&sort=budget")


def test_a_server_that_went_away_is_told(browser, tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    put_standings(engine, [make_standing()])
    with serving(site_of(engine)) as url:
        context = browser.new_context()
        page = context.new_page()
        page.clock.install()
        page.goto(f"{url}/")
        expect(page.locator("#stale")).to_be_hidden()
    page.clock.fast_forward(16_000)
    expect(page.locator("#stale")).to_contain_text("No answer from the server")
    context.close()
    engine.dispose()
