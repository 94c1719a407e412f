"""Incidents as lists show them: how bad, whose, for how long, and what is written about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.postmortem import required_why
from slo.web import format as fmt
from slo.web.badge import Badge
from slo.web.links import parts
from slo.web.moment import moment
from slo.web.pages.alerts.rows import SEVERITIES

if TYPE_CHECKING:
    from decimal import Decimal

    from markupsafe import Markup

    from slo.domain.incident import Incident
    from slo.domain.postmortem import Summary

STATUSES: dict[str, Badge] = {
    "open": Badge("red", "\u25cf", "open", "Nobody has taken it yet."),
    "acknowledged": Badge("amber", "\u25d0", "acknowledged", "Somebody works on it."),
    "resolved": Badge("healthy", "\u2713", "resolved", "It is over."),
}
WRITTEN: dict[str, Badge] = {
    "draft": Badge("amber", "\u25cb", "draft", "Still being written."),
    "review": Badge("blue", "\u25d0", "in review", "Somebody else is to read it."),
    "published": Badge("healthy", "\u2713", "published", "Read and agreed."),
}
"""What a postmortem's status is shown as."""


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident of the list, in texts."""

    id: int
    title: str
    severity: Badge
    status: Badge
    opened: Markup
    lasted: str
    slos: tuple[tuple[str, str], ...]
    assignee: str
    budget: str
    postmortem: Badge | None
    required: bool
    """Whether it needs a postmortem."""


def row(incident: Incident, written: Summary | None, over: Decimal, now: float) -> IncidentRow:
    """An incident as lists show it; a postmortem is required `over` this share of a budget."""
    shares = [s.budget_share for s in incident.slos if s.budget_share is not None]
    required = bool(required_why(incident, over)) if written is None else written.required
    return IncidentRow(
        id=incident.id,
        title=incident.title,
        severity=SEVERITIES[incident.severity],
        status=STATUSES[incident.status],
        opened=moment(incident.opened_at, now),
        lasted=fmt.span(incident.seconds_lasted(now)),
        slos=tuple(parts(s.slo) for s in incident.slos),
        assignee=incident.assignee or "",
        budget=fmt.percent(max(shares, default=None)),
        postmortem=None if written is None else WRITTEN[written.status],
        required=required,
    )
