"""Watching the watcher: silent sources, cycles that do not finish, and the heartbeat.

A source that is silent says nothing about the services behind it, so it pages nobody
for an SLO. It is told once, by an alert of the installation's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.alerting import decide_blind
from slo.domain.notification import Facts, Notice
from slo.domain.policy import BLIND_AFTER
from slo.domain.span import rfc3339
from slo.notify.outbox import enqueue
from slo.store import cycles, watches
from slo.store.engine import reading, writing
from slo.store.outbox import installation_id
from slo.store.slos import row_ids
from slo.store.watches import Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.notification import NoticeKind

CYCLE_AFTER = 300
"""Seconds without a finished cycle after which people are told, but at least two intervals."""

_CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a source is silent, in words, and when its newest sample was taken, if it tells."""

    why: str
    since: int | None = None


def watch_sources(
    engine: Engine, settings: Settings, read: Iterable[str], silent: Mapping[str, Silence], now: int
) -> None:
    """Keep since when sources are silent; tell people, and the SLOs, after ten minutes.

    `read` are the sources that showed data in this cycle. What is known of others than
    these and the silent ones is over: slo.yaml does not use them any more.
    """
    with reading(engine) as session:
        known = watches.all(session)
    if not silent and not any(_is_source(subject) for subject in known):
        return
    back = {_subject(name): f"Prometheus {name} is back" for name in read}
    with writing(engine) as session:
        known = watches.all(session)
        for watch in known.values():
            name = watch.subject.partition("/")[2]
            if _is_source(watch.subject) and name not in silent:
                removed = f"Prometheus {name} is not used any more"
                _end(session, settings, watch, now, back.get(watch.subject, removed))
        for name, found in silent.items():
            begun = Watch(_subject(name), now if found.since is None else found.since, found.why)
            watch = replace(known.get(_subject(name), begun), why=found.why)
            told = _tell_blind(session, settings, name, watch, now)
            watches.put(session, told)
            slos = [slo for slo in settings.slos if slo.source == name]
            # One that waits to take over the ledger of another (`was`) is not in the store yet.
            stored = row_ids(session, [slo.id for slo in slos])
            blind = [slo for slo in slos if slo.id in stored]
            decide_blind(session, settings, blind, watch.silent_since, now)


def watch_cycles(engine: Engine, settings: Settings, started: int, now: int) -> None:
    """Tell people when no cycle has finished for five minutes since the service `started`."""
    with reading(engine) as session:
        finished = _finished(session)
        known = watches.all(session).get(_CYCLE)
    since = max(started, finished)
    late = now - since >= max(CYCLE_AFTER, 2 * settings.interval)
    # A service that has just started anew has not shown yet that its cycles finish.
    over = known is not None and not late and finished > known.silent_since
    if not over and (known is not None or not late):
        return
    with writing(engine) as session:
        known = watches.all(session).get(_CYCLE)
        if known is not None and over:
            _end(session, settings, known, now, "The cycle finishes again")
        elif known is None and not over:
            text = f"no cycle has finished since {rfc3339(since)}; nothing is counted or decided"
            watch = Watch(_CYCLE, since, text, now)
            _tell(session, settings, watch, "system", "The cycle does not finish", now)
            watches.put(session, watch)


def may_beat(engine: Engine) -> bool:
    """Whether the heartbeat may say that all is well: people were told of no silence."""
    with reading(engine) as session:
        return not any(w.told_at is not None for w in watches.all(session).values())


def _finished(session: Session) -> int:
    last = cycles.last(session)
    return 0 if last is None else last.finished


def _is_source(subject: str) -> bool:
    return subject != _CYCLE


def _subject(source: str) -> str:
    return f"source/{source}"


def _tell_blind(session: Session, settings: Settings, name: str, watch: Watch, now: int) -> Watch:
    if watch.told_at is not None or now - watch.silent_since < BLIND_AFTER:
        return watch
    _tell(session, settings, watch, "system", f"Prometheus {name} is silent", now)
    return replace(watch, told_at=now)


def _end(session: Session, settings: Settings, watch: Watch, now: int, title: str) -> None:
    if watch.told_at is not None:
        _tell(session, settings, watch, "system-over", title, now)
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
