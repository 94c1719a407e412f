"""A real Alertmanager for a test, on a free port, alone and without receivers."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Self

from slo.demo.processes import Child, ProcessError, free_port, wait_until_answers

_CONFIG = "route: {receiver: none}\nreceivers: [{name: none}]\n"
_NAMES = ("prometheus-alertmanager", "alertmanager")


class AlertmanagerServer:
    """An Alertmanager as a context manager that waits until it is ready."""

    def __init__(self, folder: Path):
        binary = next(filter(None, map(shutil.which, _NAMES)), None)
        if binary is None:
            raise ProcessError(
                "this test needs Alertmanager; install Debian's prometheus-alertmanager, "
                "or put alertmanager on the PATH"
            )
        self.folder = Path(folder)
        self.port = free_port()
        self._config = self.folder / "alertmanager.yml"
        argv = [
            binary,
            f"--config.file={self._config}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        self.child = Child("Alertmanager", argv, self.folder / "alertmanager.log")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def alerts(self) -> list[dict]:
        """The alerts that fire, as it tells them."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            return json.load(answer)

    def wait_for(self, condition, seconds: float = 10.0) -> list[dict]:
        """Its alerts once they fulfil a condition; what it takes is shown a moment later."""
        ends = time.monotonic() + seconds
        while not condition(found := self.alerts()):
            if time.monotonic() > ends:
                raise AssertionError(f"it never came about; the alerts are {found}")
            time.sleep(0.02)
        return found

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(_CONFIG)
        self.child.start()
        wait_until_answers(self.child, f"{self.url}/-/ready")
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()

    def forget(self) -> None:
        """Kill it and start it without its memory, as on a new machine."""
        self.child.kill()
        shutil.rmtree(self.folder / "data")
        self.child.start()
        wait_until_answers(self.child, f"{self.url}/-/ready")
