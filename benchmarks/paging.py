"""From the moment when the burn crosses the threshold to the page: `slo serve`, and Prometheus.

One service fails; two `slo serve` and one Prometheus with Alertmanager watch it at the
same time and tell the same receiver. Both sides know its past of hours, so that their
windows are whole. The rules of Prometheus are the page alert that Sloth generates for
99.9 %, in its groups: once evaluated and held for 30 s, as is usual, and once for 1 s.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import textwrap
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slo.demo.processes import Child, ProcessError, free_port, wait_until_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.burning import Sink

ROOT = Path(__file__).parents[1]
LONGEST = 240.0
"""Seconds after which a page that has not come is a fault."""

PACES = (30, 1)
"""Seconds between evaluations of the rules of Prometheus, and those that Alertmanager waits."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often `slo serve` looks, and how long it lets samples come; seconds."""

    interval: int
    lag: int

    @property
    def path(self) -> str:
        """Where its pages arrive."""
        return f"/slo-{self.interval}s"


OURS = (Pace(60, 15), Pace(15, 2))
"""The defaults, and a faster one."""


def paging() -> dict[str, Any]:
    """Seconds from crossing to page, by who tells: `/slo-60s`, `/slo-15s`, `/sloth-30s`..."""
    # The tests' own service whose truth is known; found once the repository is on the path.
    sys.path.append(str(ROOT))
    from tests.support import burning  # noqa: PLC0415 -- as said.

    with (
        tempfile.TemporaryDirectory(prefix="slo-bench-") as folder,
        burning.Burning() as service,
        burning.Sink() as sink,
        ExitStack() as stack,
    ):
        top = Path(folder)
        manager = stack.enter_context(_alertmanager(top / "alertmanager", sink))
        rules = top / "rules.yml"
        rules.write_text("groups:\n" + "".join(map(_groups, PACES)))
        server = burning.watching(
            top / "prometheus",
            service,
            more=f"rule_files: ['{rules}']\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{manager}']}}]}}]}}\n",
        )
        stack.callback(server.child.stop)
        server.start()
        addresses: list[str] = []
        for pace in OURS:
            database = f"sqlite:///{top / pace.path[1:]}.db"
            yaml = burning.ledger_yaml(
                server.url, database, sink, pace.path, interval=pace.interval, lag=pace.lag
            )
            addresses.append(stack.enter_context(_serving(top / pace.path[1:], yaml)))
        past = burning.HISTORY - 600
        _wait(lambda: all(_events(a) > past for a in addresses), "the past is booked")
        # Every pace has evaluated and booked a few times; the phase is left to chance.
        time.sleep(35 + random.uniform(0, max(p.interval for p in OURS)))
        service.fail()
        paths = [*(p.path for p in OURS), *(f"/sloth-{pace}s" for pace in PACES)]
        _wait(lambda: all(sink.at(path) for path in paths), f"a page at each of {paths}")
        crossed = service.crossed_at()
        if crossed is None:
            raise RuntimeError("the service's own count never crossed the threshold")
        return {path: sink.at(path)[0][0] - crossed for path in paths}


def _groups(pace: int) -> str:
    """The rules of Sloth for 99.9 %: ratios by window, and the page alert over them."""
    own = f'sloth_id="shop-{pace}s"'
    found = [f"- name: sloth-slo-sli-recordings-shop-{pace}s\n  interval: {pace}s\n  rules:\n"]
    found += [
        f"""  - record: slo:sli_error:ratio_rate{window}
    expr: |
      (sum(rate(http_requests_total{{job="shop",code=~"(5..|429)"}}[{window}])))
      /
      (sum(rate(http_requests_total{{job="shop"}}[{window}])))
    labels: {{sloth_id: shop-{pace}s, sloth_window: {window}}}
"""
        for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    ]

    def burns(short: str, long: str, factor: str) -> str:
        return " and ".join(
            f"max(slo:sli_error:ratio_rate{window}{{{own}}} > ({factor} * 0.001))"
            " without (sloth_window)"
            for window in (short, long)
        )

    found.append(f"""- name: sloth-slo-alerts-shop-{pace}s
  interval: {pace}s
  rules:
  - alert: ShopHighErrorRate
    expr: ({burns("5m", "1h", "14.4")}) or ({burns("30m", "6h", "6")})
    labels: {{sloth_severity: page, pace: {pace}s}}
""")
    return "".join(found)


@contextmanager
def _alertmanager(folder: Path, sink: Sink) -> Iterator[str]:
    """An Alertmanager that waits as long as its rules' pace; gives its address."""
    names = ("prometheus-alertmanager", "alertmanager")
    binary = next(filter(None, map(shutil.which, names)), None)
    if binary is None:
        raise ProcessError(
            "paging needs Alertmanager; install Debian's prometheus-alertmanager,"
            " or put alertmanager on the PATH"
        )
    routes = "".join(
        f"  - {{matchers: ['pace=\"{pace}s\"'], receiver: at-{pace}s, group_wait: {pace}s}}\n"
        for pace in PACES
    )
    receivers = "".join(
        f"- {{name: at-{pace}s, webhook_configs: [{{url: '{sink.url}/sloth-{pace}s'}}]}}\n"
        for pace in PACES
    )
    folder.mkdir()
    config = folder / "alertmanager.yml"
    first = f"at-{PACES[0]}s"
    config.write_text(
        f"route:\n  receiver: {first}\n  group_by: [alertname, pace]\n  routes:\n{routes}"
        f"receivers:\n{receivers}"
    )
    address = f"127.0.0.1:{free_port()}"
    child = Child(
        "Alertmanager",
        [
            binary,
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ],
        folder / "alertmanager.log",
    )
    child.start()
    try:
        wait_until_answers(child, f"http://{address}/-/ready")
        yield address
    finally:
        child.stop()


@contextmanager
def _serving(folder: Path, yaml: str) -> Iterator[str]:
    """`slo serve` in a process of its own; gives its address."""
    folder.mkdir()
    (folder / "slo.yaml").write_text(textwrap.dedent(yaml))
    port = free_port()
    child = Child(
        "slo serve",
        [sys.executable, "-m", "slo.cli", "serve", "--port", str(port)],
        folder / "serve.log",
        {
            "SLO_CONFIG": str(folder / "slo.yaml"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
    )
    child.start()
    try:
        wait_until_answers(child, f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def _events(address: str) -> float:
    with urllib.request.urlopen(f"{address}/api/v1/slos", timeout=10) as answer:
        slos = json.load(answer)["slos"]
    return float(slos[0]["events"]["total"] or 0) if slos else 0.0


def _wait(is_so: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + LONGEST
    while not is_so():
        if time.monotonic() > ends:
            raise RuntimeError(f"not within {LONGEST:.0f} s: {what}")
        time.sleep(0.1)
