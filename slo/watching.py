"""Watching the watcher: silent sources, cycles that do not finish, and the heartbeat.

A source that is silent says nothing about the services behind it, so it pages nobody
for an SLO. It is told once, by an alert of the installation's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slo.alerting import decide_blind
from slo.domain.notification import Facts, Notice
from slo.domain.policy import BLIND_AFTER
from slo.domain.span import rfc3339
from slo.notify.outbox import enqueue
from slo.store import cycles, watches
from slo.store.engine import reading, writing
from slo.store.outbox import installation_id
from slo.store.watches import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.notification import NoticeKind

CYCLE_AFTER = 300
"""Seconds without a finished cycle after which people are told."""

_CYCLE = "cycle"


def watch_sources(
    engine: Engine, settings: Settings, read: Iterable[str], silent: Mapping[str, str], now: int
) -> None:
    """Keep since when sources are silent; tell people, and the SLOs, after ten minutes.

    `read` are the sources that showed data in this cycle, `silent` says why the others did
    not.
    """
    with reading(engine) as session:
        known = watches.all(session)
    back = [name for name in read if _subject(name) in known]
    if not back and not silent:
        return
    with writing(engine) as session:
        known = watches.all(session)
        for name in back:
            _end(session, settings, known.get(_subject(name)), now, f"Prometheus {name}")
        for name, why in silent.items():
            watch = known.get(_subject(name)) or Watch(_subject(name), now, why)
            watch = replace(watch, why=why)
            told = _tell_blind(session, settings, name, watch, now)
            watches.put(session, told)
            slos = [slo for slo in settings.slos if slo.source == name]
            decide_blind(session, settings, slos, watch.silent_since, now)


def watch_cycles(engine: Engine, settings: Settings, started: int, now: int) -> None:
    """Tell people when no cycle has finished for five minutes since the service `started`."""
    with writing(engine) as session:
        last = cycles.last(session)
        since = max(started, 0 if last is None else last.finished)
        known = watches.all(session).get(_CYCLE)
        if now - since < CYCLE_AFTER:
            _end(session, settings, known, now, "The cycle")
            return
        if known is not None and known.told_at is not None:
            return
        text = f"no cycle has finished since {rfc3339(since)}; nothing is counted or decided"
        watch = Watch(_CYCLE, since, text, now)
        _tell(session, settings, watch, "system", "The cycle does not finish", now)
        watches.put(session, watch)


def may_beat(engine: Engine) -> bool:
    """Whether the heartbeat may say that all is well: no source is blind."""
    with reading(engine) as session:
        return not any(w.told_at is not None for w in watches.all(session).values())


def _subject(source: str) -> str:
    return f"source/{source}"


def _tell_blind(session: Session, settings: Settings, name: str, watch: Watch, now: int) -> Watch:
    if watch.told_at is not None or now - watch.silent_since < BLIND_AFTER:
        return watch
    _tell(session, settings, watch, "system", f"Prometheus {name} is silent", now)
    return replace(watch, told_at=now)


def _end(session: Session, settings: Settings, watch: Watch | None, now: int, what: str) -> None:
    if watch is None:
        return
    if watch.told_at is not None:
        _tell(session, settings, watch, "system-over", f"{what} is back", now)
    watches.end(session, watch.subject)


def _tell(
    session: Session,
    settings: Settings,
    watch: Watch,
    kind: NoticeKind,
    title: str,
    now: int,
) -> None:
    subject = f"{watch.subject}/{watch.silent_since}"
    over = kind == "system-over"
    facts = Facts(
        kind=kind,
        severity="page",
        dedup_key=f"{installation_id(session)}/{subject}",
        title=title,
        summary=f"silent since {rfc3339(watch.silent_since)}: {watch.why}",
        at=now,
        service=settings.name,
        installation=settings.name,
        opened_at=watch.silent_since,
        resolved_at=now if over else None,
        url=settings.url,
    )
    enqueue(session, settings, Notice(subject, "back" if over else "silent", facts), now)
