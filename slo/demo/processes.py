"""Child processes of the demo and of the tests: started, watched, and stopped for good."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POLL = 0.05
"""Seconds between two looks at a child or a port."""


class ProcessError(RuntimeError):
    """A child did not start, or ended; the message names it and shows the end of its log."""


class Child:
    """One child process in a process group of its own, writing to a log file.

    Its own group, so that Ctrl-C in the terminal reaches only the parent, which
    then stops its children in order, and so that a child's children end with it.
    """

    def __init__(
        self, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log = log
        self.env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output is added to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(  # noqa: S603 -- the demo's own argv, no shell
                    self.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **self.env},
                )
            except OSError as error:
                raise ProcessError(f"{self.name} could not be started: {error}") from None

    @property
    def pid(self) -> int | None:
        """Its process id, None before it was started."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def ensure_alive(self) -> None:
        """Refuse to go on once it has ended."""
        if not self.alive:
            code = self._process.returncode if self._process else None
            raise ProcessError(
                f"{self.name} ended with code {code}. The end of its log, {self.log}:\n"
                + self.last_lines()
            )

    def last_lines(self, count: int = 15) -> str:
        """The last lines of its log, indented."""
        if not self.log.exists():
            return "  (no log)"
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"  {line}" for line in lines) or "  (the log is empty)"

    def stop(self, grace: float = 10.0) -> None:
        """Ask it to end, wait up to `grace` seconds, then kill it with its whole group."""
        if self._process is None:
            return
        if self.alive:
            self._signal(signal.SIGCONT)  # A paused process cannot end when asked to.
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self.kill()

    def kill(self) -> None:
        """Kill it and what it started, at once."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _signal(self, number: int) -> None:
        if self._process is not None:
            # The group lives on while any member does, even after its leader ended.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def started_at(pid: int) -> int | None:
    """When the process began, in the kernel's ticks; None if there is none, or it cannot be told.

    With it a process is known again: its id alone may belong to another one by now.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # Fields after the name, which stands in brackets and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def end_leftover(pid: int, began: int, grace: float = 10.0) -> bool:
    """End the process group that `pid` leads, if it is still the process that began then."""
    if started_at(pid) != began:
        return False
    deadline = time.monotonic() + grace
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        while started_at(pid) == began and time.monotonic() < deadline:
            time.sleep(POLL)
        os.killpg(pid, signal.SIGKILL)
    return True


def free_port(wanted: int | None = None, *, apart_from: frozenset[int] = frozenset()) -> int:
    """`wanted` if it can be bound on 127.0.0.1, else the next free one above it.

    Without `wanted`: any free port.
    """
    if wanted is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    for port in range(wanted, min(wanted + 200, 65_536)):
        if port not in apart_from and _bindable(port):
            return port
    raise ProcessError(f"no free port from {wanted} to {wanted + 199}")


def _bindable(port: int) -> bool:
    # Both addresses: a server on 0.0.0.0 and one on 127.0.0.1 may share a port otherwise.
    for address in ("127.0.0.1", ""):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def wait_until_answers(child: Child, url: str, timeout: float = 30.0) -> None:
    """Wait until `url` answers 200; a child that ends, or `timeout` seconds, is an error."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        child.ensure_alive()
        with (
            contextlib.suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(url, timeout=2) as answer,  # noqa: S310 -- our own child, http
        ):
            if answer.status == 200:  # noqa: PLR2004 -- HTTP's OK
                return
        time.sleep(POLL)
    raise ProcessError(
        f"{child.name} did not answer at {url} within {timeout:.0f} s. The end of its log, "
        f"{child.log}:\n{child.last_lines()}"
    )


class Prometheus:
    """A Prometheus on 127.0.0.1 with its data in `folder`/data, scraping what `config` says."""

    def __init__(
        self,
        binary: Path,
        folder: Path,
        port: int,
        *,
        config: str,
        flags: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        self.data = folder / "data"
        self.url = f"http://127.0.0.1:{port}"
        own = {
            "--config.file": folder / "prometheus.yml",
            "--storage.tsdb.path": self.data,
            # The history is older than the 15 days that Prometheus keeps by default.
            "--storage.tsdb.retention.time": "10y",
            "--web.listen-address": f"127.0.0.1:{port}",
            "--log.level": "warn",
        }
        # A flag given twice is an error to Prometheus; the caller's takes the place of ours.
        given = {flag.partition("=")[0] for flag in flags}
        argv = [f"{name}={value}" for name, value in own.items() if name not in given]
        self.child = Child(
            "Prometheus", [str(binary), *argv, *flags], log or folder / "prometheus.log"
        )

    @property
    def ready_url(self) -> str:
        """Answers 200 once it can be queried."""
        return f"{self.url}/-/ready"

    def write_config(self) -> None:
        """Write its configuration file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "prometheus.yml").write_text(self.config)

    def start(self) -> None:
        """Write its configuration, start it, and wait until it is ready."""
        self.write_config()
        self.child.start()
        wait_until_answers(self.child, self.ready_url)


def create_blocks(promtool: Path, openmetrics: Path, data: Path) -> None:
    """Write the OpenMetrics text as blocks into Prometheus's data folder.

    The server must not run. One block holds up to 31 days: with the default of
    two hours the text is read once per two hours of it, which takes minutes.
    """
    data.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603 -- the demo's own argv, no shell
        [
            str(promtool),
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=744h",
            "openmetrics",
            str(openmetrics),
            str(data),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ProcessError(f"promtool could not load {openmetrics}:\n{done.stdout}{done.stderr}")
