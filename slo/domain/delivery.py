"""Delivery: what came of one attempt to tell a receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Failure = Literal["", "dns", "refused", "timeout", "reset", "tls", "forbidden", "protocol"]
"""Why no answer came; `forbidden`: the address may not be reached (see Outbound)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered, or why it did not. Texts hold no secret."""

    status: int | None = None
    """HTTP or SMTP status; None without an answer."""
    failure: Failure = ""
    error: str = ""
    """In words, empty when it went well."""
    body: str = ""
    """The head of the answer, at most 4 kB."""
    retry_after: str = ""
    """The header as it came: seconds or an HTTP date."""
    accepted: bool | None = None
    """What the body says where the status does not decide; None: the status decides."""
    ref: str | None = None
    """The provider's name for what was made."""
