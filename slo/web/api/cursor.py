"""Cursors: where a list goes on, as opaque text that fits one query only.

A cursor tells the key of the last thing that was listed, so what is added or goes
meanwhile neither repeats nor hides anything.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import orjson
from flask import request

from slo.sent import LARGEST_ID
from slo.web.problem import Complaint, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slo.web.api.models.base import ListQuery, WholeQuery

_NAME = "cursor"
_FREE = frozenset({_NAME, "limit"})
"""Parameters that may change while a list is read on."""
_DIGEST = 6
_LONGEST = 1000
Key = int | str
T = TypeVar("T")


def make_cursor(*position: Key) -> str:
    """The cursor after the thing with this key, for the query of this request."""
    text = orjson.dumps(position)
    return base64.urlsafe_b64encode(_digest(text) + text).decode().rstrip("=")


def read_cursor(cursor: str | None, *kinds: type[Key]) -> tuple[Any, ...] | None:
    """The key of a cursor, its parts of these kinds; None without one.

    One that was changed, or made for another query, is a problem.
    """
    if cursor is None:
        return None
    position = _read(cursor)
    if position is None or not _fits(position, kinds):
        text = "is not a cursor of this query; take `next` of a former answer, as it is"
        raise ProblemError(400, f"{_NAME}: {text}", (Complaint(f"query.{_NAME}", text),))
    return tuple(position)


def page_of(found: Sequence[Any], limit: int) -> tuple[Sequence[Any], bool]:
    """The first `limit` of what was found, and whether there is more: ask for one more."""
    return found[:limit], len(found) > limit


def cut(
    found: Iterable[T],
    query: ListQuery | WholeQuery,
    kinds: Sequence[type[Key]],
    key: Callable[[T], tuple[Key, ...]],
    *,
    falling: bool = False,
) -> tuple[Sequence[T], str | None]:
    """The part of a short list that the query asks for, and the cursor that goes on after it.

    `key` tells two things apart, and `found` is in the order of the keys, the
    largest first if `falling`; the parts of a key are of these `kinds`.
    """
    position = read_cursor(query.cursor, *kinds)
    rest = list(found)
    if position is not None:
        rest = [one for one in rest if (key(one) < position) is falling and key(one) != position]
    if query.limit is None:
        return rest, None
    shown, more = page_of(rest, query.limit)
    return shown, make_cursor(*key(shown[-1])) if more else None


def next_link(body: Any) -> str | None:
    """The Link header of an answer that has a `next`."""
    cursor = body.get("next") if isinstance(body, Mapping) else None
    if not isinstance(cursor, str):
        return None
    query = {name: value for name, value in request.args.items() if name != _NAME}
    return f'<{request.path}?{urlencode({**query, _NAME: cursor})}>; rel="next"'


def _read(cursor: str) -> list[Any] | None:
    if len(cursor) > _LONGEST:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        digest, text = raw[:_DIGEST], raw[_DIGEST:]
        if digest != _digest(text):
            return None
        position = orjson.loads(text)
    except (binascii.Error, ValueError):
        return None
    return position if isinstance(position, list) else None


def _fits(position: Sequence[Any], kinds: Sequence[type[Key]]) -> bool:
    """Whether a store can be asked for it: the digest has no key, so anybody can make one."""
    return [type(part) for part in position] == list(kinds) and all(
        abs(part) <= LARGEST_ID if isinstance(part, int) else "\0" not in part for part in position
    )


def _digest(text: bytes) -> bytes:
    query = sorted((key, value) for key, value in request.args.items() if key not in _FREE)
    key = orjson.dumps([request.path, query])
    return hashlib.blake2b(text + key, digest_size=_DIGEST).digest()
