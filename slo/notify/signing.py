"""Signatures of webhooks, by Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "whsec_"


def signature(secret: str, msg_id: str, timestamp: int, body: bytes) -> str:
    """One signature, `v1,` and base64.

    It is HMAC-SHA256 of `{msg_id}.{timestamp}.` and the body. A secret of `whsec_` and
    base64 is the key's bytes; any other is the key itself, in UTF-8.
    """
    if secret.startswith(PREFIX):
        key = base64.b64decode(secret.removeprefix(PREFIX))
    else:
        key = secret.encode()
    signed = f"{msg_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed_headers(
    secrets: Sequence[str], msg_id: str, timestamp: int, body: bytes
) -> tuple[tuple[str, str], ...]:
    """The headers of a notification: its id, the time of this attempt, a signature per secret."""
    headers = (("webhook-id", msg_id), ("webhook-timestamp", str(timestamp)))
    if not secrets:
        return headers
    signatures = " ".join(signature(secret, msg_id, timestamp, body) for secret in secrets)
    return (*headers, ("webhook-signature", signatures))
