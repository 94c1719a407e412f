"""Serving: everything that runs, from the start of the service to its end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.notify.dispatcher import Dispatcher
from slo.notify.heartbeat import Heartbeat
from slo.reload_audit import ReloadAudit
from slo.reloading import Reloader, can_be_watched
from slo.scheduler.jobs import Jobs
from slo.scheduler.web_server import WebServer
from slo.sources import Sources
from slo.store.engine import open_engine
from slo.store.migrations import ensure_current
from slo.watching import may_beat
from slo.web.app import create_app, warm

if TYPE_CHECKING:
    from pathlib import Path
    from queue import SimpleQueue
    from types import FrameType

    from slo.config.settings import Settings

_log = logging.getLogger(__name__)

_COLLECTING = (2_000, 10, 1_000)
"""New objects until the collector looks at them, and how seldom it looks at older ones."""
_TURN_SECONDS = 0.001


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    file: Path | None = None,
    asked: SimpleQueue[None] | None = None,
) -> int:
    """Run cycles and the site until SIGTERM or SIGINT; gives the exit status.

    `file` is where the settings were read; it is watched from now on, and read anew for
    each entry of `asked`, too.
    """
    if file is not None and not can_be_watched(file):
        _log.info("%s can be read only once; a restart reads it again", file)
        file = None
    # A backfill that outlasts its tick is as it should be, and no warning.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    engine = open_engine(settings.database_url)
    ensure_current(engine)
    loaded = Loaded(settings, time.time(), "" if file is None else str(file))
    metrics = Metrics(engine, loaded=loaded)
    sources = Sources()
    app = create_app(engine, loaded=loaded, registry=metrics.registry, sources=sources)
    # Bound before anything runs: a taken port is told at once.
    server = WebServer(app, host, port)
    _end_at_signals(server)
    dispatcher = Dispatcher(engine, loaded)
    heartbeat = Heartbeat(loaded, metrics.observe_heartbeat)

    def on_cycle() -> None:
        dispatcher.wake()
        if may_beat(engine):
            heartbeat.beat(time.time())
        warm(app)

    jobs = Jobs(engine, loaded, metrics, sources, on_cycle)
    noted = ReloadAudit(engine, settings)

    def on_reload(found: Settings) -> None:
        noted.note(found, time.time())
        jobs.settle(found)

    reloader = None
    if file is not None:
        reloader = Reloader(file, os.environ, loaded, on_reload, asked=asked)
    try:
        dispatcher.start()
        jobs.start()
        if reloader is not None:
            reloader.start()
        favour_answers()
        _log.info("serving on http://%s:%s", host, port)
        server.run()
    finally:
        server.close()
        jobs.stop()
        if reloader is not None:
            reloader.stop()
        dispatcher.stop()
        engine.dispose()
    return 0


def favour_answers() -> None:
    """Lets those who ask the site wait less for the cycles beside them.

    While the garbage collector runs, nobody is answered: its full run looks at every object,
    for a tenth of a second and more, and one that waits for many new objects takes longer.
    So it takes few at a time, and seldom all; what is there now stays, and need not be
    looked at.

    An answer lets go of the interpreter a dozen times, as at each statement to the store, and
    each time a busy cycle may keep it for one turn: 5 ms by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTING)
    sys.setswitchinterval(_TURN_SECONDS)


def _end_at_signals(server: WebServer) -> None:
    """SIGTERM and SIGINT end it in order; further ones change nothing."""

    def end(_number: int, _frame: FrameType | None) -> None:
        server.end()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
