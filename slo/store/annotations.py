"""Annotations in the store: added once per key, listed, removed. Removed ones stay as rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, tuple_, update

from slo.domain.annotation import Annotation
from slo.domain.scope import EVERYTHING
from slo.store import audit, dialect, schema
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_a = schema.annotation
_COLUMNS = tuple(
    _a.c[name]
    for name in (
        "id", "kind", "scope", "at", "end", "title", "text", "url", "labels", "who", "created_at",
        "key",
    )
)  # fmt: skip
_RUNS = and_(_a.c.kind == "experiment", _a.c.end.is_(None))
"""Whether it lasts still; others without an end are instants."""
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an annotation: the one that is kept, and whether it is new."""

    annotation: Annotation
    new: bool
    removed: bool = False
    """One with the same key was there, and was removed since."""


def add(session: Session, wanted: Annotation) -> Added:
    """Keeps the annotation and audits it, or gives the one that has its key already.

    Raises ValueError for one that ends before it begins.
    """
    if wanted.end is not None and wanted.end < wanted.at:
        raise ValueError("an annotation must not end before it begins")
    row = {
        name: getattr(wanted, name)
        for name in ("kind", "scope", "at", "end", "title", "text", "url", "who", "key")
    }
    row |= {
        "labels": json.dumps(dict(wanted.labels), sort_keys=True, ensure_ascii=False),
        "created_at": wanted.created_at,
    }
    statement = dialect.insert(session, _a).values(row)
    statement = statement.on_conflict_do_nothing(index_elements=[_a.c.key])
    number = session.execute(statement.returning(_a.c.id)).scalar()
    if number is None:
        kept = of_key(session, wanted.key or "")
        if kept is not None:
            return kept
        raise StoreError("an annotation was not kept, and none has its key")
    detail = {"id": number, "labels": dict(wanted.labels)}
    detail |= {name: row[name] for name in ("kind", "at", "end", "title", "url", "key")}
    new = _told(wanted)
    audit.add(session, wanted.created_at, wanted.who, "annotate", wanted.scope, detail, new=new)
    return Added(replace(wanted, id=number), new=True)


def end(session: Session, annotation_id: int, until: int, at: int, who: str) -> Annotation | None:
    """Says when one that runs was over, and audits it; None: none with this id runs."""
    statement = (
        update(_a)
        .where(_a.c.id == annotation_id, _a.c.end.is_(None), _a.c.removed_at.is_(None))
        .values(end=until)
        .returning(*_COLUMNS)
    )
    ended = next((_annotation(row) for row in session.execute(statement)), None)
    if ended is not None:
        detail, old, new = {"id": ended.id}, {"end": None}, {"end": until}
        audit.add(session, at, who, "end-annotation", ended.scope, detail, old=old, new=new)
    return ended


def remove(session: Session, annotation_id: int, at: int, who: str) -> Annotation | None:
    """Takes an annotation off the timeline and audits it; None: there is none with this id."""
    found = one(session, annotation_id)
    if found is None:
        return None
    statement = (
        update(_a)
        .where(_a.c.id == annotation_id, _a.c.removed_at.is_(None))
        .values(removed_at=at)
        .returning(_a.c.id)
    )
    if session.execute(statement).scalar() is None:
        return None
    detail, old = {"id": found.id, "title": found.title}, _told(found)
    audit.add(session, at, who, "unannotate", found.scope, detail, old=old)
    return found


def one(session: Session, annotation_id: int) -> Annotation | None:
    """The annotation with this id, unless it was removed."""
    query = select(*_COLUMNS).where(_a.c.id == annotation_id, _a.c.removed_at.is_(None))
    return next((_annotation(row) for row in session.execute(query)), None)


def of_key(session: Session, key: str) -> Added | None:
    """The annotation that has this key, removed or not; None: the key is free."""
    query = select(*_COLUMNS, _a.c.removed_at).where(_a.c.key == key)
    row = session.execute(query).first()
    if row is None:
        return None
    return Added(_annotation(row[:-1]), new=False, removed=row.removed_at is not None)


def between(
    session: Session, start: float, end: float, scope: str | None = None
) -> list[Annotation]:
    """The newest thousand annotations that touch `[start, end)`, in order of their time.

    `scope` is an SLO's id, whose service's annotations and those of all are among them;
    or `service/*`, with those of each of its SLOs. None: all there are.
    """
    found = listed(session, since=start, until=end, scope=scope, limit=_MOST)
    return found[::-1]


def listed(
    session: Session,
    *,
    since: float | None = None,
    until: float | None = None,
    scope: str | None = None,
    kind: str | None = None,
    before: tuple[int, int] | None = None,
    limit: int = 200,
) -> list[Annotation]:
    """The annotations that fit, newest first; `before` (time and id) continues a former answer.

    Those that were over before `since`, or begin at or after `until`, are left out.
    """
    wanted: list[ColumnElement[bool]] = [_a.c.removed_at.is_(None)]
    if since is not None:
        wanted.append(or_(_a.c.at >= since, _a.c.end >= since, _RUNS))
    if until is not None:
        wanted.append(_a.c.at < until)
    if scope is not None and scope != EVERYTHING:
        wanted.append(_about(scope))
    if kind is not None:
        wanted.append(_a.c.kind == kind)
    if before is not None:
        wanted.append(tuple_(_a.c.at, _a.c.id) < tuple_(*before))
    query = select(*_COLUMNS).where(*wanted).order_by(_a.c.at.desc(), _a.c.id.desc())
    return [_annotation(row) for row in session.execute(query.limit(limit))]


def _told(found: Annotation) -> dict[str, Any]:
    """What the audit tells of an annotation: all that its sender said."""
    names = ("kind", "at", "end", "title", "text", "url", "key")
    return {name: getattr(found, name) for name in names} | {"labels": dict(found.labels)}


def _about(scope: str) -> ColumnElement[bool]:
    """Whether an annotation is about what the scope names."""
    service, _, name = scope.partition("/")
    if name == EVERYTHING:
        return or_(_a.c.scope == EVERYTHING, _a.c.scope.startswith(f"{service}/", autoescape=True))
    return _a.c.scope.in_((EVERYTHING, f"{service}/*", scope))


def _annotation(row: Any) -> Annotation:
    values = dict(zip((c.name for c in _COLUMNS), row, strict=True))
    values["labels"] = tuple(sorted(json.loads(values["labels"]).items()))
    return Annotation(**values)
