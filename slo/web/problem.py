"""Problems: errors of the API as RFC 9457 problem details."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, request

from slo.status import dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One fault of a request: where (`body.scope`, `query.limit`), and what with its remedy."""

    at: str
    text: str


class ProblemError(Exception):
    """A request that the API refuses; `detail` says why and what to do instead."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[Complaint, ...] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.members = members
        """Further members of the problem, such as `near`."""


def problem_response(error: ProblemError) -> Response:
    """The response that tells of `error`."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "instance": request.path,
        **error.members,
    }
    if error.errors:
        body["errors"] = [{"at": e.at, "text": e.text} for e in error.errors]
    response = Response(dumps(body), error.status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(error.headers)
    return response


def refusal(part: str, field: str, text: str) -> ProblemError:
    """The problem that one field of a request's `part` (`body`, `query`) is refused."""
    return ProblemError(400, f"{field}: {text}", (Complaint(f"{part}.{field}", text),))
