"""The audit: who did what to what, when, and what it was before and is since."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from slo.store import schema
from slo.store.dialect import write_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

_a = schema.audit
CONFIG = "slo.yaml"
"""Who did it when the definitions did."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action; `at` in epoch seconds, `detail` as it was given.

    `old` and `new` hold what changed; None where there was nothing before, is nothing
    since, or the action changes no value.
    """

    at: int
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; an empty text fits all, instants in epoch seconds."""

    who: str = ""
    action: str = ""
    subject: str = ""
    """The beginning of the subject: `user/`, or a service's name."""
    since: int | None = None
    until: int | None = None
    before: int | None = None
    """Only entries with a smaller id, for the next page."""


def add(
    session: Session,
    at: int,
    who: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    """Writes one entry."""
    add_many(session, [Entry(at, who, action, subject, detail, old, new)])


def add_many(session: Session, entries: Sequence[Entry]) -> None:
    """Writes the entries in order."""
    rows = [
        {
            "at": e.at,
            "who": e.who,
            "action": e.action,
            "subject": e.subject,
            "detail": _text(e.detail),
            "old": None if e.old is None else _text(e.old),
            "new": None if e.new is None else _text(e.new),
        }
        for e in entries
    ]
    write_many(session, insert(_a), rows)


def of(session: Session, subject: str | None = None, limit: int = 100) -> list[Entry]:
    """The newest entries about `subject`, or about all, newest first."""
    query = select(_a)
    if subject is not None:
        query = query.where(_a.c.subject == subject)
    return [_entry(row) for row in session.execute(query.order_by(_a.c.id.desc()).limit(limit))]


def found(session: Session, wanted: Wanted, limit: int) -> list[Entry]:
    """The newest entries that fit, newest first."""
    query = select(_a)
    if wanted.who:
        query = query.where(_a.c.who == wanted.who)
    if wanted.action:
        query = query.where(_a.c.action == wanted.action)
    if wanted.subject:
        query = query.where(_a.c.subject.startswith(wanted.subject, autoescape=True))
    if wanted.since is not None:
        query = query.where(_a.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(_a.c.at < wanted.until)
    if wanted.before is not None:
        query = query.where(_a.c.id < wanted.before)
    return [_entry(row) for row in session.execute(query.order_by(_a.c.id.desc()).limit(limit))]


def actions(session: Session) -> list[str]:
    """The actions that there are entries of, by name."""
    return list(session.execute(select(_a.c.action).distinct().order_by(_a.c.action)).scalars())


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.at,
        row.who,
        row.action,
        row.subject,
        json.loads(row.detail),
        None if row.old is None else json.loads(row.old),
        None if row.new is None else json.loads(row.new),
        row.id,
    )


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)
