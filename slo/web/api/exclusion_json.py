"""Exclusions, their schedules and previews as the JSON of API and command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.scope import in_scope
from slo.domain.span import rfc3339
from slo.status import events
from slo.store import exclusion_schedules, exclusions

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Exclusion
    from slo.domain.span import Span
    from slo.domain.standing import Budget
    from slo.excluding.preview import Change
    from slo.store.exclusion_schedules import Schedule

SPANS_SHOWN = 50
"""Spans of one SLO that a preview lists."""


def listing_json(
    session: Session, now: int, chosen: Collection[str] | None, *, occurrences: bool
) -> dict[str, Any]:
    """The active exclusions and schedules that cover any of the `chosen` SLOs; None: all.

    Occurrences of schedules are listed only if asked for.
    """

    def concerns(scope: str) -> bool:
        return chosen is None or any(in_scope(scope, slo_id) for slo_id in chosen)

    kept = [k for k in exclusions.listed(session) if concerns(k.exclusion.scope)]
    return {
        "at": rfc3339(now),
        "exclusions": [
            exclusion_json(k.exclusion, k.schedule)
            for k in kept
            if occurrences or k.schedule is None
        ],
        "schedules": [
            schedule_json(
                schedule, [k.exclusion.span for k in kept if k.schedule == schedule.id], now
            )
            for schedule in exclusion_schedules.of(session)
            if concerns(schedule.scope)
        ],
    }


def exclusion_json(exclusion: Exclusion, schedule: int | None = None) -> dict[str, Any]:
    """One exclusion; `schedule` is the id of the schedule that it is an occurrence of."""
    return {
        "id": exclusion.id,
        "scope": exclusion.scope,
        **span_json(exclusion.span),
        "category": exclusion.category,
        "who": exclusion.who,
        "why": exclusion.why,
        "at": rfc3339(exclusion.at),
        "schedule": schedule,
    }


def schedule_json(schedule: Schedule, spans: Collection[Span], now: int) -> dict[str, Any]:
    """One schedule with its next occurrence among `spans`; `start` is local to its zone."""
    coming = [span for span in spans if span.end > now]
    return {
        "id": f"schedule/{schedule.id}",
        "scope": schedule.scope,
        "rrule": schedule.rrule,
        "start": schedule.start,
        "zone": schedule.zone,
        "seconds": schedule.seconds,
        "category": schedule.category,
        "who": schedule.who,
        "why": schedule.why,
        "at": rfc3339(schedule.at),
        "occurrences": len(spans),
        "next": span_json(min(coming)) if coming else None,
    }


def change_json(change: Change) -> dict[str, Any]:
    """What an exclusion changes in one SLO; the first 50 of its spans."""
    taken = change.taken
    return {
        "slo": change.slo,
        "spans": [span_json(span) for span in change.spans[:SPANS_SHOWN]],
        "span_count": len(change.spans),
        "events": {
            "good": events(taken.good),
            "bad": events(taken.total - taken.good),
            "total": events(taken.total),
        },
        "budget": {"before": _budget_json(change.before), "after": _budget_json(change.after)},
        "state": {"before": change.state_before, "after": change.state_after},
    }


def span_json(span: Span) -> dict[str, str]:
    """A span by its ends."""
    return {"start": rfc3339(span.start), "end": rfc3339(span.end)}


def _budget_json(budget: Budget) -> dict[str, Any]:
    return {
        "allowed": events(budget.allowed),
        "spent": events(budget.spent),
        "remaining": events(budget.remaining),
        "projected": budget.projected,
    }
