"""Upkeep: recurring exclusions, compaction, what may be forgotten, and a nightly recount."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from slo.declaring import running
from slo.domain.exclusion import instants_needed
from slo.domain.span import utc
from slo.domain.window import CalendarWindow
from slo.excluding.wanted import extend
from slo.prometheus.job import Fault
from slo.store import (
    compaction,
    contributors,
    corrections,
    edges,
    exclusions,
    facts,
    incidents,
    retention,
    slos,
    verifications,
)
from slo.store.engine import reading, writing
from slo.verify import difference_text, random_day, verified, verify_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from slo.context import Context
    from slo.declaring import Counted

_log = logging.getLogger(__name__)

HOURS = 24
RECOUNT_HOUR = 3
"""UTC hour in which a random past day is recounted: a quiet one nearly everywhere."""

THROTTLED = 86_400
"""Seconds after which a failed login is forgotten."""

MESSAGES_AT_ONCE = 1000
"""Notifications that one transaction forgets."""

DEAD_KEPT = 365 * 86_400
"""Seconds that notifications which nobody got are kept at least."""

MOST_INCIDENTS = 10_000
"""Incidents of one SLO whose edges stay exact, the newest."""

FOLD_AFTER = 86_400
"""Seconds after which contributors without bad events are summed up as `other`."""


def upkeep(
    context: Context,
    now: float,
    on_verified: Callable[[str, float], None],
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """The upkeep of this hour: each meter's turn comes once a day, so none waits for all.

    Once `stopped`, it leaves the rest for another day: nothing depends on it.
    """
    with writing(context.engine) as session:
        extend(session, int(now))
    hour = utc(now).hour
    counted = running(context)
    keep = [
        (int(k.older_than.total_seconds()), int(k.every.total_seconds()))
        for k in context.settings.keep
    ]
    ledgers = deleted = 0
    for c in counted:
        if stopped():
            return
        if c.meter.id % HOURS != hour or c.meter.booked_from is None:
            continue
        ledgers += 1
        with writing(context.engine) as session:
            pinned = pinned_ends(session, c)
            deleted += compaction.compact(session, c.meter.id, int(now), keep, pinned)
            contributors.fold_good(session, c.meter.id, int(now) - FOLD_AFTER)
    with writing(context.engine) as session:
        edges.forget(session, round(context.settings.max_gap.total_seconds() * 1000))
    notifications = _forget_notifications(context, now, stopped)
    with writing(context.engine) as session:
        retention.forget_logins(session, now, now - THROTTLED)
        verifications.forget(session, int(now) - verifications.KEPT_SECONDS)
        done = {
            "at": int(now),
            "ledgers": ledgers,
            "readings": deleted,
            "notifications": notifications,
        }
        facts.put(session, "upkeep", done)
    if hour == RECOUNT_HOUR:
        _recount(context, counted, int(now), on_verified, stopped)


def _forget_notifications(context: Context, now: float, stopped: Callable[[], bool]) -> int:
    """Delete notifications that ended long ago; gives how many."""
    kept = context.settings.keep_notifications.total_seconds()
    count = 0
    while not stopped():
        with writing(context.engine) as session:
            found = retention.forget_notifications(
                session, now - kept, now - max(kept, DEAD_KEPT), MESSAGES_AT_ONCE
            )
        count += found
        if found < MESSAGES_AT_ONCE:
            break
    return count


def pinned_ends(session: Session, c: Counted, since: int | None = None) -> set[int]:
    """The instants at which a meter's readings stay: where spans may begin or end.

    Calendar boundaries in the SLO's zone, and edges of exclusions, corrections, revisions
    and incidents.
    From the ledger's beginning on, or from `since` (epoch seconds).
    """
    first = (c.meter.booked_from or 0) if since is None else since
    pinned: set[int] = set()
    for exclusion in exclusions.of(session):
        if exclusion.covers(c.slo.id):
            # Its end moves outward to the first reading at or after it, which must stay too.
            pinned |= set(instants_needed(exclusion.span, [exclusion], c.meter.bucket))
    pinned |= {k.end for k in corrections.of(session, [c.meter.id])[c.meter.id]}
    for incident in incidents.many(session, slo=c.slo.id, since=first, limit=MOST_INCIDENTS):
        pinned |= {incident.started_at, incident.opened_at}
        pinned |= set() if incident.resolved_at is None else {incident.resolved_at}
    for revision in slos.revisions(session, c.slo.id):
        pinned |= {revision.since, *_boundaries(revision.window, first, c.meter.booked_to)}
    return pinned | set(_boundaries(c.slo.window, first, c.meter.booked_to))


def _boundaries(window: object, first: int, last: int | None) -> Sequence[int]:
    if not isinstance(window, CalendarWindow):
        return ()
    found = []
    end = last or 0
    while end > first:
        start = window.period_at(end).start
        found.append(start)
        end = start
    return found


def _recount(
    context: Context,
    counted: Sequence[Counted],
    now: int,
    on_verified: Callable[[str, float], None],
    stopped: Callable[[], bool],
) -> None:
    rng = random.Random(now)  # noqa: S311 -- which day is checked needs no secrecy.
    for c in counted:
        with reading(context.engine) as session:
            day = random_day(session, c.meter, now, rng)
        if stopped():
            return
        if day is None:
            continue
        verification = verify_day(context, c, day)
        with writing(context.engine) as session:
            verifications.add(session, verified(verification, c.slo.id, day, now))
        if isinstance(verification, Fault):
            _log.warning("recount of %s: %s", c.slo.id, verification.message)
            continue
        if verification.forgotten:
            continue
        difference = verification.difference
        on_verified(c.slo.id, abs(difference.total) + abs(difference.good))
        if not verification.agrees:
            _log.warning(
                "recount of %s on %s differs from the ledger: %s",
                c.slo.id,
                utc(day).date(),
                difference_text(verification),
            )
