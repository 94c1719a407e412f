"""The overview: what needs attention, then all SLOs in a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from slo.store import incidents, standings
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web.heading import cycle_line
from slo.web.pages.overview import listing, rows
from slo.web.pages.overview.attention import attention
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.standing import Standing
    from slo.web.pages.overview.listing import Query

blueprint = Blueprint("overview_pages", __name__)


@blueprint.get("/")
@needs("read")
def show_overview() -> str:
    """All SLOs: what needs attention, then the table."""
    site = current_site()
    now = site.clock()
    query = listing.query_of(request.args)
    with reading(site.engine) as session:
        known = standings.all(session, now=now)
        opened = incidents.open_of(session)
        cycle = cycle_line(session, now, known)
    found = listing.matching(known, query, opened)
    shown = _page(found, query)
    grouped = query.order.grouped
    draw = rows.render_rows(site.rows, rows.row_macro(), opened, now, whole=not grouped)
    return render_template(
        "overview.html",
        cycle=cycle,
        query=query,
        total=len(known),
        found=len(found),
        summary=listing.summary(known, len({i.id for i in opened.values()})) if known else "",
        attention=attention(known, opened, now),
        more=_more(query),
        groups=rows.groups(shown, draw, grouped=grouped),
        columns=listing.columns(query),
        states=listing.ANY_STATES | {key: b.word for key, b in listing.STATES.items()},
        sorts=_sorts(query),
        choices=listing.choices(known),
        first=(query.page - 1) * listing.MOST_ROWS + 1,
        shown=len(shown),
        interval=fmt.span(site.interval),
    )


def _page(found: Sequence[Standing], query: Query) -> Sequence[Standing]:
    start = (query.page - 1) * listing.MOST_ROWS
    return found[start : start + listing.MOST_ROWS]


def _more(query: Query) -> str:
    """Where the table lists all that needs attention; empty: here."""
    wanted = listing.Query(state="attention")
    return "" if replace(query, sort=wanted.sort, page=1) == wanted else wanted.url()


def _sorts(query: Query) -> dict[str, str]:
    """The orders to choose from; one that is turned round is among them while it is chosen."""
    words = {key: sort.word for key, sort in listing.SORTS.items()}
    if query.reversed:
        words[query.sort] = f"{query.order.word}, reversed"
    return words
