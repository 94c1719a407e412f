"""Refusals: what the service's own parts refuse, as problems of the API."""

from __future__ import annotations

from typing import Any, get_args

from flask import request

from slo.annotating import KeyUsedError
from slo.domain.postmortem import Conflict, PostmortemError, UnknownPostmortemError
from slo.domain.refusal import RefusedError, UnknownError
from slo.domain.scope import ScopeError
from slo.incidents import IncidentError, UnknownIncidentError
from slo.postmortem.report import conflict_json, item_json
from slo.store.action_items import ItemChangedError
from slo.store.outbox import ResendError
from slo.web.problem import Complaint, ProblemError
from slo.web.site import current_site

Refusal = RefusedError | PostmortemError | IncidentError | ResendError | Conflict | ScopeError
REFUSALS: tuple[type[Refusal], ...] = get_args(Refusal)
_UNKNOWN = (UnknownPostmortemError, UnknownIncidentError, UnknownError)
_CONFLICTS = (Conflict, ItemChangedError, ResendError, KeyUsedError)


def problem_of(error: Refusal) -> ProblemError:
    """What the client is told: where the fault is, and what helps."""
    field, text = _field_of(error)
    status = 400
    if isinstance(error, _UNKNOWN) or field == "id":
        status = 404
    elif isinstance(error, _CONFLICTS):
        status = 409
    if not field:
        return ProblemError(status, text, **_members(error))
    part = "query" if request.method in {"GET", "HEAD"} else "body"
    at = f"path.{field}" if field == "id" else f"{part}.{field}"
    return ProblemError(status, f"{field}: {text}", (Complaint(at, text),), **_members(error))


def _field_of(error: Refusal) -> tuple[str, str]:
    """What is refused of the request, empty where it is all of it; and why."""
    if isinstance(error, RefusedError):
        return error.field, str(error)
    field, colon, text = str(error).partition(": ")
    return (field, text) if colon and field.isidentifier() else ("", str(error))


def _members(error: Refusal) -> dict[str, Any]:
    """What a conflict holds beside its words, so that nothing is lost."""
    if isinstance(error, Conflict):
        return conflict_json(error)
    if isinstance(error, ItemChangedError):
        return {"theirs": item_json(error.item, current_site().clock())}
    return {}
