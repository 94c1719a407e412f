"""A real Chromium for tests: pages that tell what went wrong in them, and axe-core's findings."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.support.prometheus_server import TOOLS

WIDE, PHONE = (1440, 900), (390, 844)
AXE = TOOLS / "axe" / "package" / "axe.min.js"


def chromium():
    found = shutil.which("chromium") or "/usr/bin/chromium"
    assert os.access(found, os.X_OK), "no chromium: run `apt-get install chromium`"
    return found


@contextmanager
def launched():
    """A browser; a test module shares one."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def opened(browser, url, size=WIDE, scheme="light", session="", **options):
    """A page, with what went wrong in it; asks no other host than its own.

    `session` is the id of a login's session.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",  # Colours between two looks are nobody's choice.
        **options,
    )
    if session:
        context.add_cookies([{"name": "session", "value": session, "url": url}])
    page = context.new_page()
    page.problems, page.hosts = [], set()
    page.on("console", lambda message: _note(page, message))
    page.on("pageerror", lambda error: page.problems.append(f"{page.url}: {error}"))
    page.on("dialog", lambda dialog: _refuse(page, dialog))
    page.on("request", lambda request: page.hosts.add(urlsplit(request.url).netloc))
    page.goto(url)
    try:
        yield page
        assert page.problems == []
        assert page.hosts == {urlsplit(url).netloc}
    finally:
        context.close()


def _note(page, message):
    # A page that answers 4xx on purpose is no problem of its own.
    if message.type in {"error", "warning"} and "the server responded with a status of 4" not in (
        message.text
    ):
        page.problems.append(f"{page.url}: {message.text}")


def _refuse(page, dialog):
    page.problems.append(f"{page.url}: dialog: {dialog.message}")
    dialog.dismiss()


def width(page):
    return page.evaluate("document.documentElement.scrollWidth")


@cache
def axe_script():
    assert AXE.is_file(), "no axe-core: run `make .tools/.axe`"
    return AXE.read_text()


def axe(page):
    """What axe-core finds: its rule, and the elements; all its rules of WCAG and good practice."""
    page.evaluate(axe_script())
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {node['html'][:200]}"
        for v in found["violations"]
        for node in v["nodes"][:3]
    ]


def looks(page):
    """Every look that a page has, one after the other, without loading it again."""
    for size in (WIDE, PHONE):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            yield size, scheme


def faults_of(page, size):
    """What is wrong with a page at this size: barriers, headings, a width that does not fit."""
    found = axe(page)
    if page.locator("h1").count() != 1:
        found.append("a page has one heading")
    if (wide := width(page)) > size[0]:
        found.append(f"scrolls sideways to {wide}")
    return found


REACHABLE = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
  .filter(e => !e.disabled && e.getAttribute('tabindex') !== '-1')
  .filter(e => e.checkVisibility({checkVisibilityCSS: true})).length"""
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  if (!e.dataset.walked) {
    e.dataset.walked = String(document.querySelectorAll('[data-walked]').length + 1);
  }
  const box = e.getBoundingClientRect();
  const ring = [e, ...(e.closest('label') ? [e.closest('label')] : [])].some(x => {
    const s = getComputedStyle(x);
    return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
  });
  const seen = box.width > 0 && box.height > 0;
  return {n: Number(e.dataset.walked), html: e.outerHTML.slice(0, 120), seen, ring};
}"""


def keyboard_faults(page):
    """What the Tab key does not reach, or does not show that it has reached."""
    number, walked, found = page.evaluate(REACHABLE), set(), []
    # A field for a date has a place for each of its parts.
    parts = 7 * page.locator('input[type^="date"]').count()
    for _ in range(number + parts + 5):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None or at["n"] in walked:
            continue
        walked.add(at["n"])
        if not at["seen"] or not at["ring"]:
            found.append(f"no visible focus: {at['html']}")
    if len(walked) < number:
        found.append(f"{len(walked)} of {number} elements reached")
    return found
