"""Every page in every look in a real Chromium: axe-core finds nothing, and nothing is cut off."""

from __future__ import annotations

import pytest

from tests.support.browser import OF_COLOUR, WIDE, faults_of, load_axe, looks, opened


def test_every_page_is_clean_and_without_barriers_in_every_look(browser, base, full):
    faults = {}
    with opened(browser, base, session=full.session) as page:
        for path in full.html_pages:
            page.goto(base + path)
            for size, scheme in looks(page):
                if found := faults_of(page, size):
                    faults[path, size[0], scheme] = found
    assert faults == {}


@pytest.mark.parametrize(
    ("style", "rule"),
    [
        ("h1 { color: light-dark(#000, #222) !important }", "color-contrast"),
        ("@media (prefers-color-scheme: dark) { h1 { display: none } }", "page-has-heading-one"),
    ],
    ids=["colour", "no-heading"],
)
def test_what_is_wrong_only_in_the_dark_is_found(browser, base, full, style, rule):
    with opened(browser, f"{base}/alerts", session=full.session) as page:
        page.evaluate("rule => document.styleSheets[0].insertRule(rule)", style)
        found = {
            look: [f.partition(":")[0] for f in faults_of(page, look[0])] for look in looks(page)
        }
    assert found == {(size, s): [rule] * (s == "dark") for size, s in found}


def test_what_goes_wrong_between_two_looks_is_found(browser, base, full):
    with opened(browser, f"{base}/alerts", session=full.session) as page:
        assert faults_of(page, WIDE) == []
        page.emulate_media(color_scheme="dark")
        assert faults_of(page, WIDE) == []
        page.evaluate(UNLABEL)
        assert any(fault.startswith("select-name:") for fault in faults_of(page, WIDE))


UNLABEL = """() => {
  for (const select of document.querySelectorAll('select')) {
    select.removeAttribute('aria-label');
    for (const label of [...select.labels]) label.replaceWith(...label.childNodes);
  }
}"""


def test_no_rule_but_those_of_colour_looks_at_a_colour(browser, base, full):
    """So only those need a page again of which nothing but colours has changed."""
    with opened(browser, f"{base}/alerts", session=full.session) as page:
        load_axe(page)
        rest, colour = page.evaluate(ASKED_STYLES, OF_COLOUR)
    assert "color" in colour or "background-color" in colour
    assert {"visibility", "overflow-y"} <= set(rest)
    telling = ("color", "background", "shadow", "mask", "outline", "border")
    assert [name for name in rest if any(word in name.lower() for word in telling)] == []


ASKED_STYLES = """async ofColour => {
  const real = window.getComputedStyle;
  let asked;
  window.getComputedStyle = (...of) => new Proxy(real(...of), {get(style, name) {
    if (name === 'getPropertyValue') return own => (asked.add(own), style[name](own));
    asked.add(String(name));
    return style[name];
  }});
  const found = [];
  const off = Object.fromEntries(ofColour.map(rule => [rule, {enabled: false}]));
  for (const options of [{rules: off}, {runOnly: ofColour}]) {
    asked = new Set();
    await axe.run(document, options);
    found.push([...asked].sort());
  }
  window.getComputedStyle = real;
  return found;
}"""
"""What of styles axe-core asks for: all rules but those of colour, and then these."""
