"""Models of notifications and receivers: what was sent to whom, and how receivers do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from slo.domain.notification import NoticeKind, NotificationState
from slo.domain.policy import Severity
from slo.web.api.models.base import NEXT, Answer, Change, ListQuery, RowId, Time


class NotificationQuery(ListQuery):
    """Which notifications to list."""

    state: NotificationState | None = Field(default=None, description="Only those in this state.")
    receiver: str | None = Field(default=None, description="Only those to one receiver.")
    incident: RowId | None = Field(default=None, description="Only those of one incident.")


class Notification(Answer):
    """One notification of the outbox."""

    id: int = Field(description="Its number.")
    msg_id: str = Field(description="Its name, which it keeps when it is sent again.")
    receiver: str = Field(description="Who is told.")
    subject: str = Field(description="What it is about, such as `incident/12`.")
    transition: str = Field(description="Which change of the subject it tells.")
    kind: NoticeKind = Field(description="What it tells.")
    severity: Severity = Field(description="Whether somebody is woken, or it can wait.")
    incident: int | None = Field(description="The incident that it is about.")
    title: str = Field(description="What it tells, in a line.")
    state: NotificationState = Field(description="How far it is; `dead`: given up.")
    attempts: int = Field(description="How often it was tried.")
    created_at: Time = Field(description="When it was queued.")
    first_at: Time | None = Field(description="When it was first tried.")
    next_at: Time | None = Field(description="When it is tried next, while it is pending.")
    ended_at: Time | None = Field(description="When it was delivered or given up.")
    expires_at: Time = Field(description="When it is given up.")
    status: int | None = Field(description="The HTTP status of the last answer.")
    error: str = Field(description="What the last attempt failed of; empty: of nothing.")
    provider_ref: str | None = Field(description="What the receiver calls it.")


class Notifications(Answer):
    """Notifications, newest first."""

    notifications: list[Notification] = Field(description="Those that fit.")
    next: str | None = Field(default=None, description=NEXT)


class Attempt(Answer):
    """One attempt at a notification."""

    started: Time = Field(description="When it began.")
    seconds: float = Field(description="How long it took.")
    outcome: str = Field(description="What came of it; `unclear`: it may have arrived.")
    status: int | None = Field(description="The HTTP status of the answer.")
    error: str = Field(description="What it failed of.")
    reply: str = Field(description="The beginning of the answer.")


class WholeNotification(Notification):
    """One notification with the facts it tells and its attempts."""

    facts: dict[str, Any] = Field(
        description="What it tells, as it stood then; instants in epoch seconds."
    )
    attempts_kept: list[Attempt] = Field(description="Its attempts, oldest first.")


class Resend(Change):
    """A finished notification is to be sent again."""


class Receiver(Answer):
    """A receiver and how it does; no key of it."""

    name: str = Field(description="Its name in slo.yaml.")
    type: str | None = Field(description="What it is, such as `pagerduty`; null: it is gone.")
    fallback: str | None = Field(description="Who is told of pages while it fails.")
    state: Literal["ok", "failing", "open", "paused", "gone"] = Field(
        description="`open`: one notification a minute is tried; `gone`: from slo.yaml."
    )
    failures: int = Field(description="Failures in a row.")
    failing_since: Time | None = Field(description="Since when it fails.")
    next_probe_at: Time | None = Field(description="When it is tried next.")
    paused_at: Time | None = Field(description="Since when it is paused.")
    why: str = Field(description="Why it is paused; empty: it is not.")
    fallback_told: bool = Field(description="Whether its fallback was told of pages.")
    delivered_at: Time | None = Field(description="When it last took a notification.")
    pending: int = Field(description="Notifications that wait for it.")
    oldest_pending_at: Time | None = Field(description="Since when the oldest of them waits.")


class Receivers(Answer):
    """The receivers."""

    receivers: list[Receiver] = Field(description="As slo.yaml lists them, then those gone.")


class Resume(Change):
    """The end of a pause."""
