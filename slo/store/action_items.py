"""Action items in the store: what is to be done after incidents, by whom and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from slo.domain.postmortem import (
    BIGGEST_ID,
    ActionItem,
    PostmortemError,
    UnknownPostmortemError,
    ensure_answered,
    ensure_item,
    ensure_person,
    in_order,
)
from slo.store import audit, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

_a, _p = schema.action_item, schema.postmortem
CHANGEABLE = ("text", "kind", "owner", "priority", "due", "state")
"""The fields that people set."""


def add(session: Session, incident: int, item: ActionItem, who: str, now: int) -> ActionItem:
    """Adds an item to the incident's postmortem and gives it with its id.

    Raises `UnknownPostmortemError`, or `PostmortemError` that names a bad field.
    """
    ensure_person(who)
    item = _ended(_trimmed(item), now)
    ensure_item(item)
    query = select(_p.c.id).where(_p.c.incident_id == incident)
    postmortem = session.execute(query).scalar() if _is_id(incident) else None
    if postmortem is None:
        raise UnknownPostmortemError(
            f"incident {incident} has no postmortem; one is drafted when an incident resolves"
        )
    row = {name: getattr(item, name) for name in CHANGEABLE}
    row |= {
        "postmortem_id": postmortem,
        "created_at": now,
        "done_at": item.done_at,
        "version": 1,
    }
    number: int = session.execute(insert(_a).values(row).returning(_a.c.id)).scalar_one()
    detail = {"item": number, **{name: row[name] for name in CHANGEABLE}}
    new = {name: row[name] for name in CHANGEABLE}
    audit.add(session, now, who, "action-item-add", f"incident/{incident}", detail, new=new)
    return ensure_one(session, number)


def change(
    session: Session, item_id: int, changes: Mapping[str, Any], version: int, who: str, now: int
) -> ActionItem:
    """Sets some fields of an item, if `version` is still its newest; gives it as it is then.

    Raises `UnknownPostmortemError`, or `PostmortemError` that names a bad field, tells that
    somebody else changed it meanwhile, or that a published postmortem that is
    required would be left without an item of priority P0.
    """
    ensure_person(who)
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise PostmortemError(f"{unknown[0]}: cannot be set; one of {', '.join(CHANGEABLE)}")
    hold(session, ensure_one(session, item_id).incident)
    found = ensure_one(session, item_id)
    if version != found.version:
        raise ItemChangedError(found, version)
    wanted = _ended(_trimmed(replace(found, **changes)), now)
    ensure_item(wanted)
    _ensure_still_answered(session, found, wanted)
    values = {name: getattr(wanted, name) for name in CHANGEABLE}
    session.execute(
        update(_a)
        .where(_a.c.id == item_id)
        .values({**values, "done_at": wanted.done_at, "version": version + 1})
    )
    differing = {n: values[n] for n in CHANGEABLE if values[n] != getattr(found, n)}
    detail = {"item": item_id, **differing}
    subject = f"incident/{found.incident}"
    old = {name: getattr(found, name) for name in differing}
    audit.add(session, now, who, "action-item-change", subject, detail, old=old, new=differing)
    return ensure_one(session, item_id)


class ItemChangedError(PostmortemError):
    """Somebody else changed the item meanwhile; `item` is as it is now."""

    def __init__(self, item: ActionItem, version: int) -> None:
        super().__init__(
            f"version: action item {item.id} is at version {item.version}, not {version}: somebody"
            " changed it meanwhile; look at it and set it again"
        )
        self.item = item


def hold(session: Session, incident: int) -> None:
    """Keeps others from publishing this postmortem, or changing its items, until we are done."""
    if _is_id(incident):
        session.execute(select(_p.c.id).where(_p.c.incident_id == incident).with_for_update())


def of(session: Session, incident: int) -> list[ActionItem]:
    """The items of one postmortem, in the order in which they were added."""
    query = _items().where(_p.c.incident_id == incident).order_by(_a.c.id)
    return [_item(row) for row in session.execute(query)]


def listed(
    session: Session, now: float, *, owner: str | None = None, overdue: bool = False
) -> list[ActionItem]:
    """The items of all postmortems, overdue ones first, then by due date and priority.

    `owner` narrows to one owner's, `overdue` to those whose day is over.
    """
    query = _items()
    if owner is not None:
        query = query.where(_a.c.owner == owner)
    found = in_order((_item(row) for row in session.execute(query)), now)
    return [item for item in found if item.is_overdue(now)] if overdue else found


def ensure_one(session: Session, item_id: int) -> ActionItem:
    """One item; raises `UnknownPostmortemError` if there is none."""
    query = _items().where(_a.c.id == item_id)
    row = session.execute(query).first() if _is_id(item_id) else None
    if row is None:
        raise UnknownPostmortemError(
            f"there is no action item {item_id}; `slo postmortem items` lists all"
        )
    return _item(row)


def _is_id(number: int) -> bool:
    """Whether a row may have this number; SQLite cannot even look for a larger one."""
    return 0 < number < BIGGEST_ID


def _items() -> Select[Any]:
    return select(
        _a.c.text,
        _a.c.kind,
        _a.c.owner,
        _a.c.priority,
        _a.c.due,
        _a.c.state,
        _a.c.id,
        _p.c.incident_id,
        _a.c.created_at,
        _a.c.done_at,
        _a.c.version,
        _p.c.title,
    ).join(_p, _p.c.id == _a.c.postmortem_id)


def _item(row: Any) -> ActionItem:
    return ActionItem(*row)


def _trimmed(item: ActionItem) -> ActionItem:
    return replace(item, text=item.text.strip(), owner=item.owner.strip(), due=item.due or None)


def _ended(item: ActionItem, now: int) -> ActionItem:
    """The item with the instant at which it was done, or without."""
    if item.left:
        return replace(item, done_at=None)
    return replace(item, done_at=now) if item.done_at is None else item


def _ensure_still_answered(session: Session, before: ActionItem, after: ActionItem) -> None:
    columns = (_p.c.status, _p.c.required, _p.c.required_why)
    query = select(*columns).where(_p.c.incident_id == before.incident)
    status, required, why = session.execute(query).one()
    if status == "published" and required and before.priority == "P0":
        others = [item for item in of(session, before.incident) if item.id != before.id]
        ensure_answered(required=required, why=why, items=[*others, after])
