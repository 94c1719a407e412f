"""The tables of alerts, incidents and postmortems. Instants are epoch seconds, JSON is text."""

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

from slo.store.schema.base import DIGEST_LENGTH, Id, metadata

policy = Table(
    "policy",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slo_id", ForeignKey("slo.id"), nullable=False),
    Column("digest", String(DIGEST_LENGTH), nullable=False),
    Column("body", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Index(None, "slo_id", "id"),
)

# One row per SLO and rule that is not simply quiet: what one decision leaves for the next.
alert_state = Table(
    "alert_state",
    metadata,
    Column("slo_id", ForeignKey("slo.id"), primary_key=True, autoincrement=False),
    Column("rule", String(64), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("since", BigInteger),
    Column("calm_since", BigInteger),
    Column("absent_since", BigInteger),
    Column("frozen", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("muted_until", BigInteger),
    Column("told", Boolean, nullable=False),
    Column("alert_id", ForeignKey("alert.id")),
)

# Every transition of an alert is a row; one that ends an alert names the row that began it.
alert = Table(
    "alert",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slo_id", ForeignKey("slo.id"), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("change", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("decided_at", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", Text, nullable=False),
    Column("policy_id", ForeignKey("policy.id"), nullable=False),
    Column("began_id", ForeignKey("alert.id"), index=True),
    Column("incident_id", ForeignKey("incident.id"), index=True),
    UniqueConstraint("slo_id", "rule", "at", "change"),
    Index(None, "at"),
)

incident = Table(
    "incident",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("mitigated_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("resolved_by", Text),
    Column("assignee", Text),
    Column("announced", Text),
    Column("announced_at", BigInteger),
    Column("end_told_at", BigInteger),
    Column("flapping", Boolean, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Index(None, "service", "opened_at"),
    Index(None, "opened_at"),
)

incident_slo = Table(
    "incident_slo",
    metadata,
    Column("incident_id", ForeignKey("incident.id"), primary_key=True, autoincrement=False),
    Column("slo_id", ForeignKey("slo.id"), primary_key=True, autoincrement=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("bad", Double, nullable=False),
    Column("total", Double, nullable=False),
    Column("budget_share", Double),
    # An SLO is in at most one open incident.
    Index(
        "ix_incident_slo_open",
        "slo_id",
        unique=True,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
)

incident_event = Table(
    "incident_event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", ForeignKey("incident.id"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "incident_id", "at", "id"),
)

postmortem = Table(
    "postmortem",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", ForeignKey("incident.id"), nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("required_why", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("chart", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("reviewed_by", Text),
    Column("reviewed_at", BigInteger),
    Column("published_at", BigInteger),
)

# Every version that was saved, so that nothing an editor wrote is lost.
postmortem_version = Table(
    "postmortem_version",
    metadata,
    Column("postmortem_id", ForeignKey("postmortem.id"), primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
)

action_item = Table(
    "action_item",
    metadata,
    Column("id", Id, primary_key=True),
    Column("postmortem_id", ForeignKey("postmortem.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("due", Text),
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("version", Integer, nullable=False),
)

silence = Table(
    "silence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "end"),
)

# Exclusions that come again; their occurrences are rows of `exclusion`.
exclusion_schedule = Table(
    "exclusion_schedule",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("category", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("expanded_to", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
)
