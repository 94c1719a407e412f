"""The contexts of a service whose settings may change while it runs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from slo.context import open_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from slo.context import Context
    from slo.loaded import Loaded
    from slo.prometheus.client import RequestRecord


@dataclass(slots=True)
class _Held:
    """An open context, how many work in it, and whether others have a newer one."""

    context: Context
    stack: ExitStack
    uses: int = 0
    over: bool = False

    @property
    def is_done(self) -> bool:
        return self.over and not self.uses


class Contexts:
    """Gives each piece of work the context of the settings in force when it began.

    New settings get new clients with the next piece of work. The old ones are closed
    once nobody works with them any more.
    """

    def __init__(
        self,
        loaded: Loaded,
        engine: Engine,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        self._loaded = loaded
        self._engine = engine
        self._on_request = on_request
        self._lock = Lock()
        self._held: _Held | None = None

    @contextmanager
    def use(self) -> Iterator[Context]:
        """The context of the settings in force, which stays open until the block ends."""
        held = self._take()
        try:
            yield held.context
        finally:
            self._hand_back(held)

    def is_current(self, context: Context) -> bool:
        """Whether the context's settings are those in force."""
        return context.settings is self._loaded.settings

    def close(self) -> None:
        """Close what is open, once nobody works with it any more."""
        with self._lock:
            held, self._held = self._held, None
        if held is not None:
            self._end(held)

    def _take(self) -> _Held:
        with self._lock:
            former = self._held
            if former is None or not self.is_current(former.context):
                self._held = self._opened()
            else:
                former = None
            held = self._held
            assert held is not None  # noqa: S101 -- it was just made where there was none.
            held.uses += 1
        if former is not None:
            self._end(former)
        return held

    def _opened(self) -> _Held:
        stack = ExitStack()
        opened = open_context(self._loaded.settings, self._engine, self._on_request)
        return _Held(stack.enter_context(opened), stack)

    def _end(self, held: _Held) -> None:
        with self._lock:
            held.over = True
            done = held.is_done
        if done:
            held.stack.close()

    def _hand_back(self, held: _Held) -> None:
        with self._lock:
            held.uses -= 1
            done = held.is_done
        if done:
            held.stack.close()
