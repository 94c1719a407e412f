"""The running demo's keys and signals."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a plain kill, and a closed terminal."""


class Interrupts:
    """Signals that end the demo, as KeyboardInterrupt; a context manager.

    On leaving, they are ignored until `restore`, so that a second Ctrl-C does not
    stop the stopping.
    """

    def __init__(self) -> None:
        self._old = {number: signal.getsignal(number) for number in ENDING}
        self._held = False
        self._pending = False

    def __enter__(self) -> Self:
        for number in ENDING:
            signal.signal(number, self._arrived)
        return self

    def __exit__(self, *_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Let the signals do what they did before."""
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back: a child must not be started without our knowing of it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending:
            raise KeyboardInterrupt


class Keys:
    """Single keys from the terminal; without one it only waits. A context manager."""

    def __init__(self) -> None:
        self._settings: list[Any] | None = None
        self._terminal = _own_terminal()

    @property
    def available(self) -> bool:
        """Whether there is a terminal to read keys from."""
        return self._terminal is not None

    def __enter__(self) -> Self:
        if self._terminal is not None:
            self._settings = termios.tcgetattr(self._terminal)
            tty.setcbreak(self._terminal)  # Keys come without Enter; Ctrl-C still interrupts.
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal is not None and self._settings is not None:
            # A closed terminal has no settings to restore.
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._settings)

    def wait(self, seconds: float) -> str:
        """The key pressed within `seconds`, or nothing."""
        if self._terminal is None:
            time.sleep(seconds)
            return ""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return ""
        pressed = os.read(self._terminal, 1)
        if not pressed:
            self._terminal = None  # Closed; from now on there is nothing to read.
        return pressed.decode(errors="replace").lower()


def _own_terminal() -> int | None:
    """The terminal's file number, if keys can be read: not in a pipe nor in the background."""
    try:
        number = sys.stdin.fileno()
        if os.isatty(number) and os.tcgetpgrp(number) == os.getpgrp():
            return number
    except (OSError, ValueError):
        return None
    return None
