"""Logins: a name and a password become a session, and guessing becomes slow."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.access import passwords
from slo.domain.throttle import Failures, counted, wait
from slo.domain.user import LONGEST_PASSWORD, plain_name
from slo.store import audit, sessions, throttle, users
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from slo.domain.user import User

FREE_OF_ACCOUNT = 5
FREE_OF_ADDRESS = 20
"""Failures that cost no waiting."""
_LONGEST_AGENT = 300
_WRONG = "The name or the password is wrong."


class LoginError(Exception):
    """Somebody is not let in; where `retry_after` (seconds) is over 0, they were not even heard."""

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a login comes from."""

    address: str
    agent: str

    @property
    def block(self) -> str:
        """The address, or the network of 2^64 addresses that one person has in IPv6."""
        try:
            found = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address[:45]
        if found.version == 4 or found.ipv4_mapped is not None:  # noqa: PLR2004 -- of IPv4.
            return self.address
        return str(ipaddress.ip_network((found, 64), strict=False).network_address)


def digest(secret: str) -> str:
    """What is kept of a session's id, or of another secret of a browser."""
    return hashlib.sha256(secret.encode()).hexdigest()


def log_in(engine: Engine, name: str, password: str, caller: Caller, now: float) -> str:
    """The id of a new session; raises `LoginError`, the same for all that may be wrong."""
    plain, password = plain_name(name)[:100], password[:LONGEST_PASSWORD]
    with writing(engine) as session:
        _reserve(session, plain, caller, now)
    with reading(engine) as session:
        user = users.named(session, plain)
        kept = None if user is None else users.password_of(session, user.id)
    # Outside of transactions: it takes long on purpose.
    right = passwords.matches(kept, password)
    if user is None or not right or user.disabled_at is not None:
        with writing(engine) as session:
            note_failure(session, user, caller, int(now), how="password")
        raise LoginError(_WRONG)
    better = passwords.hashed(password) if passwords.is_outdated(kept or "") else None
    with writing(engine) as session:
        users.hold(session)
        # While it was compared, somebody may have set another one, or disabled or removed the user.
        user = users.by_id(session, user.id)
        if user is None or user.disabled_at or users.password_of(session, user.id) != kept:
            raise LoginError(_WRONG)
        _forgive(session, plain, caller, now)
        if better is not None:
            users.change(session, user.id, password=better)
        return begin_session(session, user, caller, int(now), how="password")


def begin_session(session: Session, user: User, caller: Caller, now: int, *, how: str) -> str:
    """The id of a new session of somebody who has proved who they are."""
    secret = secrets.token_urlsafe(16)
    sessions.begin(
        session,
        digest(secret),
        user.id,
        now,
        address=caller.address,
        agent=caller.agent[:_LONGEST_AGENT],
    )
    users.change(session, user.id, seen_at=now)
    detail = {"address": caller.address, "by": how}
    audit.add(session, now, user.name, "login", f"user/{user.name}", detail)
    return secret


def _reserve(session: Session, name: str, caller: Caller, now: float) -> None:
    """Counts this try as a failure before it is looked at, so that none of many at once is free."""
    throttle.hold(session)
    address, account, place = _keys(name, caller)
    found = throttle.failures(session, [address, account, place])
    left = wait(found[address], FREE_OF_ADDRESS, now)
    # Who has logged in from here before is not locked out by the guesses of others elsewhere.
    if not found[place].at:
        left = max(left, wait(found[account], FREE_OF_ACCOUNT, now))
    if left > 0:
        seconds = int(left) + 1
        raise LoginError(f"Too many logins have failed; try again in {seconds} s.", seconds)
    for key in (address, account):
        throttle.put(session, key, Failures(counted(found[key], now) + 1, now))


def _forgive(session: Session, name: str, caller: Caller, now: float) -> None:
    """Takes back what `_reserve` counted; the account's failures of before are forgotten too."""
    throttle.hold(session)
    address, account, place = _keys(name, caller)
    before = throttle.failures(session, [address])[address].number - 1
    if before > 0:
        throttle.put(session, address, Failures(before, now))
    else:
        throttle.forget(session, address)
    throttle.forget(session, account)
    throttle.put(session, place, Failures(0, now))


def _keys(name: str, caller: Caller) -> tuple[str, str, str]:
    place = caller.block
    return f"address/{place}", f"account/{name}", f"known/{place}/{name}"


def note_failure(
    session: Session, user: User | None, caller: Caller, now: int, *, how: str
) -> None:
    """Writes down that somebody was not let in."""
    # An unknown name is not written down: now and then it is a password.
    subject = "user/unknown" if user is None else f"user/{user.name}"
    audit.add(
        session, now, "anonymous", "login-failed", subject, {"address": caller.address, "by": how}
    )
