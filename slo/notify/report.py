"""Notifications and receivers as the JSON of the API and of `slo notify --json`.

No key of a receiver is among it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slo.domain.breaker import Health
from slo.domain.facts_json import facts_json
from slo.domain.schedule import STATEFUL
from slo.domain.span import maybe_rfc3339, rfc3339
from slo.store.backlog import Backlog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slo.config.settings import Settings
    from slo.domain.notification import Notification
    from slo.store.outbox import Attempt


def notification_json(one: Notification) -> dict[str, Any]:
    """One notification; times are RFC 3339 in UTC."""
    return {
        "id": one.id,
        "msg_id": one.msg_id,
        "receiver": one.receiver,
        "subject": one.subject,
        "transition": one.transition,
        "kind": one.facts.kind,
        "severity": one.facts.severity,
        "incident": one.facts.incident,
        "title": one.facts.title,
        "state": one.state,
        "attempts": one.attempts,
        "created_at": rfc3339(one.created_at),
        "first_at": maybe_rfc3339(one.first_at),
        "next_at": rfc3339(one.next_at) if one.state == "pending" else None,
        "ended_at": maybe_rfc3339(one.ended_at),
        "expires_at": rfc3339(one.expires_at),
        "status": one.status,
        "error": one.error,
        "provider_ref": one.provider_ref,
    }


def whole_json(one: Notification, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """One notification with the facts it tells and its attempts."""
    return {
        **notification_json(one),
        "facts": json.loads(facts_json(one.facts)),
        "attempts_kept": [
            {
                "started": rfc3339(a.started),
                "seconds": round(a.seconds, 3),
                "outcome": a.outcome,
                "status": a.status,
                "error": a.error,
                "reply": a.reply,
            }
            for a in attempts
        ],
    }


def receivers_json(
    settings: Settings, healths: Mapping[str, Health], backlogs: Mapping[str, Backlog]
) -> list[dict[str, Any]]:
    """The receivers of slo.yaml and how each does, then those that are gone and still have mail."""
    types = {receiver.name: receiver for receiver in settings.receivers}
    names = [*types, *sorted(set(backlogs) - set(types))]
    found = []
    for name in names:
        receiver = types.get(name)
        health, waiting = healths.get(name, Health(name)), backlogs.get(name, Backlog())
        found.append(
            {
                "name": name,
                "type": None if receiver is None else receiver.type,
                "fallback": None if receiver is None else receiver.fallback,
                "state": "gone" if receiver is None else health.state,
                "failures": health.failures,
                "failing_since": maybe_rfc3339(health.failing_since),
                "next_probe_at": maybe_rfc3339(health.open_until),
                "paused_at": maybe_rfc3339(health.paused_at),
                "why": health.paused_why,
                "fallback_told": health.fallback_told,
                "delivered_at": maybe_rfc3339(health.delivered_at),
                "pending": waiting.pending,
                "oldest_pending_at": maybe_rfc3339(waiting.oldest),
            }
        )
    return found


def stateful_names(settings: Settings) -> frozenset[str]:
    """The receivers that keep an alert open until they are told of its end."""
    return frozenset(r.name for r in settings.receivers if r.type in STATEFUL)
