"""The JSON API of action items."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from slo.domain.postmortem import ActionItem as Item
from slo.domain.postmortem import place
from slo.postmortem.report import item_json
from slo.store import action_items
from slo.store.engine import reading, writing
from slo.web.api.answering import ensure_match
from slo.web.api.cursor import cut
from slo.web.api.models.postmortems import (
    ActionItem,
    ActionItems,
    ItemChange,
    ItemConflict,
    ItemQuery,
    NewItem,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.api.postmortems import UNSAID
from slo.web.identity import who
from slo.web.problem import ProblemError
from slo.web.site import current_site

blueprint = Blueprint("api_action_items", __name__, url_prefix=PREFIX)

_API = "api"
_SAID = {"who", "version"}


@operation(
    blueprint,
    "POST",
    "/postmortems/<int:incident>/items",
    permission="write",
    body=NewItem,
    answer=ActionItem,
    status=201,
)
def add_item(incident: int, body: NewItem) -> dict[str, Any]:
    """Adds an action item to a postmortem."""
    now = int(current_site().clock())
    wanted = Item(**body.model_dump(exclude={"who"}))
    with writing(current_site().engine) as session:
        item = action_items.add(session, incident, wanted, who(body.who, _API), now)
    return item_json(item, now)


@operation(
    blueprint, "GET", "/action-items", permission="read", query=ItemQuery, answer=ActionItems
)
def list_items(query: ItemQuery) -> dict[str, Any]:
    """Lists the items of all postmortems, overdue ones first."""
    now = current_site().clock()
    with reading(current_site().engine) as session:
        found = action_items.listed(session, now, owner=query.owner, overdue=query.overdue)
    kinds = (bool, bool, bool, str, str, int)
    shown, more = cut(found, query, kinds, lambda item: place(item, now))
    return {"items": [item_json(item, now) for item in shown], "next": more}


@operation(blueprint, "GET", "/action-items/<int:item_id>", permission="read", answer=ActionItem)
def show_item(item_id: int) -> dict[str, Any]:
    """Gives one action item."""
    with reading(current_site().engine) as session:
        item = action_items.ensure_one(session, item_id)
    return item_json(item, current_site().clock())


@operation(
    blueprint,
    "PATCH",
    "/action-items/<int:item_id>",
    permission="write",
    body=ItemChange,
    answer=ActionItem,
    also={
        409: ItemConflict,
        412: "What was read has changed since.",
        428: "Neither `version` nor If-Match is said.",
    },
)
def change_item(item_id: int, body: ItemChange) -> dict[str, Any]:
    """Sets the fields that are given, over the version that was read."""
    now = int(current_site().clock())
    with writing(current_site().engine) as session:
        version = body.version
        found = action_items.ensure_one(session, item_id)
        if ensure_match(item_json(found, now)) and version is None:
            version = found.version
        if version is None:
            raise ProblemError(428, UNSAID)
        changes = body.model_dump(exclude=_SAID, exclude_unset=True)
        person = who(body.who, _API)
        item = action_items.change(session, item_id, changes, version, person, now)
    return item_json(item, now)
