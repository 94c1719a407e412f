"""What is in force of slo.yaml: the last good settings, and the faults of a later try."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.config.fault import Fault
    from slo.config.settings import Settings


@dataclass(frozen=True, slots=True)
class LoadState:
    """When slo.yaml was read; `faults` are those of a newer text than the settings' own."""

    loaded_at: float
    """Epoch seconds at which the settings in force were read."""
    tried_at: float
    faults: tuple[Fault, ...] = ()
    waiting: tuple[str, ...] = ()
    """Sentences on what the file says and only a restart can change."""
    file: str = ""
    """The file as the command line names it; empty where there is none."""
    text: str = ""
    """What it says, with secrets hidden; empty while it was not read by this process."""


class Loaded:
    """The settings in force, shared by the threads of one service; replaced, never changed."""

    def __init__(self, settings: Settings, at: float = 0.0, file: str = "") -> None:
        self._lock = Lock()
        self._settings = settings
        self._state = LoadState(at, at, file=file)

    @property
    def settings(self) -> Settings:
        """What is in force now; take it once per piece of work."""
        return self._settings

    @property
    def state(self) -> LoadState:
        """When it was read, and what is wrong with what was read since."""
        return self._state

    def put(
        self, settings: Settings, at: float, *, text: str = "", waiting: tuple[str, ...] = ()
    ) -> None:
        """New settings come into force."""
        with self._lock:
            self._settings = settings
            self._state = LoadState(at, at, waiting=waiting, file=self._state.file, text=text)

    def confirm(self, text: str) -> None:
        """The file says what is in force; `text` shows it."""
        with self._lock:
            self._state = replace(self._state, text=text)

    def fail(self, faults: tuple[Fault, ...], at: float) -> None:
        """A new text is faulty: the settings in force stay."""
        with self._lock:
            self._state = replace(self._state, tried_at=at, faults=faults)
