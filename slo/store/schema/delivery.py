"""The tables of delivery: the outbox, its attempts, and how each receiver does.

Instants with fractions are epoch seconds as floats: retries are spaced in them.
No row holds a secret: a receiver is named, and its keys stay in slo.yaml.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from slo.store.schema.base import Id, metadata

notification = Table(
    "notification",
    metadata,
    Column("id", Id, primary_key=True),
    Column("msg_id", String(64), nullable=False, unique=True),
    Column("receiver", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("transition", Text, nullable=False),
    Column("incident_id", ForeignKey("incident.id"), index=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Double, nullable=False),
    Column("lease", Text),
    Column("created_at", Double, nullable=False),
    Column("first_at", Double),
    Column("ended_at", Double),
    Column("expires_at", Double, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    Column("provider_ref", Text),
    # The same decision twice is one notification.
    UniqueConstraint("receiver", "subject", "transition"),
    Index(
        "ix_notification_due",
        "next_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_notification_order",
        "receiver",
        "subject",
        "id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_notification_dead",
        "id",
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
    Index(None, "created_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Id, primary_key=True),
    Column("notification_id", ForeignKey("notification.id"), nullable=False, index=True),
    Column("started", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    Column("reply", Text, nullable=False),
)

receiver = Table(
    "receiver",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("failing_since", Double),
    Column("open_until", Double),
    Column("paused_at", Double),
    Column("paused_why", Text, nullable=False),
    Column("tokens", Double, nullable=False),
    Column("tokens_at", Double, nullable=False),
    Column("delivered_at", Double),
    Column("fallback_told", Boolean, nullable=False),
)

# Facts about this installation: its id, which makes dedup keys differ from another's.
installation = Table(
    "installation",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# What watches the watcher: since when a source, or the cycle itself, is silent.
watch = Table(
    "watch",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("silent_since", BigInteger),
    Column("told_at", BigInteger),
    Column("why", Text, nullable=False),
)
