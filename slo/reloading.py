"""Reloading: slo.yaml taken anew when it changes, or when SIGHUP asks for it.

The file, and the files that it names, are read every few seconds: a ConfigMap swaps a
link, editors rename, and some file systems tell of neither. A text is taken once two
looks found the same, so that one half written is not. What is faulty changes nothing:
the last good settings stay in force until the file is mended.
"""

from __future__ import annotations

import hashlib
import logging
import signal
import threading
import time
from dataclasses import fields, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from slo.config.fault import ConfigError, Fault
from slo.config.files import files_of
from slo.config.hiding import hidden_fault
from slo.config.loader import load_shown
from slo.prometheus.client import PrometheusClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from slo.config.settings import Settings
    from slo.loaded import Loaded

    Seen = Mapping[str, bytes | None]

_log = logging.getLogger(__name__)

POLL = 2.0
"""Seconds between two looks at the files."""
SETTLE = 0.25
"""The same once SIGHUP has asked."""
_MOST_NAMES = 5

_DATABASE = (
    "database.url: is another one than the one in use; restart slo serve to change it. "
    "All else that the file says is in force"
)


def listen() -> SimpleQueue[None]:
    """A queue that gets an entry for each SIGHUP from now on, where the system has that signal.

    Without it a SIGHUP ends the process. Only the main thread may call this.
    """
    asked: SimpleQueue[None] = SimpleQueue()
    if hasattr(signal, "SIGHUP"):
        # A queue of this kind can be put to while the same thread is putting to it.
        signal.signal(signal.SIGHUP, lambda *_: asked.put(None))
    return asked


def can_be_watched(path: Path) -> bool:
    """Whether the path can be read again, which a pipe (`--config <(sops -d slo.yaml)`) cannot."""
    return path.is_file() or not path.exists()


