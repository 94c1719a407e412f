"""Working on incidents and postmortems in a real Chromium: by keyboard, live, without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from slo import incidents as acting
from slo.store import postmortems
from slo.store.engine import reading, writing
from tests.support.browser import PHONE, WIDE, faults_of, opened, width
from tests.support.site import serving
from tests.web.incident_world import app_of


@pytest.fixture
def shop(burning):
    with serving(app_of(burning)) as url:
        yield url


@pytest.fixture
def done(over):
    with serving(app_of(over)) as url:
        yield url


def test_an_incident_is_acknowledged_by_keyboard_alone(browser, shop, burning):
    with opened(browser, f"{shop}/incidents") as page:
        page.get_by_role("link", name="burns its error budget").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#next")).to_contain_text("nobody has it")
        page.locator("#next input").focus()
        page.keyboard.type("ada")
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Acknowledge")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#next")).to_contain_text("ada has it")
    assert [i.status for i in burning.incidents()] == ["acknowledged"]


def test_a_refresh_keeps_what_is_being_typed(browser, shop, burning):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(f"{shop}/incidents/1")
    page.locator("#next input").fill("ada")
    page.locator("[name=text]").fill("half a sen")
    with writing(burning.engine) as session:
        acting.acknowledge(session, burning.context.settings, 1, "grace", burning.at + 20)
    page.clock.fast_forward(16_000)
    expect(page.locator("#next")).to_contain_text("grace has it")
    expect(page.get_by_role("button", name="Acknowledge")).to_be_hidden()
    expect(page.locator("[name=text]")).to_have_value("half a sen")
    context.close()


def test_focus_goes_to_what_was_refused(browser, shop):
    with opened(browser, f"{shop}/incidents/1", PHONE) as page:
        page.locator("form[action$=assign] [name=assignee]").fill("  ")
        page.locator("form[action$=assign] [name=who]").fill("ada")
        page.get_by_role("button", name="Assign").click()
        expect(page.locator("#fault")).to_be_focused()
        expect(page.locator("#fault")).to_contain_text("assignee: is empty")
        expect(page.locator("form[action$=assign] [name=who]")).to_have_value("ada")
        assert width(page) <= PHONE[0]


def test_enter_in_the_name_ticks_nothing_off(browser, done):
    with opened(browser, f"{done}/postmortems/1") as page:
        form = page.locator("form[action$=items]")
        form.locator("[name=text]").fill("Limit retries")
        form.locator("[name=who]").fill("ada")
        form.get_by_role("button", name="Add").click()
        page.goto(f"{done}/postmortems")
        page.locator(".tick [name=who]").fill("ada")
        page.locator(".tick [name=who]").press("Enter")
        done_button = page.get_by_role("button", name="Limit retries")
        expect(done_button).to_be_visible()
        done_button.click()
        expect(page.locator("#action-items")).to_contain_text("Nothing is to be done")


def test_the_preview_follows_what_is_typed(browser, done):
    with opened(browser, f"{done}/postmortems/1/edit", WIDE) as page:
        expect(page.locator(".live .prose")).to_contain_text("Summary")
        page.locator("[name=body]").fill("# New\n\n**bold** <script>alert(1)</script>")
        expect(page.locator(".live strong", has_text="bold")).to_be_visible()
        expect(page.locator(".live .prose")).to_contain_text("<script>alert(1)</script>")
        expect(page.get_by_role("button", name="Preview")).to_be_hidden()
        text, live = (page.locator(s).bounding_box() for s in ("[name=body]", ".live .prose"))
        assert live["x"] > text["x"] + text["width"]


def test_leaving_with_unsaved_changes_warns_and_saving_does_not(browser, done, over):
    with opened(browser, f"{done}/postmortems/1/edit") as page:
        page.locator("[name=body]").press_sequentially("x")
        with page.expect_event("dialog") as asked:
            page.get_by_role("link", name="postmortem of incident").click(no_wait_after=True)
        assert asked.value.type == "beforeunload"
        page.problems.clear()
        page.locator("[name=who]").fill("ada")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_be_visible()
        expect(page).to_have_url(f"{done}/postmortems/1")
        assert page.problems == []
    with reading(over.engine) as session:
        assert postmortems.ensure_one(session, 1).about.version == 2


def test_what_was_typed_and_not_saved_is_still_there_later(browser, done):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{done}/postmortems/1/edit")
    expect(page.locator("#kept")).to_be_hidden()
    page.locator("[name=body]").fill("An hour of work.")
    page.close(run_before_unload=False)
    page = context.new_page()
    page.goto(f"{done}/postmortems/1/edit")
    expect(page.locator("#kept")).to_be_visible()
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("[name=body]")).to_have_value("An hour of work.")
    page.locator("[name=who]").fill("ada")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".prose")).to_contain_text("An hour of work.")
    page.goto(f"{done}/postmortems/1/edit")
    expect(page.locator("#kept")).to_be_hidden()
    context.close()


def test_without_scripts_a_text_is_previewed_saved_and_a_conflict_told(browser, done, over):
    with opened(browser, f"{done}/postmortems/1/edit", java_script_enabled=False) as page:
        page.locator("[name=body]").fill("**mine**")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("article strong")).to_have_text("mine")
        with writing(over.engine) as session:
            postmortems.save(session, 1, "Theirs", "theirs", 1, "grace", over.at)
        page.locator("[name=who]").fill("ada")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("grace saved version 2 meanwhile")
        expect(page.locator("[name=body]")).to_have_value("**mine**")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".prose strong")).to_have_text("mine")


def test_on_paper_a_postmortem_is_only_its_text(browser, done):
    with opened(browser, f"{done}/postmortems/1") as page:
        page.emulate_media(media="print")
        for hidden in (".bar", ".actions", ".versions", ".tabs"):
            expect(page.locator(hidden).first).to_be_hidden()
        expect(page.locator(".prose svg")).to_be_visible()
        expect(page.locator("h1")).to_be_visible()


WIDE_TEXT = f"""# As many columns as fit no phone

|  | region | model | version | bad events | share of budget |
|---|---|---|---|---:|---:|
| {"x" * 200} | eu | fraud | v2 | 1,000,000 | 12.5% |

| what | {"y" * 300} |
|---|---|
| 1 | 2 |

##### {"z" * 300}

    {"code" * 100}
"""


def test_wide_tables_and_long_words_fit_a_phone_and_paper(browser, done):
    with opened(browser, f"{done}/postmortems/1/edit", PHONE) as page:
        page.locator("[name=body]").fill(WIDE_TEXT)
        page.locator("[name=who]").fill("ada")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".prose h3").first).to_contain_text("zzz")
        assert faults_of(page, PHONE) == []
        assert page.evaluate(OVERFLOWING) == []
        expect(page.locator(".prose td[data-label=region]")).to_have_css("display", "block")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 794, "height": 1123})
        assert page.evaluate(OVERFLOWING) == []
        expect(page.locator(".prose td[data-label=region]")).to_have_css("display", "table-cell")


OVERFLOWING = """() => [...document.querySelectorAll('.prose, .prose *')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline')
  .map(e => e.outerHTML.slice(0, 80))"""
