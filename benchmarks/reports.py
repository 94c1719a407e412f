"""The report of a month over a fleet with 35 days of ledger, incidents and postmortems."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pages import burnt

from slo.domain.period import period_at
from slo.reports.formats import FILES
from slo.reports.gathering import report_of
from slo.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.report import Report

ROUNDS = 5
URL = "https://slo.example"


def reports(size: int) -> dict[str, Any]:
    """Seconds of reading a month's report and of each file, and the sizes of those, in kB."""
    with burnt(size) as fleet:
        month = period_at(fleet.at, "month")

        def read() -> Report:
            with reading(fleet.engine) as session:
                return report_of(session, month, fleet.at + 20)

        seconds, report = {"read": _median(read)}, read()
    kilobytes = {}
    for ending, (_, render) in FILES.items():
        seconds[ending] = _median(partial(render, report, URL))
        kilobytes[ending] = len(render(report, URL).encode()) / 1024
    return {"seconds": seconds, "kb": kilobytes}


def _median(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        at = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - at)
    return statistics.median(seconds)
