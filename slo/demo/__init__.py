"""A fraud-model service with 30 days of history, a Prometheus, and SLO Ledger on both."""

from __future__ import annotations

from slo.demo.options import DemoOptions
from slo.demo.traffic import FAULTS, Fault

__all__ = ["FAULTS", "DemoOptions", "Fault", "run"]


def run(options: DemoOptions) -> int:
    """Run the demo until Ctrl-C or SIGTERM; the exit code is 0 then, 1 after an error.

    Must be called in the main thread, since it takes over the signals.
    """
    # Late, so that `slo demo --help` and the demo's own programs load only what they use.
    from slo.demo import runner  # noqa: PLC0415 -- as said above

    return runner.run(options)
