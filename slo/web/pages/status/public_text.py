"""What the status page, badges and the feed say of SLOs and incidents, in plain words.

It is for everybody, so it holds no PromQL, no label, no name of a person, no link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.span import utc
from slo.web import format as fmt
from slo.web.badge import Badge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from slo.domain.incident import Incident
    from slo.domain.standing import Standing

OK = Badge("healthy", "\u2713", "within objectives", "All its objectives hold.")
NEW = Badge("new", "\u25cb", "too early to judge", "It has under a day of history.")
UNSEEN = Badge("none", "?", "no data", "Nothing is known of it now.")
BELOW = Badge("exhausted", "\u2715", "below objective", "An objective is missed.")
TROUBLE = Badge("caution", "\u25b2", "incident", "An incident is open.")
URGENCY = (TROUBLE, BELOW, UNSEEN, NEW, OK)
"""Most urgent first."""


def slo_badge(standing: Standing) -> Badge:
    """How one SLO is, for everybody."""
    if standing.incident is not None:
        return TROUBLE
    if standing.state == "exhausted":
        return BELOW
    if standing.state == "new":
        return NEW
    return UNSEEN if standing.data == "none" else OK


def service_badge(badges: Collection[Badge]) -> Badge:
    """How a service is: as its SLO in the most trouble; new only if all of them are."""
    if OK in badges and NEW in badges:
        badges = [badge for badge in badges if badge is not NEW]
    return next(badge for badge in URGENCY if badge in badges)


def incident_title(incident: Incident) -> str:
    """An incident in a few words: `payments: availability and latency`."""
    names = [one.slo.partition("/")[2] for one in incident.slos]
    return f"{incident.service}: {_listed(names)}" if names else incident.service


def incident_text(incident: Incident, now: float) -> str:
    """What happened, since when, and how far it is."""
    lasted = fmt.span(incident.seconds_lasted(now))
    if incident.resolved_at is not None:
        return f"Over after {lasted}."
    worked_on = " It is being worked on." if incident.status == "acknowledged" else ""
    return f"Lasting {lasted} so far.{worked_on}"


def incident_history(incident: Incident) -> str:
    """What happened and when, in words that stay true."""
    parts = [f"Began {_dated(incident.started_at)}."]
    if incident.acknowledged_at is not None:
        parts.append(f"Worked on since {_dated(incident.acknowledged_at)}.")
    if incident.resolved_at is not None:
        lasted = fmt.span(incident.resolved_at - incident.started_at)
        parts.append(f"Over {_dated(incident.resolved_at)}, after {lasted}.")
    return " ".join(parts)


def _dated(at: int) -> str:
    return f"{fmt.day(at)} {utc(at).year} {fmt.clock(at)} UTC"


def _listed(names: Sequence[str]) -> str:
    most = 4
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
