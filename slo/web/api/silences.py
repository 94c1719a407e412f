"""The JSON API of silences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo import silencing
from slo.silencing import silence_json
from slo.store import silences
from slo.store.engine import reading, writing
from slo.web.api.cursor import cut, make_cursor, page_of, read_cursor
from slo.web.api.models.silences import Ending, NewSilence, Silence, SilenceQuery, Silences
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.domain.silence import Silence as Found

blueprint = Blueprint("api_silences", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where nobody says."""


@operation(blueprint, "GET", "/silences", permission="read", query=SilenceQuery, answer=Silences)
def list_silences(query: SilenceQuery) -> dict[str, Any]:
    """Lists the silences that run or are to come, or all there were."""
    site = current_site()
    now = site.clock()
    with reading(site.engine) as session:
        if query.all:
            shown, more = _former(session, query)
        else:
            running = silences.of(session, now)
            shown, more = cut(running, query, (int, int), lambda one: (one.start, one.id))
    return {"silences": [silence_json(one, now) for one in shown], "next": more}


def _former(session: Session, query: SilenceQuery) -> tuple[Sequence[Found], str | None]:
    """The silences that ended too, newest first."""
    position = read_cursor(query.cursor, int)
    before = None if position is None else position[0]
    shown, more = page_of(silences.latest(session, query.limit + 1, before), query.limit)
    return shown, make_cursor(shown[-1].id) if more else None


@operation(
    blueprint,
    "POST",
    "/silences",
    permission="write",
    body=NewSilence,
    answer=Silence,
    status=201,
)
def add_silence(body: NewSilence) -> dict[str, Any]:
    """Mutes the notifications of a scope until a time."""
    site = current_site()
    now = int(site.clock())
    with writing(site.engine) as session:
        found = silencing.silence(
            session,
            site.settings,
            scope=body.scope,
            until=body.until,
            who=who(body.who, _API),
            why=body.why,
            now=now,
            labels=list(body.labels.items()),
            everything=body.all,
        )
    return silence_json(found, now)


@operation(
    blueprint,
    "POST",
    "/silences/<int:silence_id>/end",
    permission="write",
    body=Ending,
    answer=Silence,
)
def end_silence(silence_id: int, body: Ending) -> dict[str, Any]:
    """Ends a silence before its time."""
    site = current_site()
    now = int(site.clock())
    with writing(site.engine) as session:
        ended = silencing.end(session, silence_id, who=who(body.who, _API), why=body.why, now=now)
    return silence_json(ended, now)
