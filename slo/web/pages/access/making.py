"""Tokens as forms ask for them."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.access import tokens
from slo.domain.refusal import RefusedError
from slo.domain.token import DEFAULT_DAYS
from slo.web.identity import current_login

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.domain.user import User

DAYS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "never": "never"}
"""When a token expires, as forms offer it."""
LABELS = {"name": "What it is for", "scope": "May", "days": "Expires after"}
"""What the form calls its fields."""
_KEY = "once"
_ID_LENGTH = 12


def key_field() -> Markup:
    """The hidden field by which a form that is sent again, as a reload does, makes no token."""
    # No browser may fill the key of the page before into a page that is loaded anew.
    field = Markup('<input type="hidden" name="{}" value="{}" autocomplete="off">')
    return field.format(_KEY, secrets.token_hex(16))


def make_token(
    session: Session, form: Mapping[str, str], who: str, now: int, owner: User | None = None
) -> str:
    """The text of a new token, a service's where it has no owner.

    Raises `RefusedError`, and `TokenMadeError` where this very form made one before.
    """
    _, text = tokens.add_token(
        session,
        form.get("name", ""),
        tokens.parse_scope(form.get("scope", "")),
        who=who,
        now=now,
        days=_days(form.get("days", "")),
        owner=owner,
        number=_number(form.get(_KEY, "")),
    )
    return text


def _number(key: str) -> str | None:
    """The id of the token that a form with this key makes; None: any.

    The store has an id once, so one process knows what another one made. The session is
    in it, so that nobody chooses the id of a token.
    """
    if not key:
        return None
    login = current_login()
    session = "" if login is None else login.digest
    return hashlib.sha256(f"token {session} {key}".encode()).hexdigest()[:_ID_LENGTH]


def _days(text: str) -> int | None:
    """The days that a form says; None: never."""
    if text == "never":
        return None
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdecimal() and len(text) < 6):  # noqa: PLR2004 -- a hundred thousand days.
        raise RefusedError("days", f"{text[:40]!r} is no number of days")
    return int(text)
