"""Postmortems as Markdown and as one HTML file, for people without access to the site."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from slo.domain.incident import AUTO
from slo.domain.postmortem import CHART_MARK, ITEMS_MARK
from slo.postmortem.chart import alternative
from slo.postmortem.facts import minute
from slo.postmortem.markdown import escape, render_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.postmortem import ActionItem, Postmortem

_NO_ITEMS = "There are no action items yet."
_STYLE = """\
:root{color-scheme:light dark;background:#fff;color:#17191c;font:16px/1.55 system-ui,sans-serif}
body{max-width:52rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:.9em}
th,td{border-bottom:1px solid #8884;padding:.35rem .5rem;vertical-align:top}
th:not([align]){text-align:left}
.wide-table,.wide-chart{overflow-x:auto}
pre{background:#8881;padding:.7rem;white-space:pre-wrap}code{font:.9em ui-monospace,monospace}
blockquote{margin:1rem 0;padding:.1rem 1rem;border-left:3px solid #d9482b}
figure{margin:1rem 0}figcaption,.about{color:#5f666e;font-size:.9em}a{color:#2456c8}
@media (prefers-color-scheme:dark){:root{background:#121316;color:#eceef0}a{color:#7aa7ff}
figcaption,.about{color:#a3a9b1}}
@media screen and (max-width:640px){.wide-chart svg{width:720px}}
@media print{:root{background:#fff;color:#000}body{margin:0;max-width:none}}
"""


def render_body(body: str, items: Sequence[ActionItem], chart: str) -> str:
    """The HTML of a body, with its table of action items and its chart in their places.

    A body that lost the place of its action items gets them at its end.
    """
    shown = render_html(_with_items_mark(body))
    shown = _placed(shown, ITEMS_MARK, render_html(items_markdown(items)))
    return _placed(shown, CHART_MARK, _figure(chart))


def to_markdown(found: Postmortem, items: Sequence[ActionItem]) -> str:
    """The whole postmortem as Markdown: its title, its body, its items, its chart in words."""
    words = alternative(found.chart)
    told = {
        ITEMS_MARK: items_markdown(items),
        CHART_MARK: f"> {escape(words)}" if words else "",
    }
    lines = _with_items_mark(found.body).split("\n")
    body = "\n".join(told.get(line.strip(), line) for line in lines)
    return f"# {escape(found.about.title)}\n\n{body.strip()}\n"


def to_html(found: Postmortem, items: Sequence[ActionItem]) -> str:
    """The whole postmortem as one HTML file that loads nothing, in light and dark."""
    title = html.escape(found.about.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f'<p class="about">{html.escape(_about(found))}</p>\n'
        f"{render_body(found.body, items, found.chart)}</main>\n</body>\n</html>\n"
    )


def items_markdown(items: Sequence[ActionItem]) -> str:
    """The action items as a table in Markdown."""
    if not items:
        return _NO_ITEMS
    rows = [
        (i.text, i.kind, i.owner or "nobody", i.priority, i.due or "no date", i.state)
        for i in items
    ]
    head = ("action item", "type", "owner", "priority", "due", "status")
    lines = [_row(head), _row(["---"] * len(head))]
    return "\n".join(lines + [_row([escape(cell) for cell in row]) for row in rows])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _with_items_mark(body: str) -> str:
    if any(line.strip() == ITEMS_MARK for line in body.split("\n")):
        return body
    return f"{body.rstrip()}\n\n## Action items\n\n{ITEMS_MARK}\n"


def _placed(shown: str, mark: str, what: str) -> str:
    """The HTML with `what` in place of the paragraph that is only the mark."""
    return shown.replace(f"<p>{mark}</p>", what, 1)


def _figure(chart: str) -> str:
    """The chart in a box that scrolls on a phone, its words below; nothing where there is none."""
    if not chart:
        return ""
    words = html.escape(alternative(chart))
    box = f'<div class="wide-chart" tabindex="0" role="group" aria-label="Chart">{chart}</div>'
    return f'<figure class="burn">{box}<figcaption>{words}</figcaption></figure>'


def _about(found: Postmortem) -> str:
    about = found.about
    by = "filled in by SLO Ledger" if about.updated_by == AUTO else f"last by {about.updated_by}"
    told = [f"Status: {about.status}", f"version {about.version}, {by} {minute(about.updated_at)}"]
    if about.reviewed_by and about.published_at is not None:
        told.append(f"reviewed by {about.reviewed_by}, published {minute(about.published_at)} UTC")
    return "; ".join(told)
