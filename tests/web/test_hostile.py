"""Hostile texts, from labels, comments, postmortems and annotations, stay texts on every page."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from tests.support import rich
from tests.support.browser import PHONE, opened, width
from tests.support.routes import pages_of, values_of
from tests.support.site import serving

NASTY = '"><script>window.hostile=1</script><img src=x onerror=window.hostile=1>{{7*7}}'
HREF = re.compile(r'(?:href|src|action|formaction)="([^"]*)"')
HARMLESS = re.compile(r"(/|\?|#|https?:|mailto:|$)|[\w.-]+(/|$)")


def nasty(text, most=100):
    """The text, then what would run if it were not escaped."""
    return (text[: most - len(NASTY)] + NASTY)[:most] if most > len(NASTY) else NASTY[:most]


def formula(text, most=100):
    """What a spreadsheet would take for a formula, and what would begin a header's line."""
    return f"=HYPERLINK({text!r})"[:most]


def endless(text, most=100):
    """As long as it may be, without a place to break."""
    return (text.replace(" ", "_") * most)[:most]


@pytest.fixture(scope="module", params=[nasty, formula, endless], ids=lambda say: say.__name__)
def world(request, tmp_path_factory):
    made = rich.make(tmp_path_factory.mktemp("hostile") / "slo.db", request.param)
    yield request.param, made
    made.feed.engine.dispose()


@pytest.fixture(scope="module")
def answers(world):
    _, made = world
    client = made.app().test_client()
    return {path: client.get(path) for path in pages_of(made.app(), values_of(made))}


def test_no_link_runs_anything(answers):
    found = {
        path: [h for h in map(html.unescape, HREF.findall(a.text)) if not HARMLESS.match(h)]
        for path, a in answers.items()
        if a.mimetype in {"text/html", "image/svg+xml", "application/atom+xml"}
    }
    assert {path: links for path, links in found.items() if links} == {}


def test_no_text_becomes_markup(answers):
    for path, answer in answers.items():
        if answer.mimetype != "text/html":
            continue
        assert "<script>window" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert ">49<" not in answer.text.replace("{{7*7}}", ""), path


def test_no_cell_of_a_table_for_spreadsheets_is_a_formula(answers):
    tables = {path: a.text for path, a in answers.items() if a.mimetype == "text/csv"}
    assert tables, "the reports and the alert history are there as CSV"
    for path, text in tables.items():
        for row in csv.reader(io.StringIO(text)):
            assert not [cell for cell in row if re.match(r"[=+@\t\r]|-(?![\d.])", cell)], path


def test_no_header_is_split(answers):
    for path, answer in answers.items():
        for name, value in answer.headers:
            assert not {"\n", "\r"} & set(value), (path, name)


# A browser makes nothing of formulas; spreadsheets do.
@pytest.mark.parametrize("world", [nasty, endless], indirect=True, ids=lambda say: say.__name__)
def test_nothing_runs_and_nothing_breaks_out_in_a_browser(world, answers, browser):
    _, made = world
    faults = {}
    shown = [p for p, a in answers.items() if a.status_code == 200 and a.mimetype == "text/html"]
    with serving(made.app()) as base, opened(browser, base, PHONE) as page:
        for path in shown:
            page.goto(base + path)
            assert page.evaluate("window.hostile") is None, path
            if (wide := width(page)) > PHONE[0]:
                faults[path] = wide
    assert faults == {}
