"""Operations of the API: a route, its permission, and the models of what goes in and out.

The OpenAPI document is made of these, so an operation that is not declared here is
not in the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal

from flask import Response, request
from pydantic import BaseModel, ValidationError

from slo.status import dumps
from slo.web.permission import needs
from slo.web.problem import Complaint, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Blueprint

    from slo.domain.access import Permission

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
PREFIX = "/api/v1"
MOST_BYTES = 65_536
OPERATIONS: list[Operation] = []
"""All operations, in the order in which their modules were imported."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `query` and `body` are models of the input, `answer` of the output."""

    id: str
    method: Method
    rule: str
    """As Flask writes it, without the prefix: `/incidents/<int:incident>`."""
    permission: Permission
    summary: str
    tag: str
    status: int
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    also: Mapping[int, type[BaseModel] | str] = field(default_factory=dict)
    """Further statuses: a model, or a sentence for a problem."""
    most_bytes: int = MOST_BYTES


def operation(
    blueprint: Blueprint,
    method: Method,
    rule: str,
    *,
    permission: Permission,
    answer: type[BaseModel] | None,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    status: int = 200,
    also: Mapping[int, type[BaseModel] | str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """A decorator that makes a function one operation of the API.

    The function gets the path's variables and, where they are declared, `query` and `body`
    as validated models. It gives the answer's JSON as plain values, or a whole `Response`.
    Its docstring's first line is the summary. What does not fit is a problem of status 400,
    which names every fault.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        made = Operation(
            id=view.__name__,
            method=method,
            rule=rule,
            permission=permission,
            summary=(view.__doc__ or "").strip().partition("\n")[0],
            tag=blueprint.name.removeprefix("api_"),
            status=status,
            query=query,
            body=body,
            answer=answer,
            also=also or {},
            most_bytes=most_bytes,
        )
        OPERATIONS.append(made)

        @wraps(view)
        def run(**values: Any) -> Response:
            if query is not None:
                values["query"] = _query(query)
            if body is not None:
                values["body"] = _body(body, most_bytes)
            result = view(**values)
            return result if isinstance(result, Response) else json_response(result, status)

        needs(permission)(run)
        blueprint.add_url_rule(rule, view_func=run, methods=[method])
        return run

    return decorate


def json_response(body: Any, status: int = 200) -> Response:
    """`body` as `application/json`, with no charset: JSON is always UTF-8."""
    response = Response(dumps(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _query(model: type[BaseModel]) -> BaseModel:
    given = {key: values[-1] for key, values in request.args.lists()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refusal("query", error) from None


def _body(model: type[BaseModel], most_bytes: int) -> BaseModel:
    if request.mimetype != "application/json":
        raise ProblemError(415, "send the body as JSON, with Content-Type: application/json")
    request.max_content_length = most_bytes
    try:
        return model.model_validate_json(request.get_data(), strict=True)
    except ValidationError as error:
        raise _refusal("body", error) from None


def _refusal(part: str, error: ValidationError) -> ProblemError:
    errors = tuple(
        Complaint(".".join(map(str, (part, *found["loc"]))), found["msg"])
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return ProblemError(400, "; ".join(f"{e.at}: {e.text}" for e in errors), errors)
