"""Users: who can log in, and what makes a name and a password good ones."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.refusal import RefusedError

if TYPE_CHECKING:
    from slo.domain.access import Role

LONGEST_NAME = 100
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1000
"""Characters; more would only keep the hash busy."""
_NAME = re.compile(r"[\w.@+-]+")
_OUTSIDE = re.compile(r"[^\w.@+-]+")
_RESERVED = frozenset(
    {"anonymous", "api", "auto", "oidc", "page", "slo", "slo.yaml", "token", "unknown"}
)
"""Names that the audit uses for what no user did."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in; instants in epoch seconds."""

    id: int
    name: str
    role: Role | None
    """None: the provider gives them none today, so they are let in nowhere."""
    created_at: int
    has_password: bool = True
    subject: str | None = None
    """Issuer and subject, of those who come by OpenID Connect."""
    seen_at: int | None = None
    disabled_at: int | None = None


def plain_name(text: str) -> str:
    """A name as it is kept and compared: one form of each letter, small ones."""
    return unicodedata.normalize("NFKC", text.strip()).lower()


def parse_name(text: str) -> str:
    """The name that `text` writes; raises `RefusedError` for one that nobody can have."""
    name = plain_name(text)
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise RefusedError(
            "name",
            f"must be at most {LONGEST_NAME} letters, digits and . _ - + @, such as "
            "ada or ada@example.com",
        )
    if name in _RESERVED:
        raise RefusedError("name", f"{name} is what the audit calls the service; choose another")
    return name


def name_from(claim: str) -> str:
    """The name for a claim of a provider, such as `Ada Lovelace`: what does not fit becomes `-`."""
    return parse_name(_OUTSIDE.sub("-", plain_name(claim)).strip("-"))


def ensure_password(name: str, password: str) -> None:
    """Raises `RefusedError` for a password that is too short, too long, or about the name."""
    if len(password) < SHORTEST_PASSWORD:
        raise RefusedError("password", f"must have at least {SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise RefusedError("password", f"must have at most {LONGEST_PASSWORD:,} characters")
    plain = plain_name(password)
    words = {name, name.partition("@")[0]}
    if len(set(plain)) < 4 or any(plain.strip(word) == "" or plain == word for word in words):  # noqa: PLR2004 -- see the message.
        raise RefusedError("password", "must not be the name, nor the same few letters again")
