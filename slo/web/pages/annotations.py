"""Annotations from pages: a form marks the timeline, another takes a mark off."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.exceptions import NotFound

from slo import annotating
from slo.domain.instant import InstantError, parse_instant
from slo.domain.refusal import RefusedError
from slo.domain.scope import EVERYTHING
from slo.sent import LARGEST_ID, known_ids
from slo.store import annotations as kept_annotations
from slo.store.engine import reading, writing
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.links import service_url, slo_url
from slo.web.pages.refused import in_words
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.annotation import Annotation

blueprint = Blueprint("annotation_pages", __name__)

_PAGE = "page"
_FIELDS = ("kind", "scope", "title", "version", "url", "at", "end", "text", "who")
_LONGEST = 400
_LABELS = {
    "kind": "Kind",
    "scope": "What",
    "title": "Title",
    "labels": "Version",
    "url": "Link",
    "at": "At",
    "end": "End",
    "text": "Text",
    "who": "Your name",
}
"""What the form calls its fields."""


@blueprint.get("/annotations")
@needs("annotate")
def show_form() -> str:
    """The form, for the scope that the address names."""
    scope = request.args.get("scope", "").strip()[:_LONGEST]
    with reading(current_site().engine) as session:
        return _form(session, {"scope": scope})


@blueprint.post("/annotations")
@needs("annotate")
def add_annotation() -> Response | tuple[str, int]:
    """Marks the timeline; then the page of what was marked."""
    site = current_site()
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        with writing(site.engine) as session:
            added = annotating.annotate(
                session,
                site.settings,
                kind=typed["kind"] or "note",
                scope=typed["scope"],
                title=typed["title"],
                who=who(typed["who"], _PAGE),
                now=int(site.clock()),
                at=_instant("at", typed["at"]),
                end=_instant("end", typed["end"]),
                text=typed["text"],
                url=typed["url"],
                labels={"version": typed["version"]} if typed["version"] else {},
            )
    except RefusedError as error:
        with reading(site.engine) as session:
            return _form(session, typed, error), 400
    return _back(added.annotation)


@blueprint.get("/annotations/<int:annotation_id>/remove")
@needs("write")
def show_removal(annotation_id: int) -> str:
    """What would be taken off, and the button that does it."""
    return _removal(annotation_id)


@blueprint.post("/annotations/<int:annotation_id>/remove")
@needs("write")
def remove_annotation(annotation_id: int) -> Response | tuple[str, int]:
    """Takes a mark off the timeline; then the page of what it was about."""
    site = current_site()
    try:
        with writing(site.engine) as session:
            removed = annotating.remove(
                session,
                annotation_id,
                who=who(request.form.get("who"), _PAGE),
                now=int(site.clock()),
            )
    except RefusedError as error:
        if error.field == "id":
            raise _gone(annotation_id) from None
        return _removal(annotation_id, in_words(error, _LABELS)), 400
    return _back(removed)


def _instant(name: str, text: str) -> int | None:
    """A time of the form, None where the field is empty; without a zone it is in UTC."""
    if not text:
        return None
    try:
        return parse_instant(
            f"{text}Z" if "T" in text and len(text) == len("2026-11-20T20:00") else text
        )
    except InstantError as error:
        raise RefusedError(name, str(error)) from None


def _form(session: Session, typed: Mapping[str, str], error: RefusedError | None = None) -> str:
    """The form alone, with what was typed and what is wrong with it."""
    site = current_site()
    ids = known_ids(session, site.settings)
    services = sorted({one.partition("/")[0] for one in ids})
    scopes = [*(f"{service}/*" for service in services), *sorted(ids), EVERYTHING]
    field = "" if error is None else {"labels": "version"}.get(error.field, error.field)
    return render_template(
        "annotation.html",
        cycle=cycle_line(session, site.clock()),
        typed=typed,
        scopes=scopes,
        back=_place(typed["scope"]) if typed["scope"] in scopes else "",
        error="" if error is None else in_words(error, _LABELS),
        field=field,
    )


def _removal(annotation_id: int, error: str = "") -> str:
    site = current_site()
    with reading(site.engine) as session:
        found = kept_annotations.one(session, annotation_id) if annotation_id < LARGEST_ID else None
        if found is None:
            raise _gone(annotation_id)
        return render_template(
            "annotation_remove.html",
            cycle=cycle_line(session, site.clock()),
            annotation=found,
            back=_place(found.scope),
            error=error,
            typed_who=request.form.get("who", ""),
        )


def _gone(annotation_id: int) -> NotFound:
    return NotFound(f"There is no annotation {annotation_id}.")


def _back(found: Annotation) -> Response:
    return cast("Response", redirect(_place(found.scope), 303))


def _place(scope: str) -> str:
    """The page of a scope."""
    if scope == EVERYTHING:
        return "/"
    service, _, name = scope.partition("/")
    return service_url(service) if name in {"", EVERYTHING} else slo_url(service, name)
