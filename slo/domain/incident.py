"""Incidents: what people are told and work on; one open incident per SLO at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.domain.policy import Severity

Status = Literal["open", "acknowledged", "resolved"]

EventKind = Literal[
    "opened",
    "joined",
    "fired",
    "raised",
    "alert-resolved",
    "flapping",
    "stable",
    "reopened",
    "acknowledged",
    "assigned",
    "commented",
    "mitigated",
    "resolved",
    "notified",
    "delivered",
    "dead",
    "suppressed",
    "silenced",
    "postmortem",
]

AUTO = "SLO Ledger"
"""Who did it, where nobody did."""

SHARED_WITHIN = 300
"""Seconds within which SLOs of one service that fire share an incident."""

REOPENED_WITHIN = 900
"""Seconds within which a relapse reopens the incident, and pages again."""

MUTED_FOR = 14_400
"""The longest that a manual resolve mutes the alerts that still fire, in seconds."""

FLAPS, FLAPS_WITHIN = 6, 3600
"""More transitions than this within so many seconds are flapping."""


@dataclass(frozen=True, slots=True)
class IncidentSLO:
    """An SLO in an incident, and what it lost in it so far."""

    slo: str
    joined_at: int
    open: bool
    bad: float = 0.0
    total: float = 0.0
    budget_share: float | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Instants are epoch seconds; `started_at` is where the burn began."""

    id: int
    service: str
    title: str
    severity: Severity
    status: Status
    started_at: int
    opened_at: int
    slos: tuple[IncidentSLO, ...] = ()
    acknowledged_at: int | None = None
    mitigated_at: int | None = None
    resolved_at: int | None = None
    resolved_by: str | None = None
    assignee: str | None = None
    announced: Severity | None = None
    """The severity that receivers were told since it opened or reopened; None: not yet."""
    announced_at: int | None = None
    """When they were last told that it is open; None while nobody ever was."""
    end_told_at: int | None = None
    """When they were told that it is over; None while they take it for open, if told."""
    flapping: bool = False
    reopened: int = 0
    late: bool = False
    """It opened while catching up."""
    first_acknowledged_at: int | None = None
    """When somebody first acknowledged it, though a relapse may have undone that."""
    alerted_at: int | None = None
    """When it opened, or last reopened before that."""

    @property
    def taken_for_open(self) -> bool:
        """Whether receivers were told that it is open, and not that it is over."""
        return self.announced_at is not None and self.end_told_at is None

    def seconds_lasted(self, now: float) -> float:
        """From where the burn began until the incident resolved, or until now."""
        return (now if self.resolved_at is None else self.resolved_at) - self.started_at

    @property
    def seconds_to_detect(self) -> int:
        """From where the burn began until the alert fired."""
        return max(0, self.opened_at - self.started_at)

    @property
    def seconds_to_acknowledge(self) -> int | None:
        """From the alert that opened or reopened it until somebody first acknowledged."""
        if self.first_acknowledged_at is None or self.alerted_at is None:
            return None
        return self.first_acknowledged_at - self.alerted_at

    @property
    def seconds_to_mitigate(self) -> int | None:
        """From where the burn began until it stayed below 1."""
        return None if self.mitigated_at is None else self.mitigated_at - self.started_at

    @property
    def seconds_to_resolve(self) -> int | None:
        """From where the burn began until the incident resolved."""
        return None if self.resolved_at is None else self.resolved_at - self.started_at


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a timeline: what happened at `at`, by whom, in words."""

    id: int
    incident: int
    at: int
    recorded_at: int
    who: str
    kind: EventKind
    text: str
    detail: Mapping[str, Any]
