"""All tables of the store, and the metadata that holds them."""

from __future__ import annotations

from slo.store.schema.access import oidc_login, throttle, token, user, user_session
from slo.store.schema.alerts import (
    action_item,
    alert,
    alert_state,
    exclusion_schedule,
    incident,
    incident_event,
    incident_slo,
    policy,
    postmortem,
    postmortem_version,
    silence,
)
from slo.store.schema.annotations import annotation, gate_override
from slo.store.schema.base import DIGEST_LENGTH, Id, metadata
from slo.store.schema.delivery import attempt, installation, notification, receiver, watch
from slo.store.schema.ledger import (
    audit,
    contributor,
    correction,
    cycle,
    edge,
    exclusion,
    meter,
    note,
    reading,
    revision,
    slo,
    standing,
    verification,
)

__all__ = [
    "DIGEST_LENGTH",
    "Id",
    "action_item",
    "alert",
    "alert_state",
    "annotation",
    "attempt",
    "audit",
    "contributor",
    "correction",
    "cycle",
    "edge",
    "exclusion",
    "exclusion_schedule",
    "gate_override",
    "incident",
    "incident_event",
    "incident_slo",
    "installation",
    "metadata",
    "meter",
    "note",
    "notification",
    "oidc_login",
    "policy",
    "postmortem",
    "postmortem_version",
    "reading",
    "receiver",
    "revision",
    "silence",
    "slo",
    "standing",
    "throttle",
    "token",
    "user",
    "user_session",
    "verification",
    "watch",
]
