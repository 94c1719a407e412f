"""How a demo is to be run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.demo.traffic import Fault


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How to run the demo; ports are the first to try."""

    folder: Path = Path("slo-demo")
    fault: Fault | None = None
    """Switched on from the start."""
    port: int = 8000
    """Of the page."""
    prometheus_port: int = 9090
    model_port: int = 8001
    days: int = 30
    """Of history."""
    seed: int = 1
    sink_port: int = 8002
    """Of the receiver that shows what is sent."""
