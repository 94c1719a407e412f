"""A report as Markdown, for wikis and repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.postmortem.markdown import Markdown, escape, link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.reports.layout import Cell, Table, View


def to_markdown(view: View) -> str:
    """The whole report; every text of people stays text."""
    blocks = [f"# {escape(view.title)}", escape(" \u00b7 ".join(view.about))]
    blocks += [escape(sentence) for sentence in view.headline]
    if view.tiles:
        head = ("In all", "Value", "Beside it")
        rows = [(escape(t.label), escape(t.value), escape(t.detail)) for t in view.tiles]
        blocks.append(_lines(head, (False, True, False), rows))
    for table in view.worst:
        blocks += [f"## {escape(table.title)}", *_table(table)]
    for section in view.sections:
        blocks += [f"## {_linked(section.title, section.href)}", escape(section.sub)]
        for table in section.tables:
            blocks += _table(table)
    for table in view.rest:
        blocks += [f"## {escape(table.title)}", *_table(table)]
    if view.how_to_read:
        blocks += ["## How to read this", "\n".join(f"- {escape(t)}" for t in view.how_to_read)]
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> list[str]:
    head = [escape(column.label) for column in table.columns]
    right = [column.number for column in table.columns]
    lines = _lines(head, right, [[_cell(cell) for cell in row] for row in table.rows])
    return [escape(table.sub), lines] if table.sub else [lines]


def _lines(head: Sequence[str], right: Sequence[bool], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---:" if number else "---" for number in right]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _cell(cell: Cell) -> str:
    sign = f"{cell.icon} " if cell.icon else ""
    text = _linked(f"{sign}{cell.text}", cell.href)
    return f"{text} ({escape(cell.sub)})" if cell.sub else text


def _linked(text: str, href: str) -> Markdown:
    return link(text, href) if href else escape(text)
