"""API tokens: their text, `slo_<id>_<secret>_<crc>`, and what is kept of one.

The text begins with a fixed word and ends with a checksum, so that scanners of
leaked secrets find it, and a mistyped one is told from a wrong one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slo.domain.access import Scope

DEFAULT_DAYS = 90
LONGEST_NAME = 100
_TEXT = re.compile(r"slo_([0-9a-f]{12})_([0-9a-f]{48})_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: all but the token itself. Instants in epoch seconds."""

    id: str
    name: str
    scope: Scope
    created_by: str
    created_at: int
    expires_at: int | None
    """None: never."""
    digest: str = field(repr=False)
    owner: str | None = None
    """The user whose it is; None: a service's, which outlives who made it."""
    used_at: int | None = None
    revoked_at: int | None = None

    def over(self, now: float) -> str:
        """Why it is good for nothing at `now`; empty: it is good."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return ""


def token_text(number: str, secret: str) -> str:
    """The text of a token from its id (12 hexadecimal digits) and its secret (48)."""
    body = f"slo_{number}_{secret}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def token_id(text: str) -> str | None:
    """The id in a token's text; None: it is no token, or mistyped."""
    found = _TEXT.fullmatch(text)
    if found is None or token_text(found[1], found[2]) != text:
        return None
    return found[1]


def token_digest(text: str) -> str:
    """What is kept to know the token again."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_token(text: str, digest: str) -> bool:
    """Whether `text` is the token of that digest, in a time that tells nothing."""
    return hmac.compare_digest(token_digest(text), digest)
