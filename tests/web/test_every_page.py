"""What holds for every page, over a store with something of everything, in a real Chromium.

Much of it is in trouble: pages are seldom looked at while all is well.
"""

from __future__ import annotations

import html
import re

import pytest

from tests.support import logins, rich, trouble
from tests.support.browser import (
    faults_of,
    keyboard_faults,
    launched,
    looks,
    opened,
)
from tests.support.routes import pages_of, values_of
from tests.support.site import serving
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
LINK = re.compile(r'<a [^>]*href="([^"]*)"')


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    made = trouble.add(rich.make(tmp_path_factory.mktemp("rich") / "slo.db"))
    logins.add_user(made.feed.engine, "ada", now=int(made.now))
    logins.add_user(made.feed.engine, "joe", "viewer", now=int(made.now))
    logins.add_token(made.feed.engine, "gate", now=int(made.now))
    yield made
    made.feed.engine.dispose()


@pytest.fixture(scope="module")
def pages(full):
    own_time = f"?from={full.feed.at - 7200}&to={full.feed.at - 600}"
    return [
        *pages_of(full.app(), values_of(full)),
        *(f"/slo/mill/{name}" for name in ("frozen", "silent", "gone")),
        "/service/mill",
        *(f"{path}{own_time}" for path in ("/alerts", "/slo/fraud-model/availability")),
    ]


@pytest.fixture(scope="module")
def base(full):
    with serving(full.app()) as url:
        yield url


@pytest.fixture(scope="module")
def session(full):
    """An admin's, who sees and may do everything."""
    return logins.begin(full.feed.engine, "ada", full.now)


@pytest.fixture(scope="module")
def client(full, session):
    found = full.app().test_client()
    found.set_cookie("session", session)
    return found


@pytest.fixture(scope="module")
def browser():
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def html_pages(client, pages):
    """Those that a person reads: the others are downloads, pictures, and for machines."""
    answers = ((path, client.get(path)) for path in pages)
    found = [p for p, a in answers if a.status_code == 200 and a.mimetype == "text/html"]
    assert {"/", "/alerts", "/incidents", "/postmortems"} <= set(found)
    return found


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


def test_every_page_is_clean_and_without_barriers_in_every_look(browser, base, session, html_pages):
    faults = {}
    with opened(browser, base, session=session) as page:
        for path in html_pages:
            page.goto(base + path)
            for size, scheme in looks(page):
                if found := faults_of(page, size):
                    faults[path, size[0], scheme] = found
    assert faults == {}


def test_the_way_in_is_clean_and_without_barriers(browser, base):
    faults = {}
    with opened(browser, f"{base}/login") as page:
        for size, scheme in looks(page):
            if found := faults_of(page, size) + keyboard_faults(page):
                faults[size[0], scheme] = found
    assert faults == {}


def test_every_page_reads_without_scripts(browser, base, session, html_pages):
    with opened(browser, base, session=session, java_script_enabled=False) as page:
        for path in html_pages:
            page.goto(base + path)
            assert page.locator("h1").is_visible(), path


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


@pytest.mark.parametrize("path", ["/", "/alerts", "/access", "/audit"])
def test_a_link_to_the_page_itself_says_so(client, path):
    tabs = [a for a in Document(client.get(path).text).all("a") if a.get("aria-current")]
    assert [(a["href"], a["aria-current"]) for a in tabs] == [(path, "page")]


def test_every_page_is_walked_by_keyboard(browser, base, session, html_pages):
    faults = {}
    with opened(browser, base, session=session) as page:
        for path in html_pages:
            page.goto(base + path)
            if found := keyboard_faults(page):
                faults[path] = found
    assert faults == {}


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
