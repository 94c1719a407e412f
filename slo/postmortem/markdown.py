"""Markdown made and read: hostile text stays text, and people's Markdown becomes safe HTML."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

_SPACES = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_PUNCTUATION = re.compile(r"[\\`*\[\]<>|&~]|(?<![^\W_])_|_(?![^\W_])")
_LEADING = re.compile(r"^(#|[-+=:]|[0-9]{1,9}(?=[.)](?: |$)))")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LINKS = ("http:", "https:", "mailto:")
_LOWEST_HEADING = 6
_NESTED = 20
"""Levels of quotes and lists; deeper ones stay text."""


class Markdown(str):
    """Text that is Markdown already and goes into a document as it is."""

    __slots__ = ()


def escape(text: str) -> Markdown:
    """`text` as Markdown that shows just this text, on one line, also inside a table."""
    if isinstance(text, Markdown):
        return text
    plain = _PUNCTUATION.sub(r"\\\g<0>", _SPACES.sub(" ", text).strip())
    return Markdown(_LEADING.sub(_escape_leading, plain))


def unescape(markdown: str) -> str:
    """The text that `escape` made Markdown of."""
    return _ESCAPED.sub(r"\1", markdown)


def code_span(text: str) -> Markdown:
    """`text` as code within a line; not for tables, where a bar would end the cell."""
    plain = _SPACES.sub(" ", text).strip()
    if not plain:
        return Markdown("")
    fence = _fence(plain, 1)
    edge = " " if "`" in {plain[0], plain[-1]} else ""
    return Markdown(f"{fence}{edge}{plain}{edge}{fence}")


def code_block(text: str, language: str = "") -> Markdown:
    """`text` as a block of code with lines of its own."""
    fence = _fence(text, 3)
    return Markdown(f"{fence}{language}\n{text.strip()}\n{fence}")


def link(text: str, url: str) -> Markdown:
    """A link, or only the text where `url` leads nowhere that is allowed."""
    if not is_allowed(url):
        return escape(text)
    safe = quote(url, safe="/:?#@!$&'*+,;=%~-._")
    return Markdown(f"[{escape(text)}]({safe})")


def is_allowed(url: str) -> bool:
    """Whether a link may lead there: http, https, mailto, or a place of this site."""
    bare = "".join(c for c in unquote(url).lower() if c.isprintable() and not c.isspace())
    if bare.startswith(("//", "/\\", "\\")):
        return False
    return not _SCHEME.match(bare) or bare.startswith(_LINKS)


def render_html(markdown: str) -> str:
    """HTML of Markdown that anybody may have written: CommonMark with tables.

    Raw HTML is shown as text. Links lead only to http, https, mailto or places of
    this site; an image becomes a link to it, so that reading loads nothing. Headings
    stand below the page's own, none skips a level; each cell names its column.
    """
    return str(_reader().render(markdown))


class _Reader(MarkdownIt):
    """CommonMark with tables, without HTML, and with few kinds of links."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 -- markdown-it's name.
        """Whether a link may lead there."""
        return is_allowed(url)


@cache
def _reader() -> MarkdownIt:
    options = {"html": False, "linkify": False, "maxNesting": _NESTED}
    reader = _Reader("commonmark", options).enable("table")
    reader.core.ruler.push("headings", _order_headings)
    reader.core.ruler.push("columns", _name_columns)
    reader.add_render_rule("image", _image)
    reader.add_render_rule("link_open", _link_open)
    reader.add_render_rule("th_open", _cell_open)
    reader.add_render_rule("td_open", _cell_open)
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    return reader


def _order_headings(state: StateCore) -> None:
    """Headings below the first level, which is the page's own, and no level skipped."""
    tags = [token for token in state.tokens if token.type in {"heading_open", "heading_close"}]
    lower = any(token.tag == "h1" for token in tags)
    last = 1
    for start, end in zip(tags[::2], tags[1::2], strict=True):
        wanted = int(start.tag[1:]) + lower
        last = min(wanted, last + 1, _LOWEST_HEADING)
        start.tag = end.tag = f"h{last}"


def _name_columns(state: StateCore) -> None:
    """Cells that name their column, for cards on phones; an empty head is no heading."""
    names: list[str] = []
    place = 0
    for token, inside in pairwise(state.tokens):
        if token.type == "thead_open":
            names = []
        elif token.type == "tr_open":
            place = 0
        elif token.type == "th_open":
            renderer = cast("RendererHTML", state.md.renderer)
            text = renderer.renderInlineAsText(inside.children, state.md.options, state.env)
            names.append(" ".join(text.split()))
            token.tag = "th" if names[-1] else "td"
        elif token.type == "th_close":
            token.tag = "th" if names[-1] else "td"
        elif token.type == "td_open":
            if names[place]:
                token.attrSet("data-label", names[place])
            place += 1


def _image(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    """An image as a link."""
    token = tokens[idx]
    text = self.renderInlineAsText(token.children or [], options, env) or "image"
    return f'<a href="{escapeHtml(str(token.attrGet("src")))}" rel="{_REL}">{escapeHtml(text)}</a>'


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    """A link that tells its target nothing of us."""
    tokens[idx].attrSet("rel", _REL)
    return str(self.renderToken(tokens, idx, options, env))


def _cell_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    """A cell aligned without a style, which the site's content security policy refuses."""
    token = tokens[idx]
    style = token.attrs.pop("style", None)
    if style is not None:
        token.attrSet("align", str(style).removeprefix("text-align:"))
    return str(self.renderToken(tokens, idx, options, env))


def _table_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    """A table in a box of its own, which scrolls where the table is too wide, by keys too."""
    table = self.renderToken(tokens, idx, options, env)
    return f'<div class="wide-table" tabindex="0" role="group" aria-label="Table">{table}'


def _table_close(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    return f"{self.renderToken(tokens, idx, options, env)}</div>\n"


_REL = "noopener noreferrer nofollow"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _escape_leading(found: re.Match[str]) -> str:
    """What would begin a heading, a list or a table's rule: `-`, `#`, or `1` of `1.`."""
    start = found.group(1)
    return start + "\\" if start.isdigit() else "\\" + start
