"""The audit: who did what to which SLO or exclusion, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from slo.store import schema
from slo.store.dialect import write_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

_a = schema.audit
CONFIG = "slo.yaml"
"""Who did it when the definitions did."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action; `at` in epoch seconds, `detail` as it was given."""

    at: int
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def add(
    session: Session, at: int, who: str, action: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """Writes one entry."""
    add_many(session, [Entry(at, who, action, subject, detail)])


def add_many(session: Session, entries: Sequence[Entry]) -> None:
    """Writes the entries in order."""
    rows = [
        {
            "at": e.at,
            "who": e.who,
            "action": e.action,
            "subject": e.subject,
            "detail": json.dumps(e.detail, sort_keys=True, ensure_ascii=False),
        }
        for e in entries
    ]
    write_many(session, insert(_a), rows)


def of(session: Session, subject: str | None = None, limit: int = 100) -> list[Entry]:
    """The newest entries about `subject`, or about all, newest first."""
    query = select(_a.c.at, _a.c.who, _a.c.action, _a.c.subject, _a.c.detail)
    if subject is not None:
        query = query.where(_a.c.subject == subject)
    rows = session.execute(query.order_by(_a.c.id.desc()).limit(limit))
    return [
        Entry(at, who, action, about, json.loads(text)) for at, who, action, about, text in rows
    ]
