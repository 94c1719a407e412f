"""The page docs/api.md: every operation of the API, as the API's own document tells it.

`python -m slo.web.api.document > docs/api.md` writes it anew.
"""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from slo.web import app as _app  # noqa: F401 -- declares all operations.
from slo.web.api.openapi import path_of
from slo.web.api.operation import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from slo.web.api.operation import Operation

_HEAD = """\
# The JSON API

Everything that the pages show and do. `python -m slo.web.api.document` writes this page; the same
for machines is `GET /api/v1/openapi.json` (OpenAPI 3.1), of which clients can be made:

```sh
API=http://localhost:8000/api/v1
curl -s $API/slos | jq -r '.slos[] | [.slo, .state, .budget.remaining] | @tsv'
curl -s -H "Authorization: Bearer $TOKEN" "$API/incidents?status=open"
curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"scope": "fraud-model", "until": "2h", "why": "a migration"}' $API/silences
```

- **Who asks.** Where the site has a login, send a token as `Authorization: Bearer ...`
  ([access](access.md)). What each operation asks for is said with it; `GET /api/v1/identity` tells
  what a token may do. Changes are audited under the
  name of the token or user; without a login under `who`, or else as `api`.
- **Times** are RFC 3339 in UTC in answers. A request may also say epoch seconds, a day, and where
  it looks back a duration (`7d`).
- **Numbers that do not exist** are `null`. Answers may get further keys; none goes.
- **Bodies** are JSON objects with `Content-Type: application/json`. Keys and parameters that are
  not known are refused, as are those given twice.
- **Errors** are problem details (RFC 9457, `application/problem+json`): `status`, `title`, `detail`
  with what is wrong and what to do, and `errors`, which has every fault with its place:

  ```json
  {"type": "about:blank", "title": "Bad Request", "status": 400, "instance": "/api/v1/alerts",
   "detail": "limit: '0' must be a whole number from 1 to 1000",
   "errors": [{"at": "query.limit", "text": "'0' must be a whole number from 1 to 1000"}]}
  ```

  An id that there is not is 404 with what is `near`, a login that is missing 401, what one may not
  do 403, what contradicts what is there 409, a body that is too large 413, one that is no JSON 415,
  a name that the site does not have 421, a fault of the service 500, a store that is away, or
  cannot be changed just now, 503.
- **Lists that grow** are given by the hundred, or by `limit`, and have `next` (and a `Link` header
  with `rel="next"`) while there is more: send it as `cursor` with the same query. What is added
  meanwhile neither repeats nor hides anything. A cursor of another query is refused. Only SLOs and
  services, which slo.yaml keeps in bounds, come all at once unless there is a `limit`.
- **ETag.** Answers to `GET` have one. Send it as `If-None-Match` and get 304 while nothing changed;
  the clock alone is no change. A postmortem and an action item can be written over the ETag that
  was read, by `If-Match`: 412 says that it has changed since, 428 that neither it nor `version` was
  said.
- `HEAD` works wherever `GET` does; any other method is 405 with `Allow`.
"""
_PERMISSIONS = {
    "public": "nothing: everybody may",
    "status": "`status`, which slo.yaml can make public",
}


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    ordered = sorted(OPERATIONS, key=lambda one: (one.tag, path_of(one), one.method))
    for tag, found in groupby(ordered, key=lambda one: one.tag):
        parts.append(f"## {tag.replace('_', ' ').capitalize()}\n")
        parts += ["\n".join(_lines(one)) for one in found]
    return "\n".join(parts)


def _lines(one: Operation) -> Iterator[str]:
    asks = _PERMISSIONS.get(one.permission, f"`{one.permission}`")
    yield f"### `{one.method} {path_of(one)}`\n"
    yield f"{one.summary} Asks for {asks}.\n"
    if one.description:
        yield f"{one.description}\n"
    for word, model in (("parameter", one.query), ("key of the body", one.body)):
        if model is not None and model.model_fields:
            yield f"| {word} | meaning |\n|---|---|"
            yield from _rows(model)
            yield ""
    if one.media is not None:
        yield f"Gives `{one.media}`.\n"
    elif one.answer is not None and one.answer.model_fields:
        keys = ", ".join(f"`{name}`" for name in _names(one.answer))
        yield f"Gives `{one.answer.__name__}`: {keys}.\n"


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for name, field in zip(_names(model), model.model_fields.values(), strict=True):
        needed = " (needed)" if field.is_required() else ""
        text = (field.description or "").replace("|", "\\|")
        choices = _choices(field.annotation)
        if choices:
            text += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
        yield f"| `{name}`{needed} | {text} |"


def _choices(kind: Any) -> list[str]:
    """The words that a key may be, if it is one of a few."""
    if get_origin(kind) is Literal:
        return [choice for one in get_args(kind) for choice in _choices(one) or [str(one)]]
    return [choice for one in get_args(kind) for choice in _choices(one)]


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


if __name__ == "__main__":
    sys.stdout.write(page())
