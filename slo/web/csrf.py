"""The token in forms that proves that a change was asked for on one of our own pages."""

from __future__ import annotations

from markupsafe import Markup

FIELD = "csrf"


def csrf_field() -> Markup:
    """The hidden field that every form of method post holds: `{{ csrf() }}`."""
    return Markup("")
