"""Users as admins change them: each change is checked, ends what it must, and is audited.

Where `provider` is set, slo.yaml names one, so those who log in there can log in at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from slo.access.passwords import hashed
from slo.domain.access import Role
from slo.domain.refusal import RefusedError, UnknownError
from slo.domain.span import rfc3339
from slo.domain.user import ensure_password, parse_name, plain_name
from slo.store import audit, sessions, throttle, tokens, users

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.domain.user import User

ROLES: tuple[Role, ...] = get_args(Role)


def new_password(name: str, password: str) -> str:
    """The hash of a password that is good enough; made before a transaction, since it is slow."""
    ensure_password(plain_name(name), password)
    return hashed(password)


def parse_role(text: str) -> Role:
    """The role that `text` names, or `RefusedError`."""
    found = next((role for role in ROLES if role == text), None)
    if found is None:
        raise RefusedError("role", f"{text[:40]!r} is no role; there are {', '.join(ROLES)}")
    return found


def ensure_user(session: Session, name: str, field: str = "name") -> User:
    """The user whom `field` names, or `UnknownError`."""
    found = users.named(session, plain_name(name))
    if found is None:
        known = ", ".join(user.name for user in users.all_users(session)[:10])
        there = f"there are {known}" if known else "there are none; slo user add makes one"
        raise UnknownError(field, f"there is no user {name[:100]!r}; {there}")
    return found


def add_user(
    session: Session,
    name: str,
    role: Role,
    *,
    password: str | None = None,
    subject: str | None = None,
    who: str,
    now: int,
) -> User:
    """A new user; `password` is the hash of `new_password`."""
    users.hold(session)
    plain = parse_name(name)
    if users.named(session, plain) is not None:
        raise RefusedError("name", f"there is a user {plain} already")
    made = users.add(session, plain, role, now, password=password, subject=subject)
    how = "password" if subject is None else "oidc"
    audit.add(session, now, who, "user-add", _subject(made), {}, new={"role": role, "login": how})
    return made


def set_role(
    session: Session,
    name: str,
    role: Role,
    *,
    who: str,
    now: int,
    last: bool = False,
    provider: bool = False,
) -> User:
    """Another role; sessions end, so that nobody goes on with the rights of before."""
    users.hold(session)
    user = ensure_user(session, name)
    if user.role == role:
        return user
    if role != "admin" and not last:
        _ensure_admin_stays(session, user, provider=provider)
    users.change(session, user.id, role=role)
    sessions.end_all(session, user.id)
    old, new = {"role": user.role}, {"role": role}
    audit.add(session, now, who, "user-role", _subject(user), {}, old=old, new=new)
    return ensure_user(session, name)


def set_password(
    session: Session, name: str, password: str, *, who: str, now: int, but: str = ""
) -> User:
    """Another password, by its hash; all sessions end but that of the digest `but`.

    Logins that failed before are forgotten, so this lets in whom somebody else locked out.
    """
    users.hold(session)
    user = ensure_user(session, name)
    if user.subject is not None:
        raise RefusedError("name", f"{user.name} logs in at the provider and has no password here")
    users.change(session, user.id, password=password)
    sessions.end_all(session, user.id, but=but)
    throttle.forget(session, f"account/{user.name}")
    audit.add(session, now, who, "user-password", _subject(user), {})
    return user


def disable(
    session: Session,
    name: str,
    *,
    who: str,
    now: int,
    last: bool = False,
    provider: bool = False,
) -> User:
    """Lets a user in no more: sessions end, and tokens of theirs rest."""
    users.hold(session)
    user = ensure_user(session, name)
    if user.disabled_at is not None:
        return user
    if not last:
        _ensure_admin_stays(session, user, provider=provider)
    users.change(session, user.id, disabled_at=now)
    sessions.end_all(session, user.id)
    old, new = {"state": "enabled"}, {"state": "disabled"}
    audit.add(session, now, who, "user-disable", _subject(user), {}, old=old, new=new)
    return ensure_user(session, name)


def enable(session: Session, name: str, *, who: str, now: int) -> User:
    """Lets a disabled user in again."""
    users.hold(session)
    user = ensure_user(session, name)
    if user.disabled_at is None:
        return user
    users.change(session, user.id, disabled_at=None)
    throttle.forget(session, f"account/{user.name}")
    old, new = {"state": "disabled"}, {"state": "enabled"}
    audit.add(session, now, who, "user-enable", _subject(user), {}, old=old, new=new)
    return ensure_user(session, name)


def remove(
    session: Session,
    name: str,
    *,
    who: str,
    now: int,
    last: bool = False,
    provider: bool = False,
) -> User:
    """Removes a user for good, with sessions and tokens; the audit keeps the name."""
    users.hold(session)
    user = ensure_user(session, name)
    if not last:
        _ensure_admin_stays(session, user, provider=provider)
    sessions.end_all(session, user.id)
    tokens.revoke_all(session, user.id, now)
    users.remove(session, user.id)
    audit.add(session, now, who, "user-remove", _subject(user), {}, old={"role": user.role})
    return user


def end_sessions(session: Session, name: str, *, who: str, now: int, but: str = "") -> int:
    """Ends all sessions of a user but that of the digest `but`; gives how many ended."""
    user = ensure_user(session, name)
    ended = sessions.end_all(session, user.id, but=but)
    if ended:
        audit.add(session, now, who, "sessions-revoke", _subject(user), {"sessions": ended})
    return ended


def end_session(
    session: Session, public_id: str, *, who: str, now: int, owner: User | None = None
) -> None:
    """Ends one session (of the owner); none is no error, since it is what was wanted."""
    gone = sessions.end_named(session, public_id, None if owner is None else owner.id)
    if gone is not None:
        audit.add(
            session, now, who, "sessions-revoke", f"user/{gone.name}", {"address": gone.address}
        )


def user_json(user: User) -> dict[str, Any]:
    """A user as the JSON of API and CLI."""
    return {
        "name": user.name,
        "role": user.role,
        "login": "password" if user.subject is None else "oidc",
        "disabled": user.disabled_at is not None,
        "created_at": rfc3339(user.created_at),
        "seen_at": None if user.seen_at is None else rfc3339(user.seen_at),
    }


def _ensure_admin_stays(session: Session, user: User, *, provider: bool) -> None:
    """Refuses to take away the last admin who can log in."""
    if users.admins(session, provider=provider) == {user.id}:
        raise RefusedError(
            "name", f"{user.name} is the last admin; make somebody else an admin before"
        )


def _subject(user: User) -> str:
    return f"user/{user.name}"
