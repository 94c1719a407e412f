"""Silencing: silences as people ask for them, checked and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.refusal import RefusedError
from slo.domain.scope import EVERYTHING, in_scope
from slo.domain.silence import Silence
from slo.domain.span import rfc3339
from slo.sent import LARGEST_ID, LONGEST_WHO, LONGEST_WHY, ensure_scope, ensure_text, ensure_until
from slo.store import silences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings

LONGEST_DAYS = 30
_MOST_LABELS = 20


def silence(
    session: Session,
    settings: Settings,
    *,
    scope: str,
    until: str,
    who: str,
    why: str,
    now: int,
    labels: Sequence[tuple[str, str]] = (),
    everything: bool = False,
) -> Silence:
    """Mutes notifications of the SLOs in `scope` that have all `labels`, from `now` to `until`.

    `until` is a duration or a time, at most 30 days ahead. One that mutes every SLO
    needs `everything`. Raises `RefusedError`.
    """
    chosen = ensure_scope(session, settings, scope)
    if chosen == EVERYTHING and not labels and not everything:
        raise RefusedError(
            "all", f"is needed for {EVERYTHING}, which mutes every SLO; or name a service"
        )
    if everything and (chosen != EVERYTHING or labels):
        raise RefusedError("all", f"contradicts what is named; leave it out, or write {EVERYTHING}")
    wanted = Silence(
        0,
        chosen,
        now,
        ensure_until(until, now, LONGEST_DAYS),
        ensure_text("who", who, LONGEST_WHO),
        ensure_text("why", why, LONGEST_WHY),
        _ensure_labels(settings, chosen, labels),
        now,
    )
    return silences.add(session, wanted)


def end(session: Session, silence_id: int, *, who: str, why: str, now: int) -> Silence:
    """Ends a silence before its time; raises `RefusedError` where there is nothing to end."""
    who, why = ensure_text("who", who, LONGEST_WHO), ensure_text("why", why, LONGEST_WHY)
    known = silences.by_id(session, silence_id) if silence_id < LARGEST_ID else None
    if known is None:
        raise RefusedError("id", f"there is no silence {silence_id}; `slo silence list` shows all")
    ended = silences.end(session, silence_id, now, who, why)
    if ended is None:
        over = known.end if known.ended_at is None else min(known.end, known.ended_at)
        raise RefusedError("id", f"silence {silence_id} is over since {rfc3339(over)}")
    return ended


def _ensure_labels(
    settings: Settings, scope: str, labels: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """The labels, sorted; refused where no SLO has them, since that would mute nothing."""
    if len(dict(labels)) != len(labels) or len(labels) > _MOST_LABELS:
        raise RefusedError("labels", f"have a name twice, or are over {_MOST_LABELS}")
    wanted = set(labels)
    inside = [slo for slo in settings.slos if in_scope(scope, slo.id)]
    if wanted and not any(wanted <= set(slo.labels) for slo in inside):
        there = sorted({f"{name}={value}" for slo in inside for name, value in slo.labels})
        told = f"there are {', '.join(there[:10])}" if there else "they have no labels"
        asked = ", ".join(f"{name}={value}" for name, value in labels)
        raise RefusedError("labels", f"no SLO of {scope} has {asked[:200]}; {told}")
    return tuple(sorted(labels))


def silence_json(found: Silence, now: float) -> dict[str, Any]:
    """A silence as the JSON of API and CLI; `active` tells whether it mutes at `now`."""
    over = found.end if found.ended_at is None else min(found.end, found.ended_at)
    return {
        "id": found.id,
        "scope": found.scope,
        "labels": dict(found.labels),
        "start": rfc3339(found.start),
        "end": rfc3339(found.end),
        "ended_at": None if found.ended_at is None else rfc3339(found.ended_at),
        "active": found.start <= now < over,
        "who": found.who,
        "why": found.why,
        "at": rfc3339(found.at),
    }
