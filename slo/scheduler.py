"""The service while it runs: cycles on the clock, backfill, upkeep and sending, the site.

APScheduler runs one tick job a kind, in memory; what was missed is found from the
ledger, never from the scheduler. So a restart needs nothing but the store.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from waitress.server import create_server

from slo.backfill import backfill
from slo.context import open_context
from slo.cycle import run_cycle
from slo.declaring import declare
from slo.horizon import horizon_of
from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.notify.dispatcher import Dispatcher
from slo.notify.heartbeat import Heartbeat
from slo.prometheus.errors import SourceError
from slo.store.engine import open_engine
from slo.store.errors import StoreError
from slo.store.migrations import ensure_current
from slo.upkeep import upkeep
from slo.watching import may_beat, watch_cycles
from slo.web.app import create_app, warm

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from slo.config.settings import Settings
    from slo.context import Context
    from slo.cycle import CycleReport
    from slo.prometheus.client import RequestRecord

_log = logging.getLogger(__name__)

T = TypeVar("T")

WEB_THREADS = 8
UPKEEP_EVERY = 3600
WATCH_EVERY = 30
LEAST_CYCLE_SECONDS = 10


class Grid(IntervalTrigger):  # type: ignore[misc] # APScheduler has no types.
    """Runs at `start_date` and whole intervals from it, whenever the last run was.

    APScheduler's own counts from the last run: after one at the start of the service,
    all would lie between two buckets' ends instead of just after them.
    """

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first instant of the grid after the last run, and not before `now`."""
        after = now if previous is None else max(now, previous + timedelta(microseconds=1))
        found: datetime | None = super().get_next_fire_time(None, after)
        return found


def serve(settings: Settings, *, host: str, port: int) -> int:
    """Run cycles and the site until SIGTERM or SIGINT; gives the exit status."""
    # A backfill that outlasts its tick is as it should be, and no warning.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    engine = open_engine(settings.database_url)
    ensure_current(engine)
    metrics = Metrics(engine)
    stopping = threading.Event()
    app = create_app(
        engine,
        interval=settings.interval,
        loaded=Loaded(settings, time.time()),
        registry=metrics.registry,
    )
    # Bound before anything runs: a taken port is told at once.
    server = create_server(app, host=host, port=port, threads=WEB_THREADS)

    def stop(_number: int, _frame: FrameType | None) -> None:
        # The server ends its threads at a SystemExit and then returns; closed from here, those
        # that still answer would find their pipe gone. A second signal is not to break that off.
        if not stopping.is_set():
            stopping.set()
            raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    on_request = _observer(metrics)
    # Backfill has clients of its own, so that a long read never keeps a cycle waiting.
    with (
        open_context(settings, engine, on_request) as live,
        open_context(settings, engine, on_request) as behind,
    ):
        dispatcher = Dispatcher(engine, settings)
        heartbeat = Heartbeat(settings, metrics.observe_heartbeat)

        def on_cycle() -> None:
            dispatcher.wake()
            now = time.time()
            if may_beat(engine):
                heartbeat.beat(now)
            warm(app)

        scheduler = _scheduler(live, behind, metrics, stopping, on_cycle)
        dispatcher.start()
        scheduler.start()
        try:
            _log.info("serving on http://%s:%s", host, port)
            server.run()
        finally:
            stopping.set()
            server.close()
            scheduler.shutdown(wait=True)
            dispatcher.stop()
            engine.dispose()
    return 0


def _observer(metrics: Metrics) -> Callable[[RequestRecord], None]:
    def observe(record: RequestRecord) -> None:
        metrics.observe_request(
            record.source, record.what, record.seconds, record.samples_read, record.error
        )

    return observe


def _scheduler(
    live: Context,
    behind: Context,
    metrics: Metrics,
    stopping: threading.Event,
    on_cycle: Callable[[], None],
) -> BackgroundScheduler:
    interval = live.settings.interval
    scheduler = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    lag = min(s.lag.total_seconds() for s in live.settings.sources)
    now = datetime.now(UTC)
    # A tick a second after the lag has passed finds the bucket ready to be booked.
    first = datetime.fromtimestamp((now.timestamp() // interval) * interval + lag + 1, UTC)

    def tick() -> None:
        if tick_once(live, metrics, time.time()) is not None:
            _guarded("what follows a cycle", metrics, on_cycle)

    def fill() -> None:
        backfill_once(behind, stopping)

    def keep() -> None:
        now, told = time.time(), metrics.observe_verify
        _guarded("upkeep", metrics, lambda: upkeep(behind, now, told, stopping.is_set))

    started = int(now.timestamp())

    def watch() -> None:
        at = int(time.time())
        _guarded(
            "watching", metrics, lambda: watch_cycles(behind.engine, behind.settings, started, at)
        )

    scheduler.add_job(watch, "interval", seconds=WATCH_EVERY, id="watch")
    scheduler.add_job(tick, Grid(seconds=interval, start_date=first), next_run_time=now, id="cycle")
    scheduler.add_job(fill, "interval", seconds=interval, start_date=first, id="backfill")
    scheduler.add_job(keep, "interval", seconds=UPKEEP_EVERY, id="upkeep")
    return scheduler


def tick_once(context: Context, metrics: Metrics, now: float) -> CycleReport | None:
    """One cycle, measured; a fault of the store is logged and counted, and the next cycle tries."""
    started = time.monotonic()
    seconds = max(LEAST_CYCLE_SECONDS, context.settings.interval * 0.8)
    report = _guarded("cycle", metrics, lambda: run_cycle(context, now, seconds))
    if report is not None:
        metrics.observe_cycle(time.monotonic() - started, len(report.booked), report.errors)
    return report


def backfill_once(context: Context, stopping: threading.Event) -> None:
    """Backfill what is wanted, until it is done or the service stops."""
    now = time.time()
    try:
        counted = [c for c in declare(context, int(now)).counted if c.meter.backfill_to is not None]
        heads = {}
        for name in {c.slo.source for c in counted}:
            try:
                heads[name] = horizon_of(context.clients[name], context.source(name), now).head
            except SourceError as error:
                if context.told.is_news(f"source {name}", str(error), now):
                    _log.warning("backfill waits: %s", error)
        counted = [c for c in counted if c.slo.source in heads]
        backfill(context, counted, heads, now=int(now), stopped=stopping.is_set)
    except StoreError as error:
        _log.warning("backfill waits: %s", error)


def _guarded(what: str, metrics: Metrics, run: Callable[[], T]) -> T | None:
    """What `run` gives; None if the store or a source failed, which is logged and counted."""
    try:
        return run()
    except (SourceError, StoreError) as error:
        _log.error("%s failed: %s", what, error)
        metrics.observe_cycle(0.0, 0, Counter({type(error).__name__: 1}))
    except Exception:  # noqa: BLE001 - see below.
        # The scheduler would only print it; the service goes on with the next tick.
        _log.exception("%s failed", what)
        metrics.observe_cycle(0.0, 0, Counter({"internal": 1}))
    return None
