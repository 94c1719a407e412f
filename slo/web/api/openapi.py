"""The OpenAPI document of the API, made of its operations and their models."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

import slo
from slo.sent import LARGEST_ID
from slo.web.api.models.base import Answer
from slo.web.api.models.paths import PATHS
from slo.web.api.models.problem import Problem
from slo.web.api.operation import OPERATIONS, PREFIX, Operation, operation
from slo.web.problem import MEDIA_TYPE
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

blueprint = Blueprint("api_document", __name__, url_prefix=PREFIX)

_VARIABLE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_REF = "#/components/schemas/{model}"
_JSON = "application/json"
_ABOUT = (
    "Exact SLOs and error budgets for services on Prometheus. Every number is read from the"
    " store as the last cycle left it; no request asks Prometheus. Errors are problem details"
    " (RFC 9457) with every fault and its remedy. Lists that grow give `next`, which goes on as"
    " `cursor`. Answers have an ETag: ask with If-None-Match and get 304 while nothing changed."
    " Clients must bear keys that they do not know."
)
_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of this site; asked for where the site has a login.",
    }
}


class Document(Answer):
    """An OpenAPI document."""

    openapi: str = Field(description="The version of OpenAPI.")
    info: dict[str, Any] = Field(description="What this is.")
    servers: list[dict[str, Any]] = Field(description="Where it is served.")
    tags: list[dict[str, Any]] = Field(description="The nouns of the API.")
    paths: dict[str, Any] = Field(description="The operations.")
    components: dict[str, Any] = Field(description="The models.")


@operation(blueprint, "GET", "/openapi.json", permission="public", answer=Document)
def show_document() -> dict[str, Any]:
    """Gives this document."""
    return _of_site(current_site().settings.url)


@cache
def _of_site(url: str) -> dict[str, Any]:
    """The whole document, made once: all may ask for it, and making it takes long."""
    return document(OPERATIONS, url)


def document(operations: Iterable[Operation], url: str = "") -> dict[str, Any]:
    """The document of these operations, which are served at `url`."""
    known = list(operations)
    schemas = _schemas(known)
    paths: dict[str, Any] = {}
    for one in known:
        there = paths.setdefault(path_of(one), {})
        there[one.method.lower()] = _operation(one, schemas)
    inputs = {one.query.__name__ for one in known if one.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SLO Ledger",
            "version": slo.__version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url or "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in known)],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: one for name, one in schemas.items() if name not in inputs},
            "securitySchemes": _SECURITY,
        },
    }


def path_of(one: Operation) -> str:
    """The path as OpenAPI writes it: `/api/v1/incidents/{incident}`."""
    return PREFIX + _VARIABLE.sub(r"{\2}", one.rule)


def variables_of(one: Operation) -> list[tuple[str, str]]:
    """The variables of the path: name and kind, which is `int` or empty."""
    return [(name, kind) for kind, name in _VARIABLE.findall(one.rule)]


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """The schemas of all models by name."""
    models: dict[type[BaseModel], None] = {Problem: None}
    for one in operations:
        answers = (model for model in one.also.values() if not isinstance(model, str))
        for model in (one.query, one.body, one.answer, *answers):
            if model is not None:
                models[model] = None
    _, made = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    found: dict[str, Any] = made["$defs"]
    return dict(sorted(found.items()))


def _operation(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.id,
        "tags": [one.tag],
        "summary": one.summary,
        "parameters": [*map(_path_parameter, variables_of(one)), *_query(one, schemas)],
        "responses": {str(status): said for status, said in sorted(_responses(one).items())},
        "security": [{}] if one.permission == "public" else [{"bearer": []}, {}],
    }
    asks = "Everybody may ask for it." if one.permission == "public" else _asks(one)
    made["description"] = f"{one.description}\n\n{asks}" if one.description else asks
    if one.body is not None:
        content = {_JSON: {"schema": _ref(one.body)}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _asks(one: Operation) -> str:
    return f"Asks for the permission `{one.permission}`, where the site has a login."


def _path_parameter(variable: tuple[str, str]) -> dict[str, Any]:
    name, kind = variable
    text: dict[str, Any] = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PATHS.get(name, ""),
        "schema": number if kind == "int" else text,
    }


def _query(one: Operation, schemas: Mapping[str, Any]) -> list[dict[str, Any]]:
    if one.query is None:
        return []
    model = schemas[one.query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in model.get("required", ()),
            "description": schema.get("description", ""),
            "schema": _plain(schema),
        }
        for name, schema in model.get("properties", {}).items()
    ]


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's schema: it cannot be null, and its description stands beside it."""
    kept = {key: value for key, value in schema.items() if key not in {"description", "title"}}
    if kept.get("default", "") is None:
        del kept["default"]
    choices = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if "anyOf" in kept:
        kept["anyOf"] = choices
    if len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
    return kept


def _responses(one: Operation) -> dict[int, dict[str, Any]]:
    made = {one.status: _answer(one)}
    if one.method == "GET":
        made[304] = {"description": "Not modified: what If-None-Match names still holds."}
    for status, text in _problems(one).items():
        made[status] = _problem(text, Problem)
    for status, said in one.also.items():
        if isinstance(said, str):
            made[status] = _problem(said, Problem)
        elif issubclass(said, Problem):
            made[status] = _problem((said.__doc__ or "").partition("\n")[0], said)
        else:
            made[status] = _either(_content(said), made.get(status))
    if 401 in made:  # noqa: PLR2004 -- Unauthorized.
        made[401]["headers"] = {"WWW-Authenticate": _header("How to say who asks: `Bearer`.")}
    return made


def _either(answer: dict[str, Any], problem: dict[str, Any] | None) -> dict[str, Any]:
    """An answer of its own at a status at which there may be a problem, too."""
    if problem is None:
        return answer
    described = f"{answer['description']} As a problem: {problem['description']}"
    return {"description": described, "content": {**answer["content"], **problem["content"]}}


def _answer(one: Operation) -> dict[str, Any]:
    if one.media is not None:
        content = {one.media: {"schema": {"type": "string"}}}
        made: dict[str, Any] = {"description": one.summary, "content": content}
    elif one.answer is None:
        made = {"description": "Done."}
    else:
        made = _content(one.answer)
    if one.method == "GET":
        made["headers"] = {"ETag": _header("Changes when the answer does; for If-None-Match.")}
        if one.query is not None and "cursor" in one.query.model_fields:
            made["headers"]["Link"] = _header("Where the list goes on, as `rel=next`.")
    return made


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _problems(one: Operation) -> dict[int, str]:
    """The problems that come of what an operation takes."""
    made = {
        400: "The request does not fit; every fault is told.",
        421: "The site has no such name; slo.yaml says which it has.",
        500: "Something is wrong with the service itself; its log says what.",
        503: "The store is away.",
    }
    if one.permission != "public":
        made[401] = "The site has a login, and nobody is logged in."
    if one.permission != "public" or one.method != "GET":
        made[403] = "This may not be done by who asks, or was asked for by another site's page."
    if "<" in one.rule:
        made[404] = "There is no such thing."
    if one.body is not None:
        made[413] = f"The body has over {one.most_bytes:,} bytes."
        made[415] = "The body is not sent as application/json."
    return made


def _content(model: type[BaseModel]) -> dict[str, Any]:
    text = (model.__doc__ or "").strip().partition("\n")[0]
    return {"description": text, "content": {_JSON: {"schema": _ref(model)}}}


def _problem(text: str, model: type[BaseModel]) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": _ref(model)}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
