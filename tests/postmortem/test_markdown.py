from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.postmortem.markdown import (
    code_block,
    code_span,
    escape,
    is_allowed,
    link,
    render_html,
    unescape,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "# a heading",
    "- a list",
    "1. a list",
    "> a quote",
    "a | b",
    "`code` ``more``",
    "[x](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt; &#x3c;",
    "<https://example.com>",
    "two\n\n# lines",
    "\\",
    "***",
    "---",
    "    code",
    "```",
    "[a]: http://example.com",
    "<!-- x -->",
    "model_version=2026-11-20.3",
]


def text_of(html):
    """What a browser shows of a paragraph or cell."""
    bare = re.sub(r"<[^>]*>", "", html)
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        bare = bare.replace(name, char)
    return bare


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["{}", "| a |\n|---|\n| {} |", "- {}", "> {}", "a {} b"])
def test_escaped_text_is_shown_as_it_was_written(text, place):
    bare = render_html(place.format("X"))
    shown = render_html(place.format(escape(text)))
    assert text_of(shown) == text_of(bare).replace("X", " ".join(text.split()))
    assert re.findall(r"<(\w+)", shown) == re.findall(r"<(\w+)", bare)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_survives_escaping(text):
    plain = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).strip()
    assert unescape(escape(text)) == re.sub(r"\\([!-/:-@\[-`{-~])", r"\\\1", plain)
    if plain:
        shown = render_html(f"a {escape(text)} b")
        assert shown.count("<") == 2
        assert text_of(shown).strip() == f"a {plain} b"


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_shown_as_it_was_written(text):
    assert text_of(render_html(code_span(text))).strip() == " ".join(text.split())
    assert text_of(render_html(code_block(text))).strip() == text.strip()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,<script>",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "//example.com/x",
        "/\\example.com",
        "\\\\example.com",
    ],
)
def test_a_link_leads_only_where_it_may(url):
    assert not is_allowed(url)
    for markdown in (
        f"[x](<{url}>)",
        f"[x]({url})",
        f"![x]({url})",
        f"<{url}>",
        f"[x]: {url}\n[x]",
    ):
        shown = render_html(markdown)
        assert "src=" not in shown, markdown
        for target in re.findall(r'href="([^"]*)"', shown):
            # What is left is an encoded path of this site.
            assert re.fullmatch(r"[\w%.()-][\w%.(),/-]*", target), markdown
    assert "](" not in link("x", url)


@pytest.mark.parametrize(
    "url", ["https://example.com/a?b=c#d", "http://x", "mailto:a@b.c", "/incidents/1", "#top", "x"]
)
def test_links_of_the_web_and_of_this_site_work(url):
    assert is_allowed(url)
    assert f'<a href="{url}" rel="noopener noreferrer nofollow">x</a>' in render_html(
        link("x", url)
    )


def test_html_entities_cannot_hide_a_scheme():
    for markdown in ("[x](javascript&colon;alert(1))", "[x](&#106;avascript:alert(1))"):
        assert "href" not in render_html(markdown)


def test_an_image_is_a_link_so_that_reading_loads_nothing():
    shown = render_html('![a "b" <i>](https://example.com/x.png)')
    assert "<img" not in shown
    assert '<a href="https://example.com/x.png"' in shown
    assert "a &quot;b&quot; " in shown


def test_cells_are_aligned_without_styles():
    shown = render_html("| a | b |\n|---|--:|\n| c | d |")
    assert re.search(r'<td[^>]* align="right">d</td>', shown)
    assert "style" not in shown


@pytest.mark.parametrize(
    ("markdown", "levels"),
    [
        ("# A\n\n## B\n\n# C\n", "232"),
        ("## A\n\n##### B\n\n### C\n\n## D\n", "2332"),
        ("#### A\n\nB\n===\n\n> ###### C\n", "223"),
        ("# A\n## B\n### C\n#### D\n##### E\n###### F\n####### no heading\n", "234566"),
    ],
)
def test_headings_stand_below_the_pages_own_and_none_skips_a_level(markdown, levels):
    shown = render_html(markdown)
    assert "".join(re.findall(r"<h(\d)>", shown)) == levels
    assert re.findall(r"<h(\d)>", shown) == re.findall(r"</h(\d)>", shown)


def test_cells_name_their_column_as_text_and_an_empty_head_is_no_heading():
    shown = render_html('|  | *bad* `"<i>` |\n|---|---|\n| 1 | 2 |\n\n| a |\n|---|\n| 3 |\n')
    assert re.search(r"<th[^>]*></th>", shown) is None
    assert "<td></td>" in shown
    assert '<td data-label="bad &quot;&lt;i&gt;">2</td>' in shown
    assert "<td>1</td>" in shown
    assert '<td data-label="a">3</td>' in shown


def test_raw_html_is_text():
    shown = render_html("<script>alert(1)</script>\n\n<b onclick=x>b</b>\n\n<!-- c -->")
    assert "<script" not in shown
    assert "<b " not in shown
    assert "<!--" not in shown


@pytest.mark.parametrize("unit", ["[", "![", "*a ", "> ", "- ", "`", "|a\n|-|\n", "&", "[a]("])
def test_long_hostile_markdown_is_rendered_in_seconds(unit):
    start = time.process_time()
    render_html((unit * 50_000)[:50_000])
    # Under one second each where it was measured; what grows with the square takes minutes.
    assert time.process_time() - start < 10
