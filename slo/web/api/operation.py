"""Operations of the API: a route, its permission, and the models of what goes in and out.

The OpenAPI document is made of these, so an operation that is not declared here is
not in the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Literal

from slo.web.api.answering import answer_response
from slo.web.api.inputs import Nothing, ensure_path, read_body, read_query
from slo.web.api.refusals import REFUSALS, problem_of
from slo.web.permission import needs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Blueprint, Response
    from pydantic import BaseModel

    from slo.domain.access import Permission

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
PREFIX = "/api/v1"
MOST_BYTES = 65_536
ATTRIBUTE = "slo_operation"
"""Under which the function of a route bears its operation."""
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
    media: str | None = None
    """The type of an answer that is no JSON, such as `text/markdown`."""
    description: str = ""
    """What the docstring tells after its first line."""


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
    media: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """A decorator that makes a function one operation of the API.

    The function gets the path's variables and, where they are declared, `query` and `body`
    as validated models. It gives the answer's JSON as plain values, or a whole `Response`.
    Its docstring's first line is the summary, the rest its description. What does not fit
    is a problem of status 400, which names every fault.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        head, _, rest = cleandoc(view.__doc__ or "").partition("\n")
        made = Operation(
            id=view.__name__,
            method=method,
            rule=rule,
            permission=permission,
            summary=head,
            tag=blueprint.name.removeprefix("api_"),
            status=status,
            query=query,
            body=body,
            answer=answer,
            also=also or {},
            most_bytes=most_bytes,
            media=media,
            description=rest.strip(),
        )
        OPERATIONS.append(made)

        @wraps(view)
        def run(**values: Any) -> Response:
            ensure_path(values)
            asked = read_query(query or Nothing)
            if query is not None:
                values["query"] = asked
            if body is not None:
                values["body"] = read_body(body, most_bytes)
            try:
                result = view(**values)
            except REFUSALS as refusal:
                raise problem_of(refusal) from refusal
            return answer_response(result, status)

        setattr(run, ATTRIBUTE, made)
        needs(permission)(run)
        blueprint.add_url_rule(rule, view_func=run, methods=[method])
        return run

    return decorate
