"""The identity of a request: who asks, as the audit will name them."""

from __future__ import annotations

from typing import cast

from flask import g

from slo.domain.access import OPEN, Identity

_KEY = "slo_identity"


def current_identity() -> Identity:
    """Who asks; `OPEN` where the site runs without login."""
    return cast("Identity", g.get(_KEY, OPEN))


def who(said: str | None, otherwise: str) -> str:
    """The name for the audit: the login's own, else what the request says, else `otherwise`."""
    return current_identity().name or (said or "").strip() or otherwise