class Reloader:
    """Watches slo.yaml at `path` in a thread of its own, and puts what it says into force.

    `env` holds the variables, `asked` gets an entry when somebody asks for a reload, and
    `on_loaded` is told of settings that came into force.
    """

    def __init__(
        self,
        path: Path,
        env: Mapping[str, str],
        loaded: Loaded,
        on_loaded: Callable[[Settings], None] = lambda _: None,
        *,
        asked: SimpleQueue[None] | None = None,
        clock: Callable[[], float] = time.time,
        poll: float = POLL,
    ) -> None:
        self._path = path
        # A copy: what the service was started with holds until it ends.
        self._env = dict(env)
        self._loaded = loaded
        self._on_loaded = on_loaded
        self._queue = SimpleQueue() if asked is None else asked
        self._clock = clock
        self._poll = poll
        self._named: tuple[Path, ...] = ()
        """Files that a faulty text names: a fault may lie in one of them."""
        self._taken: Seen | None = None
        self._last: Seen | None = None
        self._asked = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """Reload as soon as the files are at rest, changed or not; safe in a signal's handler."""
        self._queue.put(None)

    def stop(self) -> None:
        """End; a reload under way comes to its end first."""
        self._stopping.set()
        self.ask()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self, *, asked: bool = False) -> bool:
        """One look at the files; True: they may be at rest soon, so the next look is to be soon."""
        self._asked = self._asked or asked
        seen = self._read()
        if seen == self._taken and not self._asked:
            self._last = seen
            return False
        if seen != self._last:
            # Perhaps somebody still writes.
            self._last = seen
            return self._asked
        if not self._take(seen):
            return True
        self._asked = False
        return False

    def _run(self) -> None:
        soon = False
        while not self._stopping.is_set():
            asked = self._wait(SETTLE if soon else self._poll)
            if self._stopping.is_set():
                return
            try:
                soon = self.look(asked=asked)
            except Exception:  # noqa: BLE001 -- a fault of ours is told, and the service goes on.
                _log.exception("looking at %s failed", self._path)
                soon = False

    def _wait(self, seconds: float) -> bool:
        """Waits; True: somebody asked, however often."""
        try:
            self._queue.get(timeout=seconds)
        except Empty:
            return False
        while not self._queue.empty():
            self._queue.get()
        return True

    def _read(self) -> Seen:
        """The digests of slo.yaml, and of the files that it and the settings in force name."""
        named = files_of(self._loaded.settings)
        return {str(path): _digest(path) for path in (self._path, *named, *self._named)}

    def _take(self, seen: Seen) -> bool:
        """Take what the files hold; False: they changed meanwhile."""
        first = self._taken is None and not self._asked
        now = self._clock()
        try:
            settings, text = load_shown(self._path, self._env)
            _ensure_clients(settings, self._path)
        except ConfigError as error:
            if _digest(self._path) != seen[str(self._path)]:
                return False
            # Files that it names newly make the next look differ, so that none changes unseen.
            self._taken, self._named = seen, error.files
            self._fail(error, now)
            return True
        if _digest(self._path) != seen[str(self._path)]:
            return False
        self._named = ()
        before = self._loaded.settings
        if first and settings == before:
            # What the service was started with.
            self._loaded.confirm(text)
        else:
            self._put(before, settings, text, now)
        # Of the files that the new settings name.
        self._taken = self._last = self._read()
        return True

    def _fail(self, error: ConfigError, now: float) -> None:
        faults = tuple(hidden_fault(fault) for fault in error.faults)
        told = faults == self._loaded.state.faults and not self._asked
        self._loaded.fail(faults, now)
        if told:
            return
        for fault in faults:
            _log.error("%s", fault)
        number = f"{len(faults)} fault{'' if len(faults) == 1 else 's'}"
        _log.error("%s was not reloaded: %s; the former settings stay", self._path, number)

    def _put(self, before: Settings, settings: Settings, text: str, now: float) -> None:
        waiting: tuple[str, ...] = ()
        if settings.database_url != before.database_url:
            waiting = (_DATABASE,)
            settings = replace(settings, database_url=before.database_url)
        self._loaded.put(settings, now, text=text, waiting=waiting)
        _log.info("%s was reloaded: %s", self._path, changes_text(before, settings))
        for sentence in waiting:
            _log.warning("%s: %s", self._path, sentence)
        self._on_loaded(settings)


def changes_text(before: Settings, after: Settings) -> str:
    """What differs, in words: SLOs by number and name, all else by its key in slo.yaml."""
    old, new = ({slo.id: slo for slo in settings.slos} for settings in (before, after))
    parts = [
        _named("added", [name for name in new if name not in old]),
        _named("removed", [name for name in old if name not in new]),
        _named("changed", [name for name in new if name in old and new[name] != old[name]]),
    ]
    keys = [
        key.name
        for key in fields(after)
        # What is not compared is derived from the rest.
        if key.compare
        and key.name not in {"slos", "defaults", "warnings"}
        and getattr(before, key.name) != getattr(after, key.name)
    ]
    if keys:
        parts.append(f"other settings: {', '.join(keys)}")
    return "; ".join(filter(None, parts)) or "nothing that counts changed"


def _named(what: str, slo_ids: list[str]) -> str:
    if not slo_ids:
        return ""
    shown = ", ".join(slo_ids[:_MOST_NAMES])
    rest = len(slo_ids) - _MOST_NAMES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{len(slo_ids)} SLO{'' if len(slo_ids) == 1 else 's'} {what} ({shown}{more})"


def _digest(path: Path) -> bytes | None:
    """What the file holds, in short; None: it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


def _ensure_clients(settings: Settings, path: Path) -> None:
    """Refuse sources of which no client can be made, as a start would."""
    for source in settings.sources:
        try:
            PrometheusClient(source).close()
        except (OSError, ValueError) as error:
            fault = Fault(str(path), 0, 0, f"sources/{source.name}", str(error))
            raise ConfigError([fault]) from None
