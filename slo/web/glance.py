"""One look into the store, which the short questions of a request share."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from flask import g

from slo.store.engine import glancing
from slo.store.errors import translated
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

_KEY = "slo_glance"


@contextmanager
def glance() -> Iterator[Session]:
    """A session as `glancing` gives it, the same one until the request ends.

    Opening one costs more than what is asked in it. Raises `StoreError` for every driver's
    error.
    """
    engine = current_site().engine
    with translated(engine.url):
        if _KEY not in g:
            stack = ExitStack()
            setattr(g, _KEY, (stack, stack.enter_context(glancing(engine))))
        _, session = g.get(_KEY)
        yield session


def end_glance(_error: BaseException | None) -> None:
    """Gives the session back, if the request had one."""
    stack, _ = g.pop(_KEY, (None, None))
    if stack is not None:
        stack.close()
