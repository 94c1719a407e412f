"""The JSON API of silences and exclusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from slo import silencing
from slo.domain.duration import DurationError, parse_duration
from slo.domain.instant import InstantError, parse_instant
from slo.domain.ledger import Exclusion
from slo.domain.scope import in_scope
from slo.domain.span import Span
from slo.excluding.preview import preview
from slo.excluding.wanted import Wanted, add, removal, remove, wanted
from slo.recurrence import Recurrence, RecurrenceError, parse_recurrence
from slo.silencing import RefusedError, silence_json
from slo.store import silences
from slo.store.engine import reading, writing
from slo.web.bodies import sent, switch
from slo.web.exclusion_json import (
    change_json,
    exclusion_json,
    listing_json,
    schedule_json,
    span_json,
)
from slo.web.operation import PREFIX, json_response
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

blueprint = Blueprint("api_silences", __name__, url_prefix=PREFIX)

_API = "api"
"""Who did it where the body does not say."""
_TIME = (str, int)
_RECURRING = ("rrule", "start", "for", "zone")


@blueprint.errorhandler(RefusedError)
def _show_refusal(error: RefusedError) -> Response:
    status = 404 if error.field == "id" else 400
    return json_response({"error": f"{error.field}: {error}"}, status)


@blueprint.get("/silences")
@needs("read")
def list_silences() -> Response:
    """The silences that run or are to come; with `?all=true` the newest 200, ended ones too."""
    site = current_site()
    now = site.clock()
    every = switch("all")
    with reading(site.engine) as session:
        found = silences.latest(session) if every else silences.of(session, now)
    return json_response({"silences": [silence_json(one, now) for one in found]})


@blueprint.post("/silences")
@needs("write")
def add_silence() -> Response:
    """Mutes the notifications of a scope until a time."""
    body = sent(
        {"scope": str, "until": _TIME, "why": str}, {"who": str, "labels": dict, "all": bool}
    )
    site = current_site()
    now = int(site.clock())
    with writing(site.engine) as session:
        found = silencing.silence(
            session,
            site.settings,
            scope=body["scope"],
            until=str(body["until"]),
            who=body.get("who", _API),
            why=body["why"],
            now=now,
            labels=_labels(body.get("labels", {})),
            everything=body.get("all", False),
        )
    return json_response(silence_json(found, now), 201)


@blueprint.post("/silences/<int:silence_id>/end")
@needs("write")
def end_silence(silence_id: int) -> Response:
    """Ends a silence before its time."""
    body = sent({"why": str}, {"who": str})
    site = current_site()
    now = int(site.clock())
    with writing(site.engine) as session:
        ended = silencing.end(
            session, silence_id, who=body.get("who", _API), why=body["why"], now=now
        )
    return json_response(silence_json(ended, now))


@blueprint.get("/exclusions")
@needs("read")
def list_exclusions() -> Response:
    """The exclusions and schedules; `?scope=` narrows, `?occurrences=true` lists each one."""
    site = current_site()
    every = switch("occurrences")
    scope = request.args.get("scope")
    with reading(site.engine) as session:
        chosen = None
        if scope is not None:
            known = silencing.known_ids(session, site.settings)
            inside = silencing.ensure_scope(session, site.settings, scope)
            chosen = [slo_id for slo_id in known if in_scope(inside, slo_id)]
        body = listing_json(session, int(site.clock()), chosen, occurrences=every)
    return json_response(body)


@blueprint.post("/exclusions")
@needs("write")
def add_exclusion() -> Response:
    """Takes a span, or the occurrences of a rule, out of budgets; `preview` only tells."""
    body = sent(
        {"scope": str, "category": str, "why": str},
        {
            "who": str,
            "preview": bool,
            "from": _TIME,
            "to": _TIME,
            **dict.fromkeys(_RECURRING, str),
        },
    )
    site = current_site()
    now = int(site.clock())
    when = _when(body)
    if body.get("preview", False):
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
    if isinstance(kept, Exclusion):
        return json_response(exclusion_json(kept), 201)
    return json_response(schedule_json(kept, asked.spans, now), 201)


@blueprint.post("/exclusions/<int:number>/remove")
@needs("write")
def remove_exclusion(number: int) -> Response:
    """Lets a span count again."""
    return _removed(str(number), sent({"why": str}, {"who": str, "preview": bool}))


@blueprint.post("/exclusions/schedule/<int:number>/remove")
@needs("write")
def remove_schedule(number: int) -> Response:
    """Ends a recurring exclusion; its past occurrences stay out unless `past` is true."""
    body = sent({"why": str}, {"who": str, "preview": bool, "past": bool})
    return _removed(f"schedule/{number}", body)


def _removed(word: str, body: dict[str, Any]) -> Response:
    site = current_site()
    now = int(site.clock())
    past = body.get("past", False)
    if body.get("preview", False):
        with reading(site.engine) as session:
            gone = removal(session, word, now, past=past)
            changes = preview(session, site.settings, now, removed=gone.exclusions)
        return json_response({"changes": [change_json(change) for change in changes]})
    with writing(site.engine) as session:
        gone = removal(session, word, now, past=past)
        remove(session, gone, who=body.get("who", _API), why=body["why"], now=now)
    return json_response({"removed": word, "exclusions": len(gone.exclusions)})


def _wanted(session: Session, when: Span | Recurrence, body: dict[str, Any], now: int) -> Wanted:
    return wanted(
        session,
        current_site().settings,
        when,
        scope=body["scope"],
        category=body["category"],
        who=body.get("who", _API),
        why=body["why"],
        now=now,
    )


def _when(body: dict[str, Any]) -> Span | Recurrence:
    """The span of `from` and `to`, or the recurrence of the four other keys."""
    if "rrule" not in body:
        stray = [name for name in _RECURRING if name in body]
        if stray:
            raise RefusedError(stray[0], "goes with rrule; say rrule too, or from and to")
        return Span(_instant(body, "from"), _instant(body, "to"))
    if "from" in body or "to" in body:
        raise RefusedError("rrule", "goes with start, for and zone, not with from and to")
    for name in _RECURRING:
        if name not in body:
            raise RefusedError(name, "is missing; a rule goes with start, for and zone")
    try:
        length = parse_duration(body["for"])
        return parse_recurrence(body["rrule"], body["start"], body["zone"], length)
    except DurationError as error:
        raise RefusedError("for", str(error)) from None
    except RecurrenceError as error:
        raise RefusedError("rrule", str(error)) from None


def _instant(body: dict[str, Any], name: str) -> int:
    if name not in body:
        raise RefusedError(name, "is missing; say from and to, or rrule, start, for and zone")
    try:
        return parse_instant(str(body[name]))
    except InstantError as error:
        raise RefusedError(name, str(error)) from None


def _labels(body: dict[str, Any]) -> list[tuple[str, str]]:
    for name, value in body.items():
        if not isinstance(value, str):
            raise RefusedError("labels", f"the value of {name[:80]!r} must be text")
    return list(body.items())
