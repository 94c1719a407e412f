"""Standings: one row per SLO, which lists, /metrics and gates read instead of computing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from slo.domain.state import seen_at
from slo.store import schema
from slo.store.dialect import among, put_many
from slo.store.recall import recall
from slo.store.slos import row_ids
from slo.store.standing_json import dump_standing, load_standing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing

_p, _s = schema.standing, schema.slo
_MOST_KEPT = 20_000
_OF_SERVICE = (
    select(_p.c.slo_id, _p.c.body)
    .join(_s)
    .where(_s.c.service == bindparam("service"))
    .order_by(_s.c.name)
)
_ONE = (
    select(_p.c.slo_id, _p.c.body)
    .join(_s)
    .where(_s.c.service == bindparam("service"), _s.c.name == bindparam("name"))
)
"""Both made once: gates ask them often, and making them costs more than the answer."""
_kept: dict[int, tuple[str, Standing]] = {}
"""Standings as read last: lists are asked for far more often than a cycle writes them."""


def put(session: Session, standings: Sequence[tuple[Standing, str | None]]) -> None:
    """Writes each standing over the SLO's former one; a grid of None leaves the grid there is.

    Standings of SLOs that the store does not know are left out: they were renamed
    or never declared.
    """
    ids = row_ids(session, [standing.slo for standing, _ in standings])
    rows = {
        ids[standing.slo]: (
            ids[standing.slo],
            standing.at,
            standing.state,
            standing.budget.remaining,
            dump_standing(standing),
            grid,
        )
        for standing, grid in standings
        if standing.slo in ids
    }
    # In order of their ids, so that two processes never wait for each other.
    put_many(
        session,
        _p,
        [rows[row_id] for row_id in sorted(rows)],
        lambda new: {
            "at": new.at,
            "state": new.state,
            "remaining": new.remaining,
            "body": new.body,
            "grid": func.coalesce(new.grid, _p.c.grid),
        },
    )


def all(  # noqa: A001 -- read as `standings.all(session)`
    session: Session, *, now: float | None = None, sparklines: bool = True
) -> list[Standing]:
    """All standings, by service and name; without sparklines in about 60 % of the time.

    With `now` they are those of `seen_at`; without it their data are as they were written.
    """
    query = select(_p.c.slo_id, _p.c.body).join(_s).order_by(_s.c.service, _s.c.name)
    rows = session.execute(query)
    if sparklines:
        found = [_loaded(row_id, body) for row_id, body in rows]
    else:
        found = [load_standing(body, sparkline=False) for _, body in rows]
    return found if now is None else [seen_at(standing, now) for standing in found]


def _loaded(row_id: int, body: str) -> Standing:
    """The standing in `body`; the one read last for the SLO's row, if its text is the same."""
    kept = _kept.get(row_id)
    if kept is not None and kept[0] == body:
        return kept[1]
    if len(_kept) >= _MOST_KEPT:  # Removed SLOs must not pile up.
        _kept.clear()
    standing = load_standing(body)
    _kept[row_id] = (body, standing)
    return standing


def one(session: Session, slo_id: str, *, now: float | None = None) -> Standing | None:
    """The standing of one SLO, None before its first cycle; `now` as for `all`."""
    service, _, name = slo_id.partition("/")

    def ask() -> Standing | None:
        row = session.connection().execute(_ONE, {"service": service, "name": name}).first()
        return None if row is None else _loaded(*row)

    # What is recalled must hold whatever the clock says.
    found = recall(session, ("standing", slo_id), ask)
    return found if found is None or now is None else seen_at(found, now)


def of_service(session: Session, service: str, *, now: float | None = None) -> tuple[Standing, ...]:
    """The standings of one service's SLOs, by name; `now` as for `all`."""

    def ask() -> tuple[Standing, ...]:
        rows = session.connection().execute(_OF_SERVICE, {"service": service})
        return tuple(_loaded(row_id, body) for row_id, body in rows)

    found = recall(session, ("standings", service), ask)
    return found if now is None else tuple([seen_at(standing, now) for standing in found])


def grids(session: Session, slo_ids: Collection[str]) -> dict[str, str]:
    """The grids by SLO id; SLOs without one are left out."""
    ids = row_ids(session, slo_ids)
    query = select(_p.c.slo_id, _p.c.grid).where(
        among(session, _p.c.slo_id, ids.values()), _p.c.grid.is_not(None)
    )
    found = {row[0]: row[1] for row in session.execute(query)}
    return {slo_id: found[row_id] for slo_id, row_id in ids.items() if row_id in found}
