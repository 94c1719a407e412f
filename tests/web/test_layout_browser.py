"""How pages use the room they have, in a real Chromium, while much is in trouble."""

from __future__ import annotations

import pytest

from slo.web.format import DASH
from tests.support.browser import PHONE, WIDE, opened, width

TABLET = (768, 1024)


@pytest.fixture
def page(browser, base, full):
    with opened(browser, f"{base}/alerts", session=full.session) as found:
        yield found


def shown(page, base, path, size=WIDE):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(base + path)
    return page


def top(locator):
    return locator.first.bounding_box()["y"]


@pytest.mark.parametrize("wide_as", [1440, 1100, 900, 768, 641, 390, 320])
def test_the_way_out_stands_at_the_right_of_the_brand_while_something_fails(page, base, wide_as):
    shown(page, base, "/alerts", (wide_as, 900))
    brand, me = (page.locator(f".bar .{name}").bounding_box() for name in ("brand", "me"))
    assert abs(brand["y"] + brand["height"] - me["y"] - me["height"]) < 5
    assert wide_as - 40 < me["x"] + me["width"] <= wide_as


def test_on_a_phone_header_and_banners_leave_the_page_most_of_the_screen(page, base):
    shown(page, base, "/alerts", PHONE)
    assert top(page.locator("h1")) < PHONE[1] / 4
    assert page.locator(".banner b").all_inner_texts() == [
        "slo.yaml has 8 faults.",
        "slo.yaml waits for a restart.",
    ]
    assert "is over 100%" not in page.locator("#banners").inner_text()


@pytest.mark.parametrize("path", ["/", "/postmortems", "/system"])
def test_on_a_phone_the_word_of_the_open_page_is_in_sight(page, base, path):
    box = shown(page, base, path, PHONE).locator(".bar nav [aria-current]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]


@pytest.mark.parametrize("size", [TABLET, PHONE], ids=["tablet", "phone"])
def test_short_facts_of_a_card_stand_side_by_side_and_the_severity_first(page, base, size):
    shown(page, base, "/alerts", size)
    severity, fired, told = (
        page.locator(f".alerts td[data-label={name}]").first.bounding_box()
        for name in ("Severity", "Fired", "Told")
    )
    assert severity["y"] == fired["y"]
    assert severity["x"] < fired["x"]
    assert told["width"] > size[0] * 0.8


@pytest.mark.parametrize("wide_as", [320, 390, 700, 768, 800, 899])
def test_no_fact_of_a_card_runs_into_the_next(page, base, wide_as):
    shown(page, base, "/incidents", (wide_as, 900))
    over = "cells => cells.filter(c => c.scrollWidth > c.clientWidth).map(c => c.textContent)"
    assert page.locator(".list td:visible").evaluate_all(over) == []


def test_a_card_leaves_out_what_it_knows_nothing_of(page, base):
    shown(page, base, "/incidents", TABLET)
    texts = page.locator(".list td:visible").all_inner_texts()
    assert texts
    assert not [text for text in texts if text.endswith(DASH)]


def test_on_a_phone_the_chart_of_a_postmortem_keeps_its_size_and_scrolls(page, base):
    shown(page, base, "/postmortems/1", PHONE)
    box = page.locator(".wide-chart")
    assert box.locator("svg").bounding_box()["width"] >= 700
    assert width(page) <= PHONE[0]
    box.focus()
    assert box.evaluate("box => box === document.activeElement && box.scrollWidth > 700")


def test_neither_banners_nor_the_colour_of_the_page_are_printed(page, base):
    shown(page, base, "/incidents").emulate_media(media="print")
    assert not page.locator("#banners").is_visible()
    behind = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(behind) == "rgba(0, 0, 0, 0)"


def test_an_introduction_keeps_its_distance_from_an_empty_list(page, base):
    shown(page, base, "/account")
    intro = page.locator("p.sub:has(+ .nothing)")
    box = intro.bounding_box()
    assert top(page.locator("p.sub + .nothing")) - box["y"] - box["height"] > 5


def test_the_chosen_words_of_a_filter_stand_clear_of_its_arrow(page, base):
    shown(page, base, "/?state=attention")
    assert page.locator("#filter select").evaluate_all(CUT) == []


CUT = """selects => selects.filter(select => {
  const alone = select.cloneNode();
  alone.append(select.selectedOptions[0].cloneNode(true));
  alone.style.maxWidth = 'none';
  select.after(alone);
  const wanted = alone.getBoundingClientRect().width;
  alone.remove();
  return wanted > select.getBoundingClientRect().width + .5;
}).map(select => select.name)"""
"""Selects that are narrower than what is chosen in them."""
