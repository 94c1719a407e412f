"""The JSON API of exclusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo import sent
from slo.domain.duration import DurationError, parse_duration
from slo.domain.ledger import Exclusion as Kept
from slo.domain.refusal import RefusedError
from slo.domain.scope import in_scope
from slo.domain.span import Span
from slo.excluding.preview import preview
from slo.excluding.wanted import Wanted, add, removal, remove, wanted
from slo.recurrence import Recurrence, RecurrenceError, parse_recurrence
from slo.store.engine import reading, writing
from slo.web.api.answering import json_response
from slo.web.api.cursor import cut
from slo.web.api.exclusion_json import (
    change_json,
    exclusion_json,
    listing_json,
    schedule_json,
    span_json,
)
from slo.web.api.models.silences import (
    AddedExclusion,
    ExclusionPreview,
    ExclusionQuery,
    Exclusions,
    NewExclusion,
    Removal,
    Removed,
    ScheduleRemoval,
)
from slo.web.api.operation import PREFIX, operation
from slo.web.identity import who
from slo.web.site import current_site

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

blueprint = Blueprint("api_exclusions", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where nobody says."""


@operation(
    blueprint, "GET", "/exclusions", permission="read", query=ExclusionQuery, answer=Exclusions
)
def list_exclusions(query: ExclusionQuery) -> dict[str, Any]:
    """Lists the exclusions in force and the schedules."""
    site = current_site()
    with reading(site.engine) as session:
        chosen = None
        if query.scope is not None:
            known = sent.known_ids(session, site.settings)
            inside = sent.ensure_scope(session, site.settings, query.scope)
            chosen = [slo_id for slo_id in known if in_scope(inside, slo_id)]
        now = int(site.clock())
        body = listing_json(session, now, chosen, occurrences=query.occurrences)
    shown, more = cut(body["exclusions"], query, (str, int), lambda one: (one["start"], one["id"]))
    return body | {"exclusions": shown, "next": more}


@operation(
    blueprint,
    "POST",
    "/exclusions",
    permission="write",
    body=NewExclusion,
    answer=AddedExclusion,
    status=201,
    also={200: ExclusionPreview},
)
def add_exclusion(body: NewExclusion) -> Response | dict[str, Any]:
    """Takes a span, or the occurrences of a rule, out of budgets; `preview` only tells."""
    site = current_site()
    now = int(site.clock())
    when = _when(body)
    if body.preview:
        with reading(site.engine) as session:
            asked = _wanted(session, when, body, now)
            changes = preview(session, site.settings, now, asked.exclusions(now))
        return json_response(
            {
                "spans": [span_json(span) for span in asked.spans],
                "changes": [change_json(change) for change in changes],
            }
        )
    with writing(site.engine) as session:
        asked = _wanted(session, when, body, now)
        kept = add(session, asked, now)
    return exclusion_json(kept) if isinstance(kept, Kept) else schedule_json(kept, asked.spans, now)


@operation(
    blueprint,
    "POST",
    "/exclusions/<int:number>/remove",
    permission="write",
    body=Removal,
    answer=Removed,
)
def remove_exclusion(number: int, body: Removal) -> dict[str, Any]:
    """Lets a span count again."""
    return _removed(str(number), body, past=False)


@operation(
    blueprint,
    "POST",
    "/exclusions/schedule/<int:number>/remove",
    permission="write",
    body=ScheduleRemoval,
    answer=Removed,
)
def remove_schedule(number: int, body: ScheduleRemoval) -> dict[str, Any]:
    """Ends a recurring exclusion; its past occurrences stay out unless `past` is true."""
    return _removed(f"schedule/{number}", body, past=body.past)


def _removed(word: str, body: Removal, *, past: bool) -> dict[str, Any]:
    site = current_site()
    now = int(site.clock())
    if body.preview:
        with reading(site.engine) as session:
            gone = removal(session, word, now, past=past)
            changes = preview(session, site.settings, now, removed=gone.exclusions)
        return {"changes": [change_json(change) for change in changes]}
    with writing(site.engine) as session:
        gone = removal(session, word, now, past=past)
        remove(session, gone, who=who(body.who, _API), why=body.why, now=now)
    return {"removed": word, "exclusions": len(gone.exclusions)}


def _wanted(session: Session, when: Span | Recurrence, body: NewExclusion, now: int) -> Wanted:
    return wanted(
        session,
        current_site().settings,
        when,
        scope=body.scope,
        category=body.category,
        who=who(body.who, _API),
        why=body.why,
        now=now,
    )


def _when(body: NewExclusion) -> Span | Recurrence:
    """The span of `from` and `to`, or the recurrence of the four other keys."""
    rule = {"rrule": body.rrule, "start": body.start, "for": body.length, "zone": body.zone}
    if body.rrule is None:
        stray = [name for name, value in rule.items() if value is not None]
        if stray:
            raise RefusedError(stray[0], "goes with rrule; say rrule too, or from and to")
        return Span(_ensure_said("from", body.from_), _ensure_said("to", body.to))
    if body.from_ is not None or body.to is not None:
        raise RefusedError("rrule", "goes with start, for and zone, not with from and to")
    return _recurrence(body.rrule, body.start, body.length, body.zone)


def _recurrence(rrule: str, start: str | None, length: str | None, zone: str | None) -> Recurrence:
    for name, value in (("start", start), ("for", length), ("zone", zone)):
        if value is None:
            raise RefusedError(name, "is missing; a rule goes with start, for and zone")
    try:
        lasting = parse_duration(length or "")
        return parse_recurrence(rrule, start or "", zone or "", lasting)
    except DurationError as error:
        raise RefusedError("for", str(error)) from None
    except RecurrenceError as error:
        raise RefusedError("rrule", str(error)) from None


def _ensure_said(name: str, instant: int | None) -> int:
    if instant is None:
        raise RefusedError(name, "is missing; say from and to, or rrule, start, for and zone")
    return instant
