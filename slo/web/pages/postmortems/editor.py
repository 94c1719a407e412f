"""The editor of postmortems: a text, its preview, and what happens when two people save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, render_template, request

from slo.domain.postmortem import (
    LONGEST_BODY,
    LONGEST_TITLE,
    Conflict,
    PostmortemError,
    UnknownPostmortemError,
)
from slo.store import action_items, postmortems
from slo.store.engine import reading, writing
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.pages.postmortems.page import show_unknown
from slo.web.pages.postmortems.text_diff import differences
from slo.web.pages.postmortems.view import html_of, whole
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("editor_pages", __name__)
blueprint.register_error_handler(UnknownPostmortemError, show_unknown)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is in the editor, and over which version it is to be saved."""

    title: str
    body: str
    version: int
    who: str = ""
    older: int | None = None
    """The version that the text was taken from, where that is not the newest."""


@blueprint.get("/postmortems/<int:incident>/edit")
@needs("write")
def edit_postmortem(incident: int) -> str:
    """The editor, with the newest text; `?version=` takes an older one to go on from."""
    older = request.args.get("version", type=int)
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        about = found.about
        draft = Draft(about.title, found.body, about.version)
        if older is not None and older != about.version:
            saved = postmortems.version_of(session, incident, older)
            if saved is None:
                raise UnknownPostmortemError(
                    f"the postmortem of incident {incident} has no version {older}"
                )
            draft = Draft(saved.title, saved.body, about.version, older=older)
        return _editor(session, incident, draft)


@blueprint.post("/postmortems/<int:incident>/edit")
@needs("write")
def save_postmortem(incident: int) -> Response | str | tuple[str, int]:
    """Save, or show the text as it would look; a conflict shows both texts."""
    site = current_site()
    draft = _sent()
    if "preview" in request.form:
        with reading(site.engine) as session:
            return _editor(session, incident, draft, preview=True)
    by = who(draft.who, "")
    try:
        with writing(site.engine) as session:
            postmortems.save(
                session, incident, draft.title, draft.body, draft.version, by, int(site.clock())
            )
    except Conflict as conflict:
        with reading(site.engine) as session:
            merged = Draft(draft.title, draft.body, conflict.theirs.number, draft.who)
            return _editor(session, incident, merged, conflict=conflict), 409
    except UnknownPostmortemError:
        raise
    except PostmortemError as error:
        with reading(site.engine) as session:
            return _editor(session, incident, draft, error=str(error)), 400
    return cast("Response", redirect(f"/postmortems/{incident}", 303))


@blueprint.post("/postmortems/<int:incident>/preview")
@needs("write")
def preview_postmortem(incident: int) -> str | tuple[str, int]:
    """The text as it would look, for the editor to show beside it."""
    draft = _sent()
    if len(draft.body) > LONGEST_BODY:
        return f"The text has over {LONGEST_BODY:,} characters; shorten it.", 400
    with reading(current_site().engine) as session:
        found = postmortems.ensure_one(session, incident)
        return html_of(found, draft.body, action_items.of(session, incident))


def _sent() -> Draft:
    form = request.form
    return Draft(
        form.get("title", "").strip(),
        form.get("body", "").replace("\r\n", "\n"),
        form.get("version", 0, type=int),
        form.get("who", "").strip(),
    )


def _editor(
    session: Session,
    incident: int,
    draft: Draft,
    *,
    preview: bool = False,
    conflict: Conflict | None = None,
    error: str = "",
) -> str:
    found = postmortems.ensure_one(session, incident)
    items = action_items.of(session, incident)
    lines = []
    if conflict is not None:
        mine = f"{conflict.title}\n\n{conflict.body}"
        lines = differences(whole(conflict.theirs), mine)
    return render_template(
        "postmortem_edit.html",
        cycle=cycle_line(session, current_site().clock()),
        about=found.about,
        draft=draft,
        preview=html_of(found, draft.body, items) if preview else None,
        conflict=conflict,
        lines=lines,
        error=error,
        part=error.partition(":")[0],
        longest_title=LONGEST_TITLE,
        longest_body=LONGEST_BODY,
    )
