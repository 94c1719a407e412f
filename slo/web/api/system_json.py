"""The system as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.span import maybe_rfc3339, rfc3339
from slo.notify.report import receivers_json

if TYPE_CHECKING:
    from slo.loaded import Loaded
    from slo.store.cycles import Cycle
    from slo.system import SourceHealth, System

CYCLES = 20


def system_json(system: System) -> dict[str, Any]:
    """How the service does, as plain values."""
    healths = {one.name: one.health for one in system.receivers}
    waiting = {one.name: one.backlog for one in system.receivers}
    outbox, extent = system.outbox, system.extent
    return {
        "at": rfc3339(system.at),
        "installation": {
            "version": system.version,
            "python": system.python,
            "platform": system.platform,
            "started_at": rfc3339(system.started_at),
        },
        "cycles": {
            "late": system.cycle_late,
            "late_after": system.late_after,
            "newest": [_cycle(one) for one in system.cycles[:CYCLES]],
        },
        "samples_last_hour": system.samples_hour,
        "samples_last_day": system.samples_day,
        "sources": [_source(one, system.at) for one in system.sources],
        "receivers": receivers_json(system.settings, healths, waiting),
        "outbox": {
            "pending": outbox.pending,
            "oldest": maybe_rfc3339(outbox.oldest),
            "ended": dict(outbox.ended),
            "dead": outbox.dead,
        },
        "store": {
            "kind": extent.kind,
            "revision": extent.revision,
            "size": extent.size,
            "unused": extent.unused,
            "log": extent.log,
            "rows": [
                {"table": one.table, "count": one.count, "amount": one.amount}
                for one in extent.rows
            ],
        },
        "upkeep": _fact(system.upkeep),
        "backup": _fact(system.backup),
        "recounts": [
            {
                "at": rfc3339(one.at),
                "slo": one.slo,
                "day": rfc3339(one.day),
                "agrees": one.agrees,
                "text": one.text,
            }
            for one in system.recounts[:CYCLES]
        ],
        "config": _config(system),
    }


def configuration_json(loaded: Loaded) -> dict[str, Any]:
    """slo.yaml as it is in force, with what is secret hidden."""
    state, settings = loaded.state, loaded.settings
    return {
        "file": state.file,
        "text": state.text,
        "warnings": list(settings.warnings),
        "defaults": list(settings.defaults),
    }


def _config(system: System) -> dict[str, Any]:
    state, settings = system.config, system.settings
    return {
        "file": state.file,
        "loaded_at": rfc3339(state.loaded_at),
        "tried_at": rfc3339(state.tried_at),
        "faults": [
            {
                "file": fault.file,
                "line": fault.line,
                "column": fault.column,
                "where": fault.where,
                "message": fault.message,
            }
            for fault in state.faults
        ],
        "restart": list(state.waiting),
        "warnings": list(settings.warnings),
        "slos": len(settings.slos),
        "services": len({slo.service for slo in settings.slos}),
    }


def _cycle(cycle: Cycle) -> dict[str, Any]:
    return {
        "started": rfc3339(cycle.started),
        "seconds": None if cycle.seconds is None else round(cycle.seconds, 3),
        "slos": cycle.slos,
        "booked": cycle.booked,
        "samples": cycle.samples,
        "requests": cycle.requests,
        "errors": cycle.errors,
        "lag": cycle.lag,
    }


def _source(one: SourceHealth, now: float) -> dict[str, Any]:
    found, progress = one.found, one.progress
    oldest = None if progress is None else progress.oldest
    return {
        "name": one.name,
        "urls": list(one.urls),
        "state": one.state,
        "why": one.why,
        "silent_since": maybe_rfc3339(one.silent_since),
        "version": (found.version or None) if found else None,
        "answered_at": maybe_rfc3339(found.answered_at) if found else None,
        "requests": found.requests if found else 0,
        "errors": found.errors if found else 0,
        "samples": found.samples if found else 0,
        "usual_seconds": found.usual if found else None,
        "slowest_seconds": found.slowest if found else None,
        "slos": progress.slos if progress else 0,
        "unbooked": progress.unbooked if progress else 0,
        "newest": maybe_rfc3339(progress.newest) if progress else None,
        "oldest": maybe_rfc3339(oldest),
        "lag": None if oldest is None else round(now - oldest, 1),
        "backfilling": progress.backfilling if progress else 0,
        "missing": progress.missing if progress else 0,
    }


def _fact(fact: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if fact is None else {**fact, "at": rfc3339(fact["at"])}
