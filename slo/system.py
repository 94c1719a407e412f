"""The system: how the service itself does, gathered from the store and from this process."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import slo
from slo.domain.breaker import Health
from slo.prometheus.errors import shown
from slo.store import backlog, cycles, facts, receivers, verifications, watches
from slo.store.backlog import Backlog
from slo.store.extent import extent_of
from slo.store.progress import Progress, by_source
from slo.watching import CYCLE_AFTER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.notification import Notification
    from slo.loaded import Loaded, LoadState
    from slo.sources import Found, Sources
    from slo.store.cycles import Cycle
    from slo.store.extent import Extent
    from slo.store.verifications import Verified
    from slo.store.watches import Watch

CYCLES = 120
LETTERS = 20
RECOUNTS = 200
DIFFERING = 20
_HOUR, _DAY = 3600, 86_400
_NIGHT = 6 * _HOUR
"""Seconds within which recounts are of one night's run."""

SourceState = Literal["ok", "failing", "silent", "unknown"]


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How one source does: `silent` as the cycles tell, `failing` if its last request failed."""

    name: str
    urls: tuple[str, ...]
    """Without login and query."""
    state: SourceState
    why: str
    silent_since: int | None
    found: Found | None
    """What this process has found; None: it has asked nothing."""
    progress: Progress | None
    """Of the SLOs that are counted from it; None: of none."""

    @property
    def reason(self) -> str:
        """Why, without the name and the address that stand beside it."""
        prefixes = (f"{self.name} ({url}): " for url in self.urls)
        return next(
            (self.why.removeprefix(p) for p in prefixes if self.why.startswith(p)), self.why
        )


@dataclass(frozen=True, slots=True)
class ReceiverHealth:
    """How one receiver does; `type` None: it is gone from slo.yaml."""

    name: str
    type: str | None
    health: Health
    backlog: Backlog

    @property
    def state(self) -> str:
        """As of the breaker, or `gone`."""
        return "gone" if self.type is None else self.health.state


@dataclass(frozen=True, slots=True)
class Outbox:
    """What waits, what ended in the last 24 hours by state, and what nobody got."""

    pending: int
    oldest: float | None
    ended: Mapping[str, int]
    dead: int
    letters: tuple[Notification, ...]


@dataclass(frozen=True, slots=True)
class System:
    """How the service does at `at`; instants in epoch seconds."""

    at: float
    version: str
    python: str
    platform: str
    started_at: float
    late_after: int
    """Seconds without a finished cycle after which something is wrong."""
    cycles: tuple[Cycle, ...]
    """The newest, newest first."""
    samples_hour: int
    samples_day: int
    sources: tuple[SourceHealth, ...]
    receivers: tuple[ReceiverHealth, ...]
    outbox: Outbox
    extent: Extent
    upkeep: dict[str, Any] | None
    backup: dict[str, Any] | None
    recounts: tuple[Verified, ...]
    """The newest recounts of past days, newest first."""
    differing: tuple[Verified, ...]
    """The newest of those that differ."""
    config: LoadState
    settings: Settings

    @property
    def cycle_late(self) -> bool:
        """Whether the last cycle is too old."""
        last = self.cycles[0].finished if self.cycles else self.started_at
        return self.at - max(last, self.started_at) >= self.late_after

    @property
    def behind(self) -> float | None:
        """Seconds since the last reading of the ledger furthest behind; None: none has any."""
        oldest = [one.progress.oldest for one in self.sources if one.progress is not None]
        known = [at for at in oldest if at is not None]
        return self.at - min(known) if known else None

    @property
    def last_recounts(self) -> tuple[Verified, ...]:
        """The recounts of the last night that had any."""
        return tuple(one for one in self.recounts if self.recounts[0].at - one.at < _NIGHT)


def late_after(interval: int) -> int:
    """Seconds without a finished cycle after which something is wrong, as people are told."""
    return max(CYCLE_AFTER, 2 * interval)


def describe(
    session: Session, loaded: Loaded, sources: Sources, started_at: float, now: float
) -> System:
    """The system now; it asks no source and reads no large table whole."""
    settings, state = loaded.settings, loaded.state
    dead, letters = backlog.dead_letters(session, LETTERS)
    waiting = backlog.backlogs(session)
    return System(
        at=now,
        version=slo.__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}".strip() or sys.platform,
        started_at=started_at,
        late_after=late_after(settings.interval),
        cycles=tuple(cycles.newest(session, CYCLES)),
        samples_hour=cycles.samples_since(session, int(now) - _HOUR),
        samples_day=cycles.samples_since(session, int(now) - _DAY),
        sources=_sources(settings, sources.all(), watches.all(session), by_source(session)),
        receivers=_receivers(settings, receivers.healths(session), waiting),
        outbox=Outbox(
            sum(one.pending for one in waiting.values()),
            min((one.oldest for one in waiting.values() if one.oldest is not None), default=None),
            backlog.count_ended(session, now - _DAY),
            dead,
            tuple(letters),
        ),
        extent=extent_of(session),
        upkeep=facts.of(session, "upkeep"),
        backup=facts.of(session, "backup"),
        recounts=tuple(verifications.newest(session, RECOUNTS)),
        differing=tuple(verifications.newest(session, DIFFERING, differing=True)),
        config=state,
        settings=settings,
    )


def _sources(
    settings: Settings,
    found: Mapping[str, Found],
    silent: Mapping[str, Watch],
    reached: Mapping[str, Progress],
) -> tuple[SourceHealth, ...]:
    return tuple(
        SourceHealth(
            source.name,
            tuple(shown(url) for url in source.urls),
            *_state(found.get(source.name), silent.get(f"source/{source.name}")),
            found.get(source.name),
            reached.get(source.name),
        )
        for source in settings.sources
    )


def _state(found: Found | None, watch: Watch | None) -> tuple[SourceState, str, int | None]:
    if watch is not None:
        return "silent", watch.why, watch.silent_since
    if found is None or not found.requests:
        return "unknown", "", None
    return ("failing", found.kind, None) if found.failing else ("ok", "", None)


def _receivers(
    settings: Settings, known: Mapping[str, Health], waiting: Mapping[str, Backlog]
) -> tuple[ReceiverHealth, ...]:
    types = {receiver.name: receiver.type for receiver in settings.receivers}
    names = [*types, *sorted(set(waiting) - set(types))]
    return tuple(
        ReceiverHealth(
            name, types.get(name), known.get(name, Health(name)), waiting.get(name, Backlog())
        )
        for name in names
    )
