"""Every page in a real Chromium by keyboard alone, and without scripts; and the way in."""

from __future__ import annotations

from tests.support.browser import faults_of, keyboard_faults, looks, opened


def test_every_page_is_walked_by_keyboard(browser, base, full):
    faults = {}
    with opened(browser, base, session=full.session) as page:
        for path in full.html_pages:
            page.goto(base + path)
            if found := keyboard_faults(page):
                faults[path] = found
    assert faults == {}


def test_the_way_in_is_clean_and_without_barriers(browser, base):
    faults = {}
    with opened(browser, f"{base}/login") as page:
        for size, scheme in looks(page):
            if found := faults_of(page, size) + keyboard_faults(page):
                faults[size[0], scheme] = found
    assert faults == {}


def test_every_page_reads_without_scripts(browser, base, full):
    with opened(browser, base, session=full.session, java_script_enabled=False) as page:
        for path in full.html_pages:
            page.goto(base + path)
            assert page.locator("h1").is_visible(), path
