"""What holds for every page, over a store with something of everything, in a real Chromium."""

from __future__ import annotations

import html
import re

import pytest

from tests.support import rich
from tests.support.browser import (
    PHONE,
    WIDE,
    faults_of,
    keyboard_faults,
    launched,
    opened,
    serving,
)
from tests.support.routes import pages_of, values_of

FORM = re.compile(r"<form.*?</form>", re.DOTALL)
SENDS = re.compile(r"<button(?![^>]*type=\"button\")|type=\"submit\"")
LINK = re.compile(r'<a [^>]*href="([^"]*)"')


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    made = rich.make(tmp_path_factory.mktemp("rich") / "slo.db")
    yield made
    made.feed.engine.dispose()


@pytest.fixture(scope="module")
def pages(full):
    return pages_of(full.app(), values_of(full))


@pytest.fixture(scope="module")
def base(full):
    with serving(full.app()) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def html_pages(full, pages):
    """Those that a person reads: the others are downloads, pictures, and for machines."""
    client = full.app().test_client()
    found = [path for path in pages if client.get(path).mimetype == "text/html"]
    assert {"/", "/alerts", "/incidents", "/postmortems"} <= set(found)
    return found


def test_every_page_answers(full, pages):
    client = full.app().test_client()
    failed = {p: s for p in pages if (s := client.get(p).status_code) not in {200, 302, 303, 308}}
    assert failed == {} or set(failed.items()) <= {("/readyz", 503)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_is_clean_and_without_barriers(browser, base, html_pages, scheme, size):
    faults = {}
    for path in html_pages:
        with opened(browser, base + path, size, scheme) as page:
            found = faults_of(page, size)
        if found:
            faults[path] = found
    assert faults == {}


def test_every_page_reads_without_scripts(browser, base, html_pages):
    for path in html_pages:
        with opened(browser, base + path, java_script_enabled=False) as page:
            assert page.locator("h1").is_visible(), path


def test_every_form_can_be_sent_without_scripts(full, html_pages):
    client = full.app().test_client()
    forms = {
        path: [f for f in FORM.findall(client.get(path).text) if not SENDS.search(f)]
        for path in html_pages
    }
    assert {path: found for path, found in forms.items() if found} == {}


def test_every_page_is_walked_by_keyboard(browser, base, html_pages):
    faults = {}
    for path in html_pages:
        with opened(browser, base + path) as page:
            found = keyboard_faults(page)
        if found:
            faults[path] = found
    assert faults == {}


def test_every_link_leads_somewhere(full, html_pages):
    client, asked, broken = full.app().test_client(), set(), {}
    for path in html_pages:
        for href in links_of(client.get(path).text):
            target = href.partition("#")[0]
            if not target or target in asked:
                continue
            asked.add(target)
            place = target if target.startswith("/") else f"{path.partition('?')[0]}{target}"
            if client.get(place).status_code >= 400:
                broken[place] = path
    assert broken == {}


def links_of(text):
    """The site's own links; those that lead away begin with a scheme."""
    found = map(html.unescape, LINK.findall(text))
    return [link for link in found if not link.startswith(("http:", "https:", "mailto:"))]
