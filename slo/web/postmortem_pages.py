"""The pages of postmortems: the list with action items, one to read, and its editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, redirect, render_template, request
from markupsafe import Markup

from slo.domain.postmortem import (
    KINDS,
    NEXT,
    PRIORITIES,
    STATES,
    ActionItem,
    Conflict,
    PostmortemError,
    Status,
    UnknownError,
)
from slo.postmortem.export import render_body
from slo.store import action_items, postmortems
from slo.store.engine import reading, writing
from slo.web import format as fmt
from slo.web.pages import cycle_line
from slo.web.permission import needs
from slo.web.site import current_site
from slo.web.urgency import Badge

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.postmortem import ItemKind, ItemState, Postmortem, Priority

blueprint = Blueprint("postmortem_pages", __name__)

STATUSES: dict[str, Badge] = {
    "draft": Badge("amber", "\u25cb", "draft", "Still being written."),
    "review": Badge("blue", "\u25d0", "in review", "Somebody else is to read it."),
    "published": Badge("healthy", "\u2713", "published", "Read and agreed."),
}


@blueprint.errorhandler(UnknownError)
def show_unknown(error: UnknownError) -> tuple[str, int]:
    """What is asked for is not there."""
    page = render_template(
        "error.html", title="No such postmortem", text=str(error), near=[], cycle=None
    )
    return page, 404


@blueprint.get("/postmortems")
@needs("read")
def show_postmortems() -> str:
    """All postmortems, and the action items of all of them, overdue ones first."""
    site = current_site()
    now = site.clock()
    owner = request.args.get("owner", "").strip()
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        found = postmortems.listed(session)
        items = action_items.listed(session, now, owner=owner or None)
    return render_template(
        "postmortems.html",
        cycle=cycle,
        postmortems=found,
        badges=STATUSES,
        items=[(item, item.is_overdue(now)) for item in items],
        owner=owner,
    )


@blueprint.get("/postmortems/<int:incident>")
@needs("read")
def show_postmortem(incident: int) -> str:
    """One postmortem to read, with its action items."""
    with reading(current_site().engine) as session:
        return _page(session, incident)


@blueprint.get("/postmortems/<int:incident>/edit")
@needs("read")
def edit_postmortem(incident: int) -> str:
    """The editor of a postmortem."""
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        about = found.about
        return _editor(session, found, about.title, found.body, about.version)


@blueprint.post("/postmortems/<int:incident>/edit")
@needs("write")
def save_postmortem(incident: int) -> Response | str | tuple[str, int]:
    """Save, or show the text as it would look; a conflict shows both texts."""
    site = current_site()
    form = request.form
    title, body = form.get("title", "").strip(), form.get("body", "").replace("\r\n", "\n")
    version, who = form.get("version", 0, type=int), form.get("who", "").strip()
    if "preview" in form:
        with reading(site.engine) as session:
            found = postmortems.ensure_one(session, incident)
            return _editor(session, found, title, body, version, who=who, preview=True)
    try:
        with writing(site.engine) as session:
            postmortems.save(session, incident, title, body, version, who, int(site.clock()))
    except Conflict as conflict:
        with reading(site.engine) as session:
            found = postmortems.ensure_one(session, incident)
            newest = conflict.theirs.number
            return _editor(session, found, title, body, newest, who=who, conflict=conflict), 409
    except UnknownError:
        raise
    except PostmortemError as error:
        with reading(site.engine) as session:
            found = postmortems.ensure_one(session, incident)
            return _editor(session, found, title, body, version, who=who, error=str(error)), 400
    return _to(incident)


@blueprint.post("/postmortems/<int:incident>/status")
@needs("write")
def set_status(incident: int) -> Response | tuple[str, int]:
    """Move it to review, to published, or back to draft."""
    form = request.form
    to, who = form.get("status", ""), form.get("who", "").strip()
    version = form.get("version", type=int)

    def change(session: Session, now: int) -> None:
        postmortems.set_status(session, incident, cast("Status", to), who, now, version)

    return _changed(incident, change)


@blueprint.post("/postmortems/<int:incident>/items")
@needs("write")
def add_item(incident: int) -> Response | tuple[str, int]:
    """Add an action item."""
    form = request.form
    item = ActionItem(
        text=form.get("text", "").strip(),
        kind=cast("ItemKind", form.get("kind", "")),
        owner=form.get("owner", "").strip(),
        priority=cast("Priority", form.get("priority", "")),
        due=form.get("due", "").strip() or None,
    )
    who = form.get("who", "").strip()
    return _changed(
        incident, lambda session, now: action_items.add(session, incident, item, who, now)
    )


@blueprint.post("/postmortems/<int:incident>/items/<int:number>")
@needs("write")
def change_item(incident: int, number: int) -> Response | tuple[str, int]:
    """Change the state, owner, priority or due date of an action item."""
    form = request.form
    changes: dict[str, Any] = {
        "state": cast("ItemState", form.get("state", "")),
        "owner": form.get("owner", "").strip(),
        "priority": form.get("priority", ""),
        "due": form.get("due", "").strip() or None,
    }
    version, who = form.get("version", 0, type=int), form.get("who", "").strip()
    return _changed(
        incident,
        lambda session, now: action_items.change(session, number, changes, version, who, now),
    )


def _changed(incident: int, change: Any) -> Response | tuple[str, int]:
    site = current_site()
    try:
        with writing(site.engine) as session:
            change(session, int(site.clock()))
    except UnknownError:
        raise
    except (Conflict, PostmortemError) as error:
        with reading(site.engine) as session:
            return _page(session, incident, str(error)), 400
    return _to(incident)


def _to(incident: int) -> Response:
    return cast("Response", redirect(f"/postmortems/{incident}", 303))


def _page(session: Session, incident: int, error: str = "") -> str:
    now = current_site().clock()
    found = postmortems.ensure_one(session, incident)
    items = action_items.of(session, incident)
    return render_template(
        "postmortem.html",
        cycle=cycle_line(session, now),
        about=found.about,
        badge_of=STATUSES[found.about.status],
        body=_html(found, found.body, items),
        items=[(item, item.is_overdue(now)) for item in items],
        steps=NEXT[found.about.status],
        updated=fmt.stamp(found.about.updated_at),
        kinds=KINDS,
        priorities=PRIORITIES,
        states=STATES,
        error=error,
    )


def _editor(
    session: Session,
    found: Postmortem,
    title: str,
    body: str,
    version: int,
    *,
    who: str = "",
    preview: bool = False,
    conflict: Conflict | None = None,
    error: str = "",
) -> str:
    items = action_items.of(session, found.about.incident)
    return render_template(
        "postmortem_edit.html",
        cycle=cycle_line(session, current_site().clock()),
        about=found.about,
        title=title,
        body=body,
        version=version,
        who=who,
        preview=_html(found, body, items) if preview else None,
        conflict=conflict,
        error=error,
    )


def _html(found: Postmortem, body: str, items: list[ActionItem]) -> Markup:
    # `render_body` lets no HTML of people through, and makes the rest itself.
    return Markup(render_body(body, items, found.chart))  # noqa: S704 -- see above.
