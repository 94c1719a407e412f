"""Ending: what is written when an incident resolves, by itself or by hand."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from slo import postmortem
from slo.domain.incident import AUTO
from slo.incidents.burning import books_of, calm_since, write_lost
from slo.store import alerts, incidents, timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.alert import Transition
    from slo.domain.incident import Incident

_log = logging.getLogger(__name__)
_ABSENT = {"dead", "gone"}


def close(
    session: Session,
    settings: Settings,
    incident: Incident,
    at: int,
    now: int,
    *,
    text: str,
    who: str = AUTO,
    absent: bool = False,
) -> None:
    """Resolves an incident at `at`, with its numbers, and drafts its postmortem.

    `absent`: data of one of its SLOs are still missing, so that nothing is mitigated.
    """
    changes = alerts.of_incident(session, incident.id)
    mitigated = None if absent else _mitigated_at(session, incident, changes, at)
    incidents.change(
        session,
        incident.id,
        status="resolved",
        resolved_at=at,
        resolved_by=who,
        mitigated_at=mitigated,
    )
    incidents.leave(session, incident.id)
    if mitigated is not None:
        calm = "The burn stayed below 1x from here on."
        timeline.add(session, incident.id, "mitigated", calm, at=mitigated, now=now)
    timeline.add(session, incident.id, "resolved", text, at=at, now=now, who=who)
    ended = incidents.one(session, incident.id)
    if ended is not None:
        write_lost(session, ended, now)
    _draft(session, settings, incident.id, at, now)


def _mitigated_at(
    session: Session, incident: Incident, changes: Sequence[Transition], at: int
) -> int | None:
    """From when on nothing burned and nothing was missing; None: something still burns."""
    ends = [c.at for c in changes if c.kind in _ABSENT and c.change != "fires"]
    for book in books_of(session, [s.slo for s in incident.slos], at).values():
        calm = calm_since(session, book, incident.started_at, at)
        if calm == at:
            return None
        if calm is not None:
            ends.append(calm)
    return min(at, max(ends, default=at))


def _draft(session: Session, settings: Settings, incident_id: int, at: int, now: int) -> None:
    """Drafts the postmortem; a fault in that never keeps an incident from resolving."""
    try:
        with session.begin_nested():
            postmortem.draft(session, settings, incident_id, now)
    except OperationalError:
        raise  # The store itself fails, so that nothing of this can be written.
    except Exception as error:  # noqa: BLE001 -- a template or a ledger may raise anything.
        _log.exception("the postmortem of incident %d cannot be drafted", incident_id)
        text = f"The postmortem could not be drafted: {type(error).__name__}; the log tells more."
        timeline.add(session, incident_id, "postmortem", text, at=at, now=now)
