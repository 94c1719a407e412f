"""Facts about this installation that one job leaves for people: when it ran, what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from slo.store import schema
from slo.store.dialect import insert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

FactName = Literal["backup", "upkeep", "forgotten"]

_i = schema.installation


def put(session: Session, name: FactName, fact: Mapping[str, Any]) -> None:
    """Writes a fact over the former one of its name."""
    statement = insert(session, _i).values(name=name, value=json.dumps(fact, sort_keys=True))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": statement.excluded.value}
        )
    )


def of(session: Session, name: FactName) -> dict[str, Any] | None:
    """The fact of a name; None: it was never written."""
    text = session.execute(select(_i.c.value).where(_i.c.name == name)).scalar()
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found
