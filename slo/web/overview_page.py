"""The overview: what needs attention, then all SLOs in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, render_template, request

from slo.store import incidents, standings
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web import overview, rows
from slo.web.attention import attention
from slo.web.heading import cycle_line
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.standing import Standing
    from slo.web.overview import Query

blueprint = Blueprint("overview_pages", __name__)


@blueprint.get("/")
@needs("read")
def show_overview() -> str:
    """All SLOs: what needs attention, then the table."""
    site = current_site()
    now = site.clock()
    query = overview.query_of(request.args)
    with reading(site.engine) as session:
        known = standings.all(session)
        opened = incidents.open_of(session)
        cycle = cycle_line(session, now, known)
    found = overview.matching(known, query, opened)
    shown = _page(found, query)
    grouped = query.order.grouped
    draw = rows.render_rows(site.rows, _row_macro(), opened, now, whole=not grouped)
    return render_template(
        "overview.html",
        cycle=cycle,
        query=query,
        total=len(known),
        found=len(found),
        summary=overview.summary(known, len({i.id for i in opened.values()})) if known else "",
        attention=attention(known, opened, now),
        groups=rows.groups(shown, draw, grouped=grouped),
        columns=overview.columns(query),
        states=overview.ANY_STATES | {key: b.word for key, b in overview.STATES.items()},
        sorts=_sorts(query),
        choices=overview.choices(known),
        first=(query.page - 1) * overview.MOST_ROWS + 1,
        shown=len(shown),
        interval=fmt.span(site.interval),
    )


def _row_macro() -> Any:
    """The macro that draws a row."""
    return current_app.jinja_env.get_template("slos.html").module.row  # type: ignore[attr-defined]


def _page(found: Sequence[Standing], query: Query) -> Sequence[Standing]:
    start = (query.page - 1) * overview.MOST_ROWS
    return found[start : start + overview.MOST_ROWS]


def _sorts(query: Query) -> dict[str, str]:
    """The orders to choose from; one that is turned round is among them while it is chosen."""
    words = {key: sort.word for key, sort in overview.SORTS.items()}
    if query.reversed:
        words[query.sort] = f"{query.order.word}, reversed"
    return words
