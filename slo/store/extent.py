"""The extent of the store: its size, and about how many rows the big tables hold.

Nothing here reads a large table whole: PostgreSQL is asked for its estimates, and
SQLite counts as far as `MOST_COUNTED`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select, text

from slo.store import schema
from slo.store.dialect import is_postgresql
from slo.store.errors import place

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

MOST_COUNTED = 10_000
"""Rows of a table of SQLite that are counted; of more it is only said that there are more."""

BIG: tuple[Table, ...] = (
    schema.reading,
    schema.edge,
    schema.contributor,
    schema.alert,
    schema.incident_event,
    schema.notification,
    schema.attempt,
    schema.audit,
)
_ROWS = "SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)"

Amount = Literal["exact", "more", "about"]


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a table holds: `exact`, `more` than these, or `about` these."""

    table: str
    count: int
    amount: Amount


@dataclass(frozen=True, slots=True)
class Extent:
    """The store's kind, its size in bytes, and its big tables."""

    kind: Literal["sqlite", "postgresql"]
    size: int
    unused: int | None
    """Bytes within the file that new rows will take first; None: it does not tell."""
    log: int | None
    """Bytes of SQLite's write-ahead log; None for PostgreSQL."""
    revision: str
    rows: tuple[Rows, ...]


def extent_of(session: Session) -> Extent:
    """The extent of the store now."""
    revision = str(session.execute(text("SELECT version_num FROM alembic_version")).scalar())
    if is_postgresql(session):
        size = session.execute(select(func.pg_database_size(func.current_database()))).scalar()
        rows = tuple(_estimated(session, big) for big in BIG)
        return Extent("postgresql", int(size or 0), None, None, revision, rows)
    page, pages, free = (
        int(session.execute(text(f"PRAGMA {name}")).scalar() or 0)
        for name in ("page_size", "page_count", "freelist_count")
    )
    rows = tuple(_counted(session, big) for big in BIG)
    return Extent("sqlite", page * pages, page * free, _log_size(session), revision, rows)


def _counted(session: Session, big: Table) -> Rows:
    some = select(text("1")).select_from(big).limit(MOST_COUNTED + 1).subquery()
    count = int(session.execute(select(func.count()).select_from(some)).scalar_one())
    if count > MOST_COUNTED:
        return Rows(big.name, MOST_COUNTED, "more")
    return Rows(big.name, count, "exact")


def _estimated(session: Session, big: Table) -> Rows:
    # Before the first ANALYZE it tells -1.
    found = session.execute(text(_ROWS), {"name": f'"{big.name}"'}).scalar()
    if found is None or found < 0:
        return _counted(session, big)
    return Rows(big.name, int(found), "about")


def _log_size(session: Session) -> int:
    bind = session.get_bind()
    try:
        return Path(f"{place(bind.engine.url)}-wal").stat().st_size
    except OSError:
        return 0
