"""Silences in the store: added, ended, listed. Past ones stay as rows, for the audit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, select, update

from slo.domain.silence import Silence
from slo.store import audit, schema

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_x = schema.silence


def add(session: Session, silence: Silence) -> Silence:
    """Keeps the silence and audits it; gives it with the id that it got.

    Raises ValueError for one that does not end after it starts.
    """
    if silence.end <= silence.start:
        raise ValueError("a silence must end after it starts")
    row = {
        "scope": silence.scope,
        "labels": json.dumps(dict(silence.labels), sort_keys=True, ensure_ascii=False),
        "start": silence.start,
        "end": silence.end,
        "who": silence.who,
        "why": silence.why,
        "at": silence.at,
    }
    number: int = session.execute(insert(_x).values(row).returning(_x.c.id)).scalar_one()
    detail = {"id": number, "labels": dict(silence.labels)}
    detail |= {name: row[name] for name in ("start", "end", "why")}
    audit.add(
        session,
        silence.at,
        silence.who,
        "silence",
        silence.scope,
        detail,
        new={"start": row["start"], "end": row["end"], "labels": dict(silence.labels)},
    )
    return replace(silence, id=number)


def end(session: Session, silence_id: int, at: int, who: str, why: str) -> Silence | None:
    """Ends a silence at `at`, before its time, and audits it; None: none runs or is to come."""
    statement = (
        update(_x)
        .where(_x.c.id == silence_id, _x.c.ended_at.is_(None), _x.c.end > at)
        .values(ended_at=at)
        .returning(_x.c.scope, _x.c.end)
    )
    ended = session.execute(statement).first()
    if ended is None:
        return None
    scope, before = ended
    detail = {"id": silence_id, "why": why}
    old, new = {"end": before}, {"end": at}
    audit.add(session, at, who, "unsilence", scope, detail, old=old, new=new)
    return by_id(session, silence_id)


def active(session: Session, now: float) -> list[Silence]:
    """The silences that mute at `now` (epoch seconds), the first to end first."""
    running = and_(
        _x.c.start <= now, _x.c.end > now, _x.c.ended_at.is_(None) | (_x.c.ended_at > now)
    )
    return _found(session, running, _x.c.end, _x.c.id)


def of(session: Session, since: float) -> list[Silence]:
    """The silences that mute at `since` or later, those to come among them, by start."""
    rest = and_(_x.c.end > since, _x.c.ended_at.is_(None) | (_x.c.ended_at > since))
    return _found(session, rest, _x.c.start, _x.c.id)


def latest(session: Session, limit: int = 200, before: int | None = None) -> list[Silence]:
    """The newest silences, ended ones too, newest first; `before`: below this id only."""
    wanted = None if before is None else _x.c.id < before
    return _found(session, wanted, _x.c.id.desc(), limit=limit)


def by_id(session: Session, silence_id: int) -> Silence | None:
    """The silence with this id."""
    found = _found(session, _x.c.id == silence_id)
    return found[0] if found else None


def _found(
    session: Session,
    wanted: ColumnElement[bool] | None,
    *order: ColumnElement[Any],
    limit: int | None = None,
) -> list[Silence]:
    query = select(
        _x.c.id,
        _x.c.scope,
        _x.c.start,
        _x.c.end,
        _x.c.who,
        _x.c.why,
        _x.c.labels,
        _x.c.at,
        _x.c.ended_at,
    )
    if wanted is not None:
        query = query.where(wanted)
    return [
        Silence(number, scope, start, end, who, why, _labels(labels), at, ended_at)
        for number, scope, start, end, who, why, labels, at, ended_at in session.execute(
            query.order_by(*order).limit(limit)
        )
    ]


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(json.loads(text).items()))
