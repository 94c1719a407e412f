"""Answers of the API: JSON with a tag by which clients see whether anything changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Response, request
from orjson import Fragment

from slo.status import dumps
from slo.web.api.cursor import next_link
from slo.web.problem import ProblemError

JSON = "application/json"
_CLOCK = "at"
"""The key of a list that tells when it was asked for: it is no change."""


def answer_response(result: Any, status: int = 200) -> Response:
    """What a view gave as a response; one to a reader may be 304, not modified."""
    response = result if isinstance(result, Response) else json_response(result, status)
    if request.method not in {"GET", "HEAD"} or response.status_code != 200:  # noqa: PLR2004 -- OK.
        return response
    if response.get_etag()[0] is None:
        response.add_etag()
    response.make_conditional(request)
    return response


def json_response(body: Any, status: int = 200) -> Response:
    """`body` as `application/json`, with no charset: JSON is always UTF-8.

    What was read may be kept and asked about again (its ETag), what was changed may not.
    """
    if request.method not in {"GET", "HEAD"}:
        response = Response(dumps(body), status, content_type=JSON)
        response.headers["Cache-Control"] = "no-store"
        return response
    text, tag, weak = _tagged(body)
    response = Response(text, status, content_type=JSON)
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(tag, weak=weak)
    link = next_link(body)
    if link is not None:
        response.headers["Link"] = link
    return response


def tag_of(body: Any) -> str:
    """The tag that a reader of `body` was given."""
    return _tagged(body)[1]


def ensure_match(body: Any) -> bool:
    """Whether the request says by If-Match over what it writes; refuses with 412 what is over.

    `body` is what a reader would be given now. A tag of ours that was made weak on the
    way, as compression does, counts as well.
    """
    if not request.if_match:
        return False
    if not request.if_match.contains_weak(tag_of(body)):
        raise ProblemError(
            412, "it was changed since you read it; read it again, and write over what is there"
        )
    return True


def _tagged(body: Any) -> tuple[bytes, str, bool]:
    """The JSON text, its tag, and whether that leaves the clock out."""
    if not isinstance(body, Mapping) or _CLOCK not in body:
        text = dumps(body)
        return text, hashlib.blake2b(text, digest_size=12).hexdigest(), False
    parts = {name: dumps(value) for name, value in body.items()}
    digest = hashlib.blake2b(digest_size=12)
    for name, part in parts.items():
        if name != _CLOCK:
            digest.update(part)
    text = dumps({name: Fragment(part) for name, part in parts.items()})
    return text, digest.hexdigest(), True
