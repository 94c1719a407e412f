"""What holds for every page, over a store with something of everything, by what it answers."""

from __future__ import annotations

import html
import re

import pytest

from tests.web.document import Document

FORM = re.compile(r"<form.*?</form>", re.DOTALL)
SENDS = re.compile(r"<button(?![^>]*type=\"button\")|type=\"submit\"")
UNNAMED = re.compile(
    r"<table[^>]*>(?!\s*<caption)|<time>|<(?=[^>]*role=\"search\")(?![^>]*aria-label)[^>]*>"
    r"|<pre(?=[^>]*aria-label)(?![^>]*role=)[^>]*>"
)
"""Tables without a caption, times that only people read, searches and regions without a name."""
PROSE = re.compile(r'<article class="card prose">.*?</article>', re.DOTALL)
"""What people wrote in Markdown, whose tables have no caption."""
PROGRAMS = re.compile(r'(datetime|value|href)="[^"]*"')
"""What programs read, and what a form sends."""
RAW = re.compile(r".{0,40}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DOCUMENTS = ("/audit", "/postmortems/", "/reports/")
"""Records and what is also a file, whose times stay as they are written there."""
LINK = re.compile(r'<a [^>]*href="([^"]*)"')


@pytest.fixture(scope="module")
def client(full):
    return full.client


@pytest.fixture(scope="module")
def pages(full):
    return full.pages


@pytest.fixture(scope="module")
def html_pages(full):
    return full.html_pages


def test_much_is_in_trouble(client):
    """What the looks below have to meet."""
    everywhere, system = client.get("/").text, client.get("/system").text
    for told in ("slo.yaml has 8 faults", "waits for a restart"):
        assert told in everywhere
    for badge in ("restricted", "no data", "late", "paused", "caution"):
        assert f"</span>{badge}</" in everywhere, badge
    assert "numbers in doubt: skew" in everywhere
    for told in ("Time that cycles took", "silent", "hook answered 410", "is over 100%"):
        assert told in system
    assert "The last backup is" in system
    assert "Recount less ledger" in system
    assert "frozen: only" in client.get("/slo/mill/frozen").text


def test_every_page_answers(client, pages):
    failed = {p: s for p in pages if (s := client.get(p).status_code) not in {200, 302, 303, 308}}
    assert failed == {}


def test_every_form_can_be_sent_without_scripts(client, html_pages):
    forms = {
        path: [f for f in FORM.findall(client.get(path).text) if not SENDS.search(f)]
        for path in html_pages
    }
    assert {path: found for path, found in forms.items() if found} == {}


def test_every_page_says_what_its_tables_searches_and_times_are(client, html_pages):
    texts = {path: PROSE.sub("", client.get(path).text) for path in html_pages}
    found = {path: UNNAMED.findall(text) for path, text in texts.items()}
    assert {path: tags for path, tags in found.items() if tags} == {}


def test_every_sentence_tells_its_times_as_pages_do(client, html_pages):
    paths = [path for path in html_pages if not path.startswith(DOCUMENTS)]
    texts = {path: PROGRAMS.sub("", client.get(path).text) for path in paths}
    assert {path: found for path, text in texts.items() if (found := RAW.findall(text))} == {}


@pytest.mark.parametrize("path", ["/", "/alerts", "/access", "/audit"])
def test_a_link_to_the_page_itself_says_so(client, path):
    tabs = [a for a in Document(client.get(path).text).all("a") if a.get("aria-current")]
    assert [(a["href"], a["aria-current"]) for a in tabs] == [(path, "page")]


def test_every_link_leads_somewhere(client, html_pages):
    asked, broken = set(), {}
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
