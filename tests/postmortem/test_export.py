from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from slo.domain.incident import Incident
from slo.domain.postmortem import ActionItem, Postmortem, Summary
from slo.domain.span import Span
from slo.postmortem.affected import Burn
from slo.postmortem.chart import alternative, render_chart
from slo.postmortem.export import render_body, to_html, to_markdown
from slo.postmortem.markdown import render_html

AT = 1_795_206_060
INCIDENT = Incident(
    7, "svc", "burns", "page", "resolved", AT, AT + 600, resolved_at=AT + 3600, resolved_by="mia"
)
ITEM = ActionItem("Limit <b>retries</b> | twice", owner="mia", priority="P0", due="2026-12-01")
SPAN = Span(AT - 900, AT + 4500)


def burn(slo="svc/one", value=lambda i: float(i % 30)):
    points = tuple((SPAN.start + 60 * i, value(i)) for i in range(1, 91))
    return Burn(slo, points, SPAN.start)


def postmortem(body="intro\n\n[chart]\n\n## Action items\n\n[action items]\n\nend\n", chart=None):
    about = Summary(
        incident=7,
        service="svc",
        severity="page",
        title="A <b> & `title`",
        status="draft",
        required=False,
        required_why="",
        version=1,
        created_at=AT,
        updated_at=AT,
        updated_by="mia",
    )
    svg = render_chart(INCIDENT, [burn()], SPAN) if chart is None else chart
    return Postmortem(about, body, svg)


def test_markdown_goes_out_and_comes_back_as_the_same_page():
    found = postmortem(chart="")
    text = to_markdown(found, [ITEM])
    assert text.startswith("# A \\<b\\> \\& \\`title\\`\n\nintro\n\n")
    page = render_body(found.body, [ITEM], "").replace("\n\n", "\n")
    # The title is a heading of the text here, and all others stand below it.
    below = page.replace("h2>", "h3>")
    assert render_html(text) == f"<h2>A &lt;b&gt; &amp; `title`</h2>\n{below}"


def test_markdown_tells_the_chart_in_words():
    assert "\nintro\n\n> Burn rate from 2026-11-20" in to_markdown(postmortem(), [])


def test_the_html_file_stands_alone():
    page = to_html(postmortem(), [ITEM])
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == page.count("</svg>") == 1
    for outside in ("src=", "href=", "@import", "url(", "<script", "<link"):
        assert outside not in page, outside
    assert "prefers-color-scheme:dark" in page
    assert "<h1>A &lt;b&gt; &amp; `title`</h1>" in page
    assert ">Limit &lt;b&gt;retries&lt;/b&gt; | twice</td>" in page
    assert "Status: draft; version 1, last by mia" in page


def test_a_body_that_lost_the_place_of_its_items_gets_them_at_its_end():
    page = render_body("only this", [ITEM], "")
    assert page.index("only this") < page.index("<h2>Action items</h2>") < page.index("P0")
    assert "There are no action items yet." in render_body("only this", [], "")


def test_the_chart_is_whole_xml_and_tells_itself_in_words():
    svg = render_chart(INCIDENT, [burn(), burn("svc/<two>", lambda _: 0.2)], SPAN)
    tree = ET.fromstring(svg)
    words = alternative(svg)
    assert tree.find("{*}desc").text == words
    assert "svc/one burned at most 29.0x, at 2026-11-20 20:35, and 0.0x at the end" in words
    assert "svc/<two> burned at most 0.2x" in words
    assert "style" not in svg
    texts = [t.text for t in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"began", "alert", "resolved", "svc/one", "svc/<two>", "30x"} <= set(texts)


def test_the_peak_stays_in_a_chart_of_days():
    points = tuple((AT + 60 * i, 500.0 if i == 5001 else 1.0) for i in range(10_000))
    span = Span(AT, AT + 600_000)
    svg = render_chart(replace(INCIDENT, resolved_at=AT + 590_000), [Burn("a/b", points, AT)], span)
    assert "a/b burned at most 500.0x" in alternative(svg)
    line = max(svg.split('"'), key=len)
    # 500 of 600, in a frame from 226 up to 34.
    assert min(float(pair.split()[1]) for pair in line.strip("M").split("L")) == 66.0
    assert len(svg) < 20_000


def test_holes_in_the_data_are_holes_in_the_line():
    svg = render_chart(INCIDENT, [burn(value=lambda i: None if 30 < i < 40 else 2.0)], SPAN)
    line = max(svg.split('"'), key=len)
    assert line.count("M") == 2


@pytest.mark.parametrize("burns", [[], [burn(value=lambda _: None)]])
def test_there_is_no_chart_without_data(burns):
    assert render_chart(INCIDENT, burns, SPAN) == ""
    assert alternative("") == ""


def test_a_burn_of_nothing_is_a_flat_line():
    assert "<svg" in render_chart(INCIDENT, [burn(value=lambda _: 0.0)], SPAN)
