"""The JSON API of annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from slo import annotating
from slo.annotating import annotation_json
from slo.sent import ensure_scope
from slo.store import annotations as kept_annotations
from slo.store.engine import reading, writing
from slo.web.api.answering import json_response
from slo.web.api.cursor import make_cursor, page_of, read_cursor
from slo.web.api.models.annotation import (
    AnnotationAnswer,
    AnnotationChange,
    AnnotationListAnswer,
    AnnotationQuery,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.annotation import Annotation

blueprint = Blueprint("api_annotations", __name__, url_prefix=PREFIX)

_API = "api"


@operation(
    blueprint,
    "POST",
    "/annotations",
    permission="annotate",
    body=AnnotationChange,
    answer=AnnotationAnswer,
    status=201,
    also={
        200: AnnotationAnswer,
        409: "The key belongs to an annotation with other content.",
    },
)
def add_annotation(body: AnnotationChange) -> Response:
    """Marks the timeline: a deploy, a change of configuration, an experiment, a note."""
    site = current_site()
    with writing(site.engine) as session:
        added = annotating.annotate(
            session,
            site.settings,
            kind=body.kind,
            scope=body.scope,
            title=body.title,
            who=who(body.who, _API),
            now=int(site.clock()),
            at=body.at,
            end=body.end,
            text=body.text,
            url=body.url,
            labels=body.labels,
            key=body.key,
        )
    return json_response(annotation_json(added.annotation), 201 if added.new else 200)


@operation(
    blueprint,
    "GET",
    "/annotations",
    permission="read",
    query=AnnotationQuery,
    answer=AnnotationListAnswer,
)
def list_annotations(query: AnnotationQuery) -> dict[str, Any]:
    """The annotations that fit, newest first."""
    site = current_site()
    before = read_cursor(query.cursor, int, int)
    with reading(site.engine) as session:
        scope = query.scope and ensure_scope(session, site.settings, query.scope)
        found: Sequence[Annotation] = kept_annotations.listed(
            session,
            since=query.start,
            until=query.to,
            scope=scope,
            kind=query.kind,
            before=before,
            limit=query.limit + 1,
        )
    page, more = page_of(found, query.limit)
    return {
        "annotations": [annotation_json(one) for one in page],
        "next": make_cursor(page[-1].at, page[-1].id) if more else None,
    }


@operation(
    blueprint,
    "DELETE",
    "/annotations/<int:annotation_id>",
    permission="write",
    answer=AnnotationAnswer,
    also={404: "There is no such annotation, or it was removed."},
)
def remove_annotation(annotation_id: int) -> dict[str, Any]:
    """Takes an annotation off the timeline; the audit keeps it."""
    site = current_site()
    with writing(site.engine) as session:
        removed = annotating.remove(
            session, annotation_id, who=who(None, _API), now=int(site.clock())
        )
    return annotation_json(removed)
