"""Turns of those who change something: while the store lets nobody write, others still read.

A change may wait for the store's write lock for half a minute, and keeps one of the server's
few threads until then. So only some are under way at once, and one thread is never theirs.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from flask import g, request
from werkzeug.exceptions import ServiceUnavailable

from slo.web.origin import SAFE
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = "slo_turn"
_PATIENCE_SECONDS = 0.5
"""A change takes milliseconds; if the others take longer than this, they wait for the store."""


@contextmanager
def turn() -> Iterator[None]:
    """For what a request that only reads by its method changes all the same.

    Waits a moment until few others change something; refuses, with 503, what would wait on.
    """
    turns = current_site().turns
    if not turns.acquire(timeout=_PATIENCE_SECONDS):
        raise ServiceUnavailable(
            "Other changes wait for the store, which lets nobody write just now; try again.",
            retry_after=1,
        )
    try:
        yield
    finally:
        turns.release()


def begin_turn() -> None:
    """The turn of a request that changes something, until it ends."""
    if request.method not in SAFE:
        stack = ExitStack()
        stack.enter_context(turn())
        setattr(g, _KEY, stack)


def end_turn(_error: BaseException | None) -> None:
    """Lets the next one change something, if the request had a turn."""
    stack = g.pop(_KEY, None)
    if stack is not None:
        stack.close()
