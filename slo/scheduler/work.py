"""The work of each tick: a fault costs that tick and no more."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from slo.backfill import backfill
from slo.cycle import run_cycle
from slo.declaring import running
from slo.horizon import horizon_of
from slo.prometheus.errors import SourceError
from slo.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.context import Context
    from slo.cycle import CycleReport
    from slo.metrics import Metrics

_log = logging.getLogger(__name__)

T = TypeVar("T")

LEAST_CYCLE_SECONDS = 10


def tick_once(context: Context, metrics: Metrics, now: float) -> CycleReport | None:
    """One cycle, measured; a fault of the store is logged and counted, and the next cycle tries."""
    started = time.monotonic()
    seconds = max(LEAST_CYCLE_SECONDS, context.settings.interval * 0.8)
    report = guarded("cycle", metrics, lambda: run_cycle(context, now, seconds))
    if report is not None:
        metrics.observe_cycle(time.monotonic() - started, len(report.booked), report.errors)
    return report


def backfill_once(context: Context, stopped: Callable[[], bool]) -> None:
    """Backfill what is wanted, until it is done or `stopped`."""
    now = time.time()
    try:
        counted = [c for c in running(context) if c.meter.backfill_to is not None]
        heads = {}
        for name in {c.slo.source for c in counted}:
            try:
                heads[name] = horizon_of(context.clients[name], context.source(name), now).head
            except SourceError as error:
                if context.told.is_news(f"source {name}", str(error), now):
                    _log.warning("backfill waits: %s", error)
        counted = [c for c in counted if c.slo.source in heads]
        backfill(context, counted, heads, now=int(now), stopped=stopped)
    except StoreError as error:
        _log.warning("backfill waits: %s", error)


def guarded(what: str, metrics: Metrics, run: Callable[[], T]) -> T | None:
    """What `run` gives; None if the store or a source failed, which is logged and counted."""
    try:
        return run()
    except (SourceError, StoreError) as error:
        _log.error("%s failed: %s", what, error)
        metrics.observe_cycle(0.0, 0, Counter({type(error).__name__: 1}))
    except Exception:  # noqa: BLE001 -- see below.
        # The scheduler would only print it; the service goes on with the next tick.
        _log.exception("%s failed", what)
        metrics.observe_cycle(0.0, 0, Counter({"internal": 1}))
    return None
