"""Notifications: what receivers are told, as a snapshot of the facts of that moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slo.domain.policy import Severity

NoticeKind = Literal[
    "opened",
    "raised",
    "reopened",
    "acknowledged",
    "resolved",
    "flapping",
    "budget",
    "budget-over",
    "system",
    "system-over",
    "fallback",
    "test",
]

ENDING: frozenset[NoticeKind] = frozenset({"resolved", "budget-over", "system-over"})
"""Kinds that end what an earlier notification of the same subject began."""

NotificationState = Literal["pending", "delivered", "dead", "suppressed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Contributor:
    """A label set and its share of an incident's bad events; `labels` is canonical JSON."""

    labels: str
    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notification tells. Instants are epoch seconds. No secret is among them.

    `dedup_key` is the same for all notifications of one subject, and differs between
    installations: `<installation>/<subject>`.
    """

    kind: NoticeKind
    severity: Severity
    dedup_key: str
    title: str
    """A line, such as `fraud-model/availability burns its error budget`."""
    summary: str
    """Why, in words: `burned 14.9x over 1h and 15.2x over 5m; pages at 14.4x`."""
    at: int
    """When it happened."""
    service: str
    installation: str = ""
    """The name of this installation, as the source of its notifications."""
    incident: int | None = None
    slos: tuple[str, ...] = ()
    owner: str = ""
    runbook: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    opened_at: int | None = None
    resolved_at: int | None = None
    objective: str = ""
    """For example `99.9%`."""
    window: str = ""
    budget_remaining: float | None = None
    """Share of the budget that is left; may be negative."""
    burn_rates: tuple[tuple[str, float | None], ...] = ()
    exhausted_at: int | None = None
    contributors: tuple[Contributor, ...] = ()
    url: str = ""
    """The page of the incident or the SLO; empty while slo.yaml names no `url`."""
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A decision to tell receivers something: who gets it is for routes and silences to say.

    Notices of one subject reach a receiver in order. `transition` is unique within the
    subject, so that the same decision twice is one message.
    """

    subject: str
    """`incident/12`, `budget/<service>/<name>/<alert id>`, `source/<name>/<since>`, `test/<id>`."""
    transition: str
    """For example `opened`, `reopened/2`, `raised/page`."""
    facts: Facts


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification of the outbox as it stands; instants in epoch seconds with fractions."""

    id: int
    msg_id: str
    receiver: str
    subject: str
    transition: str
    facts: Facts
    state: NotificationState
    attempts: int
    next_at: float
    created_at: float
    expires_at: float
    first_at: float | None = None
    ended_at: float | None = None
    status: int | None = None
    error: str = ""
    provider_ref: str | None = None
    lease: str | None = None
