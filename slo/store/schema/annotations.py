"""The tables of annotations and of gates held open. Instants are epoch seconds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from slo.store.schema.base import Id, metadata

# A mark on the timeline: a deploy, a change of configuration, an experiment.
annotation = Table(
    "annotation",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("scope", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("end", BigInteger),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("key", String(200), unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    Index(None, "at"),
)

# A gate held open for a while, by a person with a reason.
gate_override = Table(
    "gate_override",
    metadata,
    Column("id", Id, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index(None, "until"),
)
