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


OF_COLOUR = ["color-contrast", "link-in-text-block"]
"""The only rules of axe-core among those that run by themselves that look at colours."""
RUN_AXE = """async ofColour => {
  const scheme = /prefers-color-scheme|@import/;
  const shape = [innerWidth, innerHeight, document.documentElement.outerHTML];
  for (const element of document.querySelectorAll('*')) {
    const {x, y, width, height} = element.getBoundingClientRect();
    shape.push(x, y, width, height);
  }
  const now = shape.join();
  const onlyColours = window.shapeOfAllRules === now && !scheme.test(shape[2])
    && ![...document.styleSheets].some(
      sheet => [...sheet.cssRules].some(rule => scheme.test(rule.cssText)));
  const only = onlyColours ? {runOnly: ofColour} : {};
  const {violations} = await axe.run(document, {resultTypes: ['violations'], ...only});
  window.shapeOfAllRules = onlyColours ? window.shapeOfAllRules : now;
  return violations.flatMap(({id, help, nodes}) =>
    nodes.slice(0, 3).map(node => `${id}: ${help}: ${node.html.slice(0, 200)}`));
}"""
"""All rules; or those of colour alone, where nothing but colours can differ since all have run.

That is so where every element is as and where it was, and no style asks for the scheme: what
`light-dark()` gives is a colour.
"""


def wait_for_preview(page):
    """Until an editor shows it, which it does only after the page has loaded."""
    if page.evaluate("!!document.querySelector('[data-pane]')"):
        page.wait_for_selector("[data-pane] .prose > *", state="attached")


def load_axe(page):
    """Takes axe-core into the page, once: it is long."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe_script())


def axe(page):
    """What axe-core finds: its rule, and the elements; all its rules of WCAG and good practice."""
    wait_for_preview(page)
    load_axe(page)
    return page.evaluate(RUN_AXE, OF_COLOUR)


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


WATCH = """() => {
  const places = [], numbers = new Map();
  let last = null, round = false;
  document.addEventListener('focusin', ({target: e}) => {
    if (numbers.has(e)) {
      round ||= e !== last;
    } else {
      numbers.set(e, numbers.size);
      const box = e.getBoundingClientRect();
      const ring = [e, ...(e.closest('label') ? [e.closest('label')] : [])].some(x => {
        const s = getComputedStyle(x);
        return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
      });
      const seen = box.width > 0 && box.height > 0;
      places.push({html: e.outerHTML.slice(0, 120), seen, ring});
    }
    last = e;
  }, true);
  window.walk = () => ({places, round});
  const reachable = [...document.querySelectorAll(
      'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter(e => !e.disabled && e.getAttribute('tabindex') !== '-1')
    .filter(e => e.checkVisibility({checkVisibilityCSS: true}));
  return [reachable.length, document.querySelectorAll('input[type^="date"]').length];
}"""
"""Writes down where the focus comes, and whether it is back where it has been before."""


def keyboard_faults(page):
    """What the Tab key, held down, does not reach, or does not show that it has reached."""
    wait_for_preview(page)
    number, dates = page.evaluate(WATCH)
    # A field for a date has a place for each of its parts.
    left = number + 7 * dates + 5
    walked, step = {"places": [], "round": False}, number
    while left > 0 and not walked["round"]:
        for _ in range(min(step, left)):
            page.keyboard.down("Tab")
        left, step = left - step, 3
        walked = page.evaluate("walk()")
    page.keyboard.up("Tab")
    places = walked["places"]
    found = [f"no visible focus: {p['html']}" for p in places if not (p["seen"] and p["ring"])]
    if len(places) < number:
        found.append(f"{len(places)} of {number} elements reached")
    return found
