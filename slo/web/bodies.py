"""What requests send: JSON objects of known keys, and switches in the query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import abort, request

from slo.silencing import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kinds = type | tuple[type, ...]
MOST_BYTES = 65_536
_KINDS: dict[Kinds, str] = {
    str: "text",
    bool: "true or false",
    dict: "an object",
    (str, int): "text or a whole number",
}


def sent(needed: Mapping[str, Kinds], optional: Mapping[str, Kinds]) -> dict[str, Any]:
    """The request's JSON object: it has the needed keys and no unknown ones, each of its kind.

    Raises `RefusedError`, whose field is the key.
    """
    if request.mimetype != "application/json":
        abort(415, "send the body as JSON, with Content-Type: application/json")
    request.max_content_length = MOST_BYTES
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise RefusedError("body", "is not a JSON object")
    known = {**needed, **optional}
    for name in body:
        if name not in known:
            raise RefusedError(repr(name[:80]), f"is unknown; there are {', '.join(known)}")
    for name, kind in known.items():
        if name not in body:
            if name in needed:
                raise RefusedError(name, "is missing")
        elif not isinstance(body[name], kind) or (isinstance(body[name], bool) and kind != bool):  # noqa: E721 -- the kind itself is compared.
            raise RefusedError(name, f"must be {_KINDS[kind]}")
    return body


def switch(name: str) -> bool:
    """A query's `?name=true`; raises `RefusedError` for what is neither true nor false."""
    value = request.args.get(name, "false")
    if value not in {"true", "false"}:
        raise RefusedError(name, f"cannot be {value[:40]!r}; true or false")
    return value == "true"
