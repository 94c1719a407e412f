"""Passwords: kept as Argon2id hashes, and compared in a time that tells nothing."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# What OWASP asks for at least: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hashed(password: str) -> str:
    """The hash to keep; the same password never gives the same one."""
    return _HASHER.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether the password is that of the hash; where there is none, it takes as long to say no."""
    try:
        return _HASHER.verify(_nobody() if kept is None else kept, password) and kept is not None
    except (InvalidHashError, VerificationError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other costs than those of today."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    return hashed(secrets.token_hex())
