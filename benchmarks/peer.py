"""slo-generator on the same SLOs: the one peer in Python, in a virtual environment of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet import Fleet
    from server import Server

VERSION = "2.6.0"
_PINS = (f"slo-generator[prometheus]=={VERSION}", "setuptools<80")
_STEPS = (("1 hour", 3600, 9), ("12 hours", 43_200, 3), ("7 days", 604_800, 1.5))
_STEPS_28D = (*_STEPS, ("28 days", 2_419_200, 1))
"""The error budget policy of its documentation."""


def ensure_peer(folder: Path) -> tuple[Path | None, str]:
    """slo-generator's command, installed into `folder` if it is not there; or why there is none."""
    command = folder / "bin" / "slo-generator"
    if not command.exists():
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *_PINS]
        for argv in ([sys.executable, "-m", "venv", str(folder)], pip):
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode:
                return None, (done.stdout + done.stderr).strip()[-500:]
    return command, ""


def measure(command: Path, server: Server, fleet: Fleet, share: int) -> dict[str, Any]:
    """One `slo-generator compute` over the first `share` SLOs of the fleet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, server.url, fleet, share)
        before, used = server.spent(), resource.getrusage(resource.RUSAGE_CHILDREN)
        at = time.perf_counter()
        argv = [str(command), "compute", "-f", str(folder / "slos"), "-c", str(folder / "c.yaml")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - at
        cost, now = server.spent() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = done.stdout + done.stderr
    # It exits with 0 whatever happens; its log tells a line for each window.
    reports = told.count("SLI:")
    return {
        "seconds": seconds,
        "cpu": now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
        "server_cpu": cost.cpu,
        "samples": cost.samples,
        "share": share,
        "reports": reports,
        "wanted": share * len(_STEPS_28D),
        "log": "" if reports else told[-500:],
    }


def _write(folder: Path, url: str, fleet: Fleet, share: int) -> None:
    # JSON is YAML.
    steps = [
        {
            "name": name,
            "window": window,
            "burn_rate_threshold": threshold,
            "alert": False,
            "message_alert": "spent too fast",
            "message_ok": "on track",
        }
        for name, window, threshold in _STEPS_28D
    ]
    config = {
        "default_exporters": [],
        "backends": {"prometheus": {"url": url}},
        "exporters": {},
        "error_budget_policies": {"default": {"steps": steps}},
    }
    (folder / "c.yaml").write_text(json.dumps(config))
    (folder / "slos").mkdir()
    for number in range(share):
        service = fleet.service(number)
        total, good = fleet.selectors(number)
        slo = {
            "apiVersion": "sre.google.com/v2",
            "kind": "ServiceLevelObjective",
            "metadata": {
                "name": f"{service}-availability",
                "labels": {
                    "service_name": service,
                    "feature_name": "http",
                    "slo_name": "availability",
                },
            },
            "spec": {
                "description": f"99.9% of requests to {service} succeed",
                "backend": "prometheus",
                "method": "good_bad_ratio",
                "exporters": [],
                "service_level_indicator": {"filter_good": good, "filter_valid": total},
                "goal": 0.999,
            },
        }
        (folder / "slos" / f"{service}.yaml").write_text(json.dumps(slo))
