"""The jobs of the service on APScheduler: cycles, backfill, upkeep, and the watch over them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from threading import Event, Lock
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from slo.contexts import Contexts
from slo.scheduler.grid import grid_of, pace_of
from slo.scheduler.work import backfill_once, guarded, tick_once
from slo.upkeep import upkeep
from slo.watching import watch_cycles

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from slo.config.settings import Settings
    from slo.context import Context
    from slo.loaded import Loaded
    from slo.metrics import Metrics
    from slo.prometheus.client import RequestRecord
    from slo.sources import Sources

UPKEEP_EVERY = 3600
WATCH_EVERY = 30
_CYCLE, _BACKFILL = "cycle", "backfill"


class Jobs:
    """The service's jobs, from `start()` to `stop()`; each piece takes its settings once.

    `on_cycle` is called after each cycle that came to its end; `metrics` and `sources` are
    told of each request.
    """

    def __init__(
        self,
        engine: Engine,
        loaded: Loaded,
        metrics: Metrics,
        sources: Sources,
        on_cycle: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._loaded = loaded
        self._metrics = metrics
        self._sources = sources
        self._on_cycle = on_cycle
        # Backfill has clients of its own, so that a long read never keeps a cycle waiting.
        self._live = Contexts(loaded, engine, self._observe)
        self._behind = Contexts(loaded, engine, self._observe)
        self._stopping = Event()
        self._started = int(time.time())
        self._lock = Lock()
        self._pace = pace_of(loaded.settings)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin: a cycle at once, the next ones on the grid."""
        now, settings = time.time(), self._loaded.settings
        add = self._scheduler.add_job
        at_once = datetime.fromtimestamp(now, UTC)
        add(self._watch, "interval", seconds=WATCH_EVERY, id="watch")
        add(self._tick, grid_of(settings, now), next_run_time=at_once, id=_CYCLE)
        add(self._fill, grid_of(settings, now), id=_BACKFILL)
        add(self._keep, "interval", seconds=UPKEEP_EVERY, id="upkeep")
        self._scheduler.start()

    def settle(self, settings: Settings) -> None:
        """Bring settings in that have just come into force: a cycle by them runs at once."""
        with self._lock:
            if self._stopping.is_set() or not self._scheduler.running:
                return
            now = time.time()
            if pace_of(settings) != self._pace:
                self._pace = pace_of(settings)
                for job in (_CYCLE, _BACKFILL):
                    self._scheduler.reschedule_job(job, trigger=grid_of(settings, now))
            self._scheduler.modify_job(_CYCLE, next_run_time=datetime.fromtimestamp(now, UTC))

    def stop(self) -> None:
        """End, after what is under way."""
        with self._lock:
            self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self._live.close()
        self._behind.close()

    def _tick(self) -> None:
        with self._live.use() as context:
            report = tick_once(context, self._metrics, time.time())
        if report is not None:
            guarded("what follows a cycle", self._metrics, self._on_cycle)

    def _observe(self, record: RequestRecord) -> None:
        self._metrics.observe_request(
            record.source, record.what, record.seconds, record.samples_read, record.error
        )
        self._sources.observe(record)

    def _fill(self) -> None:
        with self._behind.use() as context:
            self._sources.learn(context)
            backfill_once(context, lambda: self._is_over(context))

    def _keep(self) -> None:
        now, told = time.time(), self._metrics.observe_verify
        with self._behind.use() as context:
            guarded(
                "upkeep",
                self._metrics,
                lambda: upkeep(context, now, told, self._stopping.is_set),
            )

    def _watch(self) -> None:
        at, settings = int(time.time()), self._loaded.settings
        guarded(
            "watching",
            self._metrics,
            lambda: watch_cycles(self._engine, settings, self._started, at),
        )

    def _is_over(self, context: Context) -> bool:
        """Whether work that may take hours is to end: the service stops, or has newer settings."""
        return self._stopping.is_set() or not self._behind.is_current(context)
