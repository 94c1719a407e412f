"""The tables of the ledger. Instants are epoch seconds (`edge` in milliseconds).

JSON and decimals are text. Long texts (a series' labels, a note's sentence) are
keyed by their digest, since PostgreSQL's index entries end at 2.7 kB and labels
do not.
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

from slo.store.schema.base import DIGEST_LENGTH, Id, metadata

slo = Table(
    "slo",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("paused_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("service", "name"),
)

meter = Table(
    "meter",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slo_id", ForeignKey("slo.id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("watch_from", BigInteger),
    Column("booked_from", BigInteger),
    Column("booked_to", BigInteger),
    Column("backfill_to", BigInteger),
    UniqueConstraint("slo_id", "fingerprint"),
    # An SLO has at most one meter that runs.
    Index(
        "ix_meter_current",
        "slo_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

revision = Table(
    "revision",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slo_id", ForeignKey("slo.id"), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("objective", Text, nullable=False),
    Column("window", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Index(None, "slo_id", "since"),
)

reading = Table(
    "reading",
    metadata,
    Column("meter_id", ForeignKey("meter.id"), primary_key=True, autoincrement=False),
    Column("end", BigInteger, primary_key=True, autoincrement=False),
    Column("good", Double, nullable=False),
    Column("total", Double, nullable=False),
    Column("covered", Double, nullable=False),
    Column("carried", Integer, nullable=False),
    # Carried steps are rare, and every burn rate asks for the longest of a span.
    Index(
        "ix_reading_carried",
        "meter_id",
        "end",
        sqlite_where=text("carried > 0"),
        postgresql_where=text("carried > 0"),
    ),
    sqlite_with_rowid=False,
)

edge = Table(
    "edge",
    metadata,
    Column("meter_id", ForeignKey("meter.id"), primary_key=True, autoincrement=False),
    Column("read", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(DIGEST_LENGTH), primary_key=True),
    Column("series", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seen", Double, nullable=False),
    Column("held", Double, nullable=False),
    Column("roles", Integer, nullable=False),
    Column("start", BigInteger),
    Column("intervals", Text, nullable=False),
    Column("rises", Text, nullable=False),
    Column("gone", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

correction = Table(
    "correction",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slo_id", ForeignKey("slo.id"), nullable=False, index=True),
    # What it corrects: another meter of the SLO counts the same time by itself.
    Column("meter_id", ForeignKey("meter.id"), nullable=False, index=True),
    Column("end", BigInteger, nullable=False),
    Column("good", Double, nullable=False),
    Column("total", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
)

exclusion = Table(
    "exclusion",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    Column("schedule_id", ForeignKey("exclusion_schedule.id"), index=True),
)

contributor = Table(
    "contributor",
    metadata,
    Column("meter_id", ForeignKey("meter.id"), primary_key=True, autoincrement=False),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(DIGEST_LENGTH), primary_key=True),
    Column("labels", Text, nullable=False),
    Column("bad", Double, nullable=False),
    Column("total", Double, nullable=False),
    sqlite_with_rowid=False,
)

note = Table(
    "note",
    metadata,
    Column("meter_id", ForeignKey("meter.id"), primary_key=True, autoincrement=False),
    Column("kind", String(64), primary_key=True),
    Column("digest", String(DIGEST_LENGTH), primary_key=True),
    Column("text", Text, nullable=False),
    Column("amount", Double),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

standing = Table(
    "standing",
    metadata,
    Column("slo_id", ForeignKey("slo.id"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("remaining", Double),
    Column("body", Text, nullable=False),
    Column("grid", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # What it was before and what it is since, as JSON; null where the action changes no value.
    Column("old", Text),
    Column("new", Text),
    Index(None, "subject", "id"),
    Index(None, "at"),
)

cycle = Table(
    "cycle",
    metadata,
    Column("id", Id, primary_key=True),
    Column("started", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("slos", Integer, nullable=False),
    Column("booked", Integer, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    # How long it took, and how far the ledger that is furthest behind was behind at its start.
    Column("seconds", Double),
    Column("lag", Double),
)

# One recount of a past day, by the nightly job or by hand.
verification = Table(
    "verification",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("slo_id", ForeignKey("slo.id"), nullable=False),
    Column("day", BigInteger, nullable=False),
    Column("agrees", Boolean),
    Column("text", Text, nullable=False),
    Index(None, "at"),
)
