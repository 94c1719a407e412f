"""Annotations from pages: a form marks the timeline, a button takes a mark off."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import BadRequest, NotFound

from slo import annotating
from slo.domain.instant import InstantError, parse_instant
from slo.silencing import RefusedError
from slo.store.engine import writing
from slo.web.identity import who
from slo.web.links import service_url, slo_url
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.domain.annotation import Annotation

blueprint = Blueprint("annotation_pages", __name__)

_PAGE = "page"


@blueprint.post("/annotations")
@needs("annotate")
def add_annotation() -> Response:
    """Marks the timeline; then the page of what was marked."""
    site = current_site()
    form = request.form
    version = form.get("version", "").strip()
    try:
        with writing(site.engine) as session:
            added = annotating.annotate(
                session,
                site.settings,
                kind=form.get("kind", "note"),
                scope=form.get("scope", ""),
                title=form.get("title", ""),
                who=who(form.get("who"), _PAGE),
                now=int(site.clock()),
                at=_instant("at"),
                end=_instant("end"),
                text=form.get("text", ""),
                url=form.get("url", ""),
                labels={"version": version} if version else {},
            )
    except RefusedError as error:
        raise BadRequest(f"{error.field}: {error}") from None
    return _back(added.annotation)


@blueprint.post("/annotations/<int:annotation_id>/remove")
@needs("write")
def remove_annotation(annotation_id: int) -> Response:
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
            raise NotFound from None
        raise BadRequest(f"{error.field}: {error}") from None
    return _back(removed)


def _instant(name: str) -> int | None:
    """A time of the form, None where the field is empty; without a zone it is in UTC."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        return parse_instant(
            f"{text}Z" if "T" in text and len(text) == len("2026-11-20T20:00") else text
        )
    except InstantError as error:
        raise BadRequest(f"{name}: {error}") from None


def _back(found: Annotation) -> Response:
    service, _, name = found.scope.partition("/")
    there = slo_url(service, name) if name not in {"", "*"} else service_url(service)
    return cast("Response", redirect("/" if found.scope == "*" else there, 303))
