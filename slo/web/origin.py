"""The origin of requests: what changes something must come from the site itself.

A page of another site must not act in the name of the person who reads it (CSRF).
Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`;
programs say neither, and a browser cannot be made to leave both out.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})
_OTHER = "This change was asked for by a page of another site."


def ensure_same_origin() -> None:
    """Refuses, with 403, a change that a page of another site asks for."""
    if request.method in SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in _OWN:
            raise Forbidden(_OTHER)
        return
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own(origin):
        raise Forbidden(_OTHER)


def _is_own(origin: str) -> bool:
    try:
        return bool(request.host) and urlsplit(origin).netloc == request.host
    except ValueError:
        return False


def ensure_told_origin() -> None:
    """Refuses a change that a cookie allows, but that does not say where it comes from."""
    if "Sec-Fetch-Site" not in request.headers and "Origin" not in request.headers:
        raise Forbidden(
            "This change does not say where it comes from; programs use a token: "
            "Authorization: Bearer slo_..."
        )
