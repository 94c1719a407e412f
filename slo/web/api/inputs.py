"""Inputs: the query and the body of a request as validated models."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from slo.sent import LARGEST_ID, is_unicode
from slo.web.api.complaints import complaints, summary
from slo.web.api.models.base import Query
from slo.web.problem import Complaint, ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping

M = TypeVar("M", bound=BaseModel)
_NO_CHARACTER = "holds what is no character; leave it out"
_TOO_DEEP = "is nested too deeply"
_DEEPEST = 100
"""Levels of a body; what we ask for has five at most."""


def ensure_path(values: Mapping[str, Any]) -> None:
    """Refuses, with 404, numbers and names in the path that nothing can have."""
    for name, value in values.items():
        if isinstance(value, int) and value > LARGEST_ID:
            raise ProblemError(404, f"there is no {_noun(name)} with so large a number")
        if isinstance(value, str) and "\0" in value:
            raise ProblemError(404, f"there is no {_noun(name)} of such a name")


class Nothing(Query):
    """No parameters."""


def read_query(model: type[M]) -> M:
    """The parameters of the address."""
    faults: list[Complaint] = []
    given = {}
    for key, values in request.args.lists():
        given[key] = values[0]
        if len(values) > 1:
            faults.append(Complaint(f"query.{key[:80]}", "is given twice; give it once"))
        if "\0" in key or any("\0" in value for value in values):
            faults.append(Complaint(f"query.{key[:80]}", _NO_CHARACTER))
    if faults:
        raise _refusal(faults)
    try:
        return model.model_validate(given, context=_context())
    except ValidationError as error:
        raise _refusal(complaints("query", model, error)) from None


def read_body(model: type[M], most_bytes: int) -> M:
    """The JSON object that was sent."""
    if request.mimetype != "application/json":
        raise ProblemError(415, "send the body as JSON, with Content-Type: application/json")
    request.max_content_length = most_bytes
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        text = f"the body has over {most_bytes:,} bytes; send less at once"
        raise ProblemError(413, text) from None
    faults = _faults(raw)
    if faults:
        raise _refusal(faults)
    try:
        return model.model_validate_json(raw, strict=True, context=_context())
    except ValidationError as error:
        raise _refusal(complaints("body", model, error)) from None


def _faults(raw: bytes) -> list[Complaint]:
    """What pydantic would let pass: a key given twice, text that no database holds."""
    twice: list[str] = []

    def ensure_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            times = Counter(name for name, _ in pairs)
            twice.extend(key for key in made if times[key] > 1)
        return made

    try:
        sent = json.loads(raw, object_pairs_hook=ensure_once)
    except RecursionError:
        return [Complaint("body", _TOO_DEEP)]
    except ValueError:
        return [Complaint("body", "is not a JSON object")]
    found = [
        Complaint(f"body.{_printable(key[:80])}", "is given twice; give it once") for key in twice
    ]
    return found + [Complaint(*fault) for fault in dict.fromkeys(_hostile("body", sent, _DEEPEST))]


def _hostile(at: str, value: Any, levels: int) -> list[tuple[str, str]]:
    """Where there is text with a NUL or half of a surrogate pair, or more than so many levels."""
    if isinstance(value, str):
        return [(at, fault) for fault in _faults_of_text(value)]
    if levels == 0 and isinstance(value, dict | list):
        return [("body", _TOO_DEEP)]
    if isinstance(value, dict):
        named = [(f"{at}.{_printable(key[:80])}", (key, inner)) for key, inner in value.items()]
        return [
            fault
            for where, (key, inner) in named
            for fault in (*_hostile(where, key, 0), *_hostile(where, inner, levels - 1))
        ]
    if isinstance(value, list):
        return [
            fault
            for n, inner in enumerate(value)
            for fault in _hostile(f"{at}.{n}", inner, levels - 1)
        ]
    return []


def _faults_of_text(text: str) -> list[str]:
    if "\0" in text:
        return [_NO_CHARACTER]
    return [] if is_unicode(text) else ["holds half of a surrogate pair, which is no character"]


def _printable(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text


def _context() -> dict[str, Any]:
    return {"now": int(current_site().clock())}


def _refusal(found: list[Complaint] | tuple[Complaint, ...]) -> ProblemError:
    return ProblemError(400, summary(found), tuple(found))


def _noun(name: str) -> str:
    return name.removesuffix("_id").replace("_", " ")
