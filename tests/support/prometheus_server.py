"""A real Prometheus for a test: loaded with samples, scraping, killed, paused, restarted."""

from __future__ import annotations

import os
import signal
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Self

from slo.demo.binaries import ensure_prometheus
from slo.demo.processes import ProcessError, Prometheus, create_blocks, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Where `make test` unpacks Prometheus when it is not on the PATH.
TOOLS = Path(__file__).parents[2] / ".tools"


class OpenMetrics:
    """OpenMetrics text for `promtool tsdb create-blocks-from`, built sample by sample.

    Times are epoch seconds. Samples of one series must come in the order of time.
    """

    def __init__(self):
        self._lines = []

    def add(self, series: str, samples: Iterable[tuple[float, float]]) -> Self:
        """Samples (at, value) of one series, written as in PromQL: `up{job="a"}`."""
        self._lines.extend(f"{series} {value} {at:.3f}\n" for at, value in samples)
        return self

    def text(self) -> str:
        return "".join(self._lines) + "# EOF\n"


class PrometheusServer:
    """A Prometheus on a free port, as a context manager that waits until it is ready.

    `scrape_configs` is the YAML list of that section; `openmetrics` is loaded before
    the first start; `flags` are further arguments, such as `--query.max-samples=1000`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        scrape_configs: str = "[]",
        scrape_interval: str = "15s",
        openmetrics: OpenMetrics | str | None = None,
        flags: Sequence[str] = (),
        port: int | None = None,
    ):
        self.folder = Path(folder)
        jobs = textwrap.indent(textwrap.dedent(scrape_configs).strip("\n"), "  ")
        self._config = (
            f"global:\n  scrape_interval: {scrape_interval}\n  scrape_timeout: {scrape_interval}\n"
            f"scrape_configs:\n{jobs}\n"
        )
        self._flags = tuple(flags)
        self._port = port
        self._binaries = ensure_prometheus(TOOLS)
        self._server = self._new(port or free_port())
        if openmetrics is not None:
            self.load(openmetrics)

    def _new(self, port: int) -> Prometheus:
        return Prometheus(
            self._binaries.prometheus, self.folder, port, config=self._config, flags=self._flags
        )

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def log(self) -> str:
        return self._server.child.log.read_text()

    def load(self, openmetrics: OpenMetrics | str) -> None:
        """Write samples as blocks; only while the server does not run."""
        if self._server.child.alive:
            raise ProcessError("load() needs a stopped Prometheus")
        text = openmetrics if isinstance(openmetrics, str) else openmetrics.text()
        with tempfile.NamedTemporaryFile("w", suffix=".om") as file:
            file.write(text)
            file.flush()
            create_blocks(self._binaries.promtool, Path(file.name), self._server.data)

    def start(self) -> Self:
        for last in (False, False, True):
            try:
                self._server.start()
            except ProcessError as error:
                # Another test took the port between our look and Prometheus's.
                if last or self._port or "address already in use" not in str(error):
                    self._server.child.stop()
                    raise
                self._server = self._new(free_port())
            else:
                break
        return self

    def stop(self) -> None:
        """End it in order."""
        self._server.child.stop()

    def kill(self) -> None:
        """End it as a crash does (SIGKILL); `start` or `restart` brings it back."""
        self._server.child.kill()

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port and data."""
        self._server.child.stop()
        self._server.start()

    def pause(self) -> None:
        """Make it hang: connections are taken, nothing is answered (SIGSTOP)."""
        pid = self._server.child.pid
        os.killpg(pid, signal.SIGSTOP)
        # The signal takes a moment, in which it could still answer.
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let it go on once it was paused."""
        os.killpg(self._server.child.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
