"""What SQLite and PostgreSQL say differently: upserts, long lists of values, locks."""

from __future__ import annotations

import hashlib
import json
from enum import IntEnum, unique
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    BigInteger,
    Double,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select, Subquery, Table
    from sqlalchemy.orm import Session
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    Excluded = ReadOnlyColumnCollection[str, ColumnElement[Any]]


@unique
class Lock(IntEnum):
    """What only one transaction does at a time; each number is one lock of PostgreSQL's."""

    UPGRADE = 7_305_001
    DECLARE = 7_305_002
    INCIDENTS = 7_305_011
    SCHEDULES = 7_305_012
    USERS = 7_305_031
    LOGINS = 7_305_032


def is_postgresql(session: Session) -> bool:
    """Whether the session speaks to PostgreSQL; else it is SQLite."""
    return session.get_bind().dialect.name == "postgresql"


def insert(session: Session, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what to do on conflict."""
    return postgresql.insert(table) if is_postgresql(session) else sqlite.insert(table)


def write_many(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Executes the statement once per row, in one go; no rows is no statement."""
    if rows:
        session.connection().execute(statement, rows)


def put_many(
    session: Session,
    table: Table,
    rows: Sequence[tuple[Any, ...]],
    changes: Callable[[Excluded], dict[str, Any]] | None = None,
) -> None:
    """Inserts rows (values in the order of the table's columns) with one statement.

    `changes` says, from the new row, what becomes of a row with the same primary
    key; without it such a row is an error. No key may be among the rows twice.
    """
    if not rows:
        return
    connection = session.connection()
    names = [column.name for column in table.columns]
    statement = insert(session, table)
    if isinstance(statement, postgresql.Insert):
        statement = statement.from_select(names, _rows_from(table, rows))
    if changes:
        statement = statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_=changes(statement.excluded)
        )
    if isinstance(statement, postgresql.Insert):
        connection.execute(statement)
    else:
        # The driver is fed directly: SQLAlchemy's care for each row costs thrice SQLite's own.
        compiled = statement.compile(dialect=connection.dialect, column_keys=names)
        connection.exec_driver_sql(str(compiled), list(rows))


def _rows_from(table: Table, rows: Sequence[tuple[Any, ...]]) -> Select[Any]:
    """The rows as a query with one JSON parameter a column.

    Six times as fast as arrays, whose quotes psycopg escapes one by one, and twice
    as fast as a statement a row.
    """
    lists, columns = {}, []
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        # JSON has no infinity; PostgreSQL reads it, and every float, from its text.
        texts = values
        if isinstance(column.type, Double):
            texts = tuple(None if v is None else repr(v) for v in values)
        lists[column.name] = orjson.dumps(texts).decode()
        columns.append(type_coerce(literal_column(f'x."{column.name}"'), Text).cast(column.type))
    each = ", ".join(f"json_array_elements_text(CAST(:{name} AS json))" for name in lists)
    names = ", ".join(f'"{name}"' for name in lists)
    return select(*columns).select_from(
        text(f"ROWS FROM ({each}) AS x({names})").bindparams(**lists)
    )


def among(
    session: Session, column: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """`column IN values` for any number of values, by one parameter."""
    if is_postgresql(session):
        array = bindparam(None, list(values), postgresql.ARRAY(column.type))
        return column == any_(array)
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))


def pairs(session: Session, wanted: Sequence[tuple[int, int]]) -> Subquery:
    """The pairs as a table with the columns `meter_id` and `t`, by one or two parameters."""
    integer = BigInteger()
    if is_postgresql(session):
        array = postgresql.ARRAY(BigInteger)
        each = func.unnest(
            bindparam(None, [m for m, _ in wanted], array),
            bindparam(None, [t for _, t in wanted], array),
        ).table_valued("meter_id", "t")
        named = each.render_derived()
        return select(
            type_coerce(named.c.meter_id, integer).label("meter_id"),
            type_coerce(named.c.t, integer).label("t"),
        ).subquery()
    each = func.json_each(json.dumps(wanted)).table_valued("value")
    return select(
        type_coerce(func.json_extract(each.c.value, "$[0]"), integer).label("meter_id"),
        type_coerce(func.json_extract(each.c.value, "$[1]"), integer).label("t"),
    ).subquery()


def lock(session: Session, number: Lock) -> None:
    """Waits until no other transaction holds this lock; SQLite's writers are alone anyway."""
    if is_postgresql(session):
        session.execute(select(func.pg_advisory_xact_lock(number.value)))


def digest(long: str) -> str:
    """A short key for a long text: 128 bits as 32 hexadecimal digits."""
    return hashlib.blake2b(long.encode(), digest_size=16).hexdigest()
