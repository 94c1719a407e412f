"""Tokens as forms ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.access import tokens
from slo.domain.refusal import RefusedError
from slo.domain.token import DEFAULT_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.user import User

DAYS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "never": "never"}
"""When a token expires, as forms offer it."""


def make_token(
    session: Session, form: Mapping[str, str], who: str, now: int, owner: User | None = None
) -> str:
    """The text of a new token, a service's where it has no owner; raises `RefusedError`."""
    _, text = tokens.add_token(
        session,
        form.get("name", ""),
        tokens.parse_scope(form.get("scope", "")),
        who=who,
        now=now,
        days=_days(form.get("days", "")),
        owner=owner,
    )
    return text


def _days(text: str) -> int | None:
    """The days that a form says; None: never."""
    if text == "never":
        return None
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdecimal() and len(text) < 6):  # noqa: PLR2004 -- a hundred thousand days.
        raise RefusedError("days", f"{text[:40]!r} is no number of days")
    return int(text)
