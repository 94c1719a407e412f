"""The tables of access: users, their sessions, API tokens, logins under way and slowed down.

No row holds a password, a session's id or a token: only what proves that one is right.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from slo.store.schema.base import Id, metadata

user = Table(
    "user",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password", Text),
    # Issuer and subject of an OIDC login.
    Column("subject", String(500), unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
    Column("disabled_at", BigInteger),
)

user_session = Table(
    "user_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", ForeignKey("user.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scope", String(16), nullable=False),
    # Whose it is; null: a service's.
    Column("user_id", ForeignKey("user.id"), index=True),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
)

# How many logins failed lately, by address and by account.
throttle = Table(
    "throttle",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Index(None, "at"),
)

# A login that was sent to the OpenID Connect provider and has not come back.
oidc_login = Table(
    "oidc_login",
    metadata,
    # Of the state, which comes back once.
    Column("digest", String(64), primary_key=True),
    # Of the cookie of the browser that it began in.
    Column("browser", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("next", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "at"),
)
