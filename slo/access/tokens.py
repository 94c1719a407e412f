"""API tokens: made, known again, revoked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, get_args

from slo.domain.access import ROLES, SCOPES, Scope
from slo.domain.refusal import RefusedError, UnknownError
from slo.domain.span import rfc3339
from slo.domain.token import (
    DEFAULT_DAYS,
    LONGEST_NAME,
    Token,
    is_token,
    token_digest,
    token_id,
    token_text,
)
from slo.store import audit, tokens

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.access import Permission, Role
    from slo.domain.user import User

MOST_DAYS = 3650
SCOPE_NAMES: tuple[Scope, ...] = get_args(Scope)


class TokenMadeError(RefusedError):
    """There is a token of that id, so it is not made again."""


def parse_scope(text: str) -> Scope:
    """The scope that `text` names, or `RefusedError`."""
    found = next((scope for scope in SCOPE_NAMES if scope == text), None)
    if found is None:
        raise RefusedError(
            "scope", f"{text[:40]!r} is no scope; there are {', '.join(SCOPE_NAMES)}"
        )
    return found


def scopes_of(role: Role | None) -> list[Scope]:
    """The scopes that somebody of this role may give to a token of theirs."""
    if role is None:
        return []
    return [scope for scope in SCOPE_NAMES if SCOPES[scope] <= ROLES[role]]


def add_token(
    session: Session,
    name: str,
    scope: Scope,
    *,
    who: str,
    now: int,
    days: int | None = DEFAULT_DAYS,
    owner: User | None = None,
    number: str | None = None,
) -> tuple[Token, str]:
    """A new token and its text, which is kept nowhere; `days` None: it never expires.

    The token of an `owner` never may more than they do. One with a `number` that there
    was before, revoked or not, is refused as `TokenMadeError`.
    """
    label = " ".join(name.split())
    if not label or len(label) > LONGEST_NAME or not label.isprintable():
        raise RefusedError("name", f"says what it is for, in 1 to {LONGEST_NAME} characters")
    if days is not None and not 0 < days <= MOST_DAYS:
        raise RefusedError("days", f"must lie from 1 to {MOST_DAYS:,}")
    if owner is not None:
        _ensure_within(scope, owner)
    number = secrets.token_hex(6) if number is None else number
    text = token_text(number, secrets.token_hex(24))
    until = None if days is None else now + days * 86_400
    made = Token(
        number,
        label,
        scope,
        who,
        now,
        until,
        token_digest(text),
        None if owner is None else owner.name,
    )
    if not tokens.add(session, made, None if owner is None else owner.id):
        raise TokenMadeError(
            "id",
            f"token {number} was made before, and its text is shown once only; "
            "without it, revoke the token and make another",
        )
    new = {"name": label, "scope": scope, "expires_at": until, "owner": made.owner}
    audit.add(session, now, who, "token-add", f"token/{number}", {}, new=new)
    return made, text


def known(session: Session, text: str, now: float) -> tuple[Token, Role | None] | None:
    """The token of that text and its owner's role, if it is good at `now`."""
    number = token_id(text)
    found = None if number is None else tokens.for_use(session, number)
    if found is None or not is_token(text, found[0].digest) or found[0].over(now):
        return None
    return found


def permissions(token: Token, role: Role | None) -> frozenset[Permission]:
    """What a token may do: its scope, and never more than its owner."""
    return SCOPES[token.scope] if role is None else SCOPES[token.scope] & ROLES[role]


def revoke(
    session: Session, token_id_: str, *, who: str, now: int, owner: User | None = None
) -> Token:
    """Makes a token (of the owner) good for nothing; raises `UnknownError` where there is none."""
    found = tokens.one(session, token_id_)
    if found is None or (owner is not None and found.owner != owner.name):
        raise UnknownError("id", f"there is no token {token_id_[:40]!r}")
    if found.revoked_at is None:
        tokens.revoke(session, found.id, now)
        old = {"name": found.name, "scope": found.scope, "owner": found.owner}
        audit.add(session, now, who, "token-revoke", f"token/{found.id}", {}, old=old)
    return found


def _ensure_within(scope: Scope, owner: User) -> None:
    """Refuses a scope that is more than its owner may do."""
    if owner.role is None:
        raise RefusedError("user", f"{owner.name} has no role, so a token of theirs may do nothing")
    if scope not in scopes_of(owner.role):
        raise RefusedError("scope", f"{scope} is more than the role {owner.role} may do")


def token_json(token: Token) -> dict[str, Any]:
    """A token as the JSON of API and CLI; never its text, which nobody has any more."""
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "owner": token.owner,
        "created_by": token.created_by,
        "created_at": rfc3339(token.created_at),
        "expires_at": None if token.expires_at is None else rfc3339(token.expires_at),
        "used_at": None if token.used_at is None else rfc3339(token.used_at),
    }
