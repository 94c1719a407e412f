"""Redaction: texts from outside, without the secrets of the receiver they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from slo.config.hiding import HIDDEN, OPEN_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import Receiver

SHORTEST, SHORTEST_PART = 5, 8
"""Letters of a secret, and of a part of a URL, below which it is no secret but a word."""


def redacted(receiver: Receiver, text: str) -> str:
    """The text without any of the receiver's secrets, and with what no database takes."""
    for secret in sorted(set(_secrets(receiver)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _secrets(receiver: Receiver) -> Iterator[str]:
    for key, value in receiver.options:
        if key in OPEN_KEYS:
            continue
        texts = (value,) if isinstance(value, str) else value
        for part in texts:
            for text in (part,) if isinstance(part, str) else part[1:]:
                yield from _forms(text)


def _forms(secret: str) -> Iterator[str]:
    """The secret, and of a URL what comes after its host, as such parts appear in errors."""
    if len(secret) >= SHORTEST:
        yield secret
    if "://" not in secret:
        return
    parts = urlsplit(secret)
    path = parts.path.rstrip("/")
    pieces = [f"{path}?{parts.query}" if parts.query else path, path, parts.query]
    pieces += [path.rpartition("/")[2], parts.password or ""]
    for piece in pieces:
        for form in (piece, unquote(piece)):
            if len(form) >= SHORTEST_PART:
                yield form
