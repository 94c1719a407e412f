"""The demo's folder: what it holds, whose it is, and whether its data can be used again."""

from __future__ import annotations

import fcntl
import importlib.resources
import json
import os
import shutil
from datetime import UTC, datetime
from string import Template
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from slo.demo.history import INSTANCE, JOB
from slo.demo.processes import end_leftover, started_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slo.demo.processes import Child

MARKER = ".slo-demo"
"""A file with this name says that the folder is a demo's."""
FORMAT = 1
"""Of the data; another number makes it anew."""
MADE_ANEW = ("prometheus", "logs", "slo.yaml", "slo.db", "slo.db-wal", "slo.db-shm", "history.om")
"""What a fresh start removes: nothing but what a demo has put there."""

SCRAPE = f"""\
global:
  scrape_interval: 5s
  scrape_timeout: 4s
scrape_configs:
  - job_name: {JOB}
    static_configs:
      - targets: ["127.0.0.1:$port"]
        labels: {{instance: {INSTANCE}}}
"""


class FolderError(RuntimeError):
    """The folder cannot be used; the message says why and what to do."""


class DemoFolder:
    """A folder that belongs to one running demo, as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.prometheus = self.path / "prometheus"
        self.logs = self.path / "logs"
        self.history = self.path / "history.om"
        self.config = self.path / "slo.yaml"
        self.database = self.path / "slo.db"
        self.children = self.path / "children.json"
        self.binaries = self.path / "bin"
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Take the folder; one that holds other things, or a running demo, is refused."""
        marker = self.path / MARKER
        if self.path.exists() and not self.path.is_dir():
            raise FolderError(f"{self.path} is not a folder; name another with --folder")
        if self.path.is_dir() and not marker.exists() and any(self.path.iterdir()):
            raise FolderError(
                f"{self.path} holds things that no demo put there; name another with --folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FolderError(f"{self.path} cannot be written to: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._release()
            raise FolderError(
                f"a demo is running in {self.path}; end it, or name another with --folder"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def reusable(self, *, days: int, seed: int) -> bool:
        """Whether it holds whole data of today with this length and seed."""
        return self._read() == _marker(days, seed)

    def clear(self) -> None:
        """Remove the data that a demo has made here, and only that."""
        self._write({})
        for name in MADE_ANEW:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def mark_complete(self, *, days: int, seed: int) -> None:
        """Note that the history is whole."""
        self._write(_marker(days, seed))

    def note_children(self, children: Iterable[Child]) -> None:
        """Write down what runs, so that the next start can end what a killed demo left behind."""
        running = [(c.name, c.pid, started_at(c.pid)) for c in children if c.pid is not None]
        self.children.write_text(json.dumps(running))

    def end_leftovers(self) -> list[str]:
        """End what a killed demo has left running here, and only that; their names."""
        try:
            noted = json.loads(self.children.read_text())
        except (OSError, ValueError):
            return []  # None were noted: an ended demo, or a first start.
        return [name for name, pid, began in noted if began and end_leftover(pid, began)]

    def scrape_config(self, port: int) -> str:
        """Prometheus's configuration, for a model on `port`."""
        return Template(SCRAPE).substitute(port=port)

    def write_config(self, *, prometheus: str, site: str, sink: str, secret: str) -> None:
        """Write the demo's slo.yaml, for servers at these URLs; `secret` signs what `sink` gets."""
        text = importlib.resources.files("slo.demo").joinpath("slo.yaml").read_text()
        self.config.write_text(
            Template(text).substitute(
                prometheus=json.dumps(prometheus),
                site=json.dumps(site),
                sink=json.dumps(sink),
                sink_port=urlsplit(sink).port,
                secret=json.dumps(secret),
                # Absolute, so that `slo status --config` works from anywhere.
                database=json.dumps(f"sqlite:///{self.database}"),
            )
        )

    def _read(self) -> object:
        try:
            return json.loads((self.path / MARKER).read_text())
        except ValueError:
            return None  # Empty or torn: a demo that did not get far.

    def _write(self, content: dict[str, object]) -> None:
        # In place: a file moved over it would leave the lock behind on the old one.
        (self.path / MARKER).write_text(json.dumps(content) + "\n")


def _marker(days: int, seed: int) -> dict[str, object]:
    today = datetime.now(UTC).date().isoformat()
    return {"format": FORMAT, "made": today, "days": days, "seed": seed}
