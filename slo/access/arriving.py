"""Arriving: somebody whom a provider vouches for becomes a user, with the role of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.access.logins import LoginError, begin_session, note_failure
from slo.access.users import add_user
from slo.domain.refusal import RefusedError
from slo.domain.user import name_from
from slo.store import audit, sessions, users

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.access.logins import Caller
    from slo.access.oidc import Person
    from slo.domain.access import Role
    from slo.domain.user import User

WHO = "oidc"
"""Who did it where the provider's word did."""


def let_in(session: Session, person: Person, caller: Caller, now: int) -> str:
    """The id of a new session of `person`, who becomes a user at the first login.

    Raises `LoginError`; what follows from that is `turn_out`'s.
    """
    users.hold(session)
    user = users.of_subject(session, person.subject)
    if user is not None and user.disabled_at is not None:
        raise LoginError(f"The user {user.name} is disabled.")
    if person.role is None:
        raise LoginError(
            "You are known, but none of your groups has a role here; an admin maps them in "
            "site.oidc.roles of slo.yaml."
        )
    if user is None:
        user = _added(session, person, person.role, now)
    elif user.role != person.role:
        user = _moved(session, user, person.role, now)
    return begin_session(session, user, caller, now, how="oidc")


def turn_out(session: Session, person: Person, caller: Caller, now: int) -> None:
    """Ends the sessions of somebody who was not let in, and writes down that they tried.

    Who has no role any more keeps none: tokens of theirs rest until they are let in again.
    """
    users.hold(session)
    user = users.of_subject(session, person.subject)
    if user is not None and person.role is None and user.role is not None:
        user = _moved(session, user, None, now)
    elif user is not None:
        sessions.end_all(session, user.id)
    note_failure(session, user, caller, now, how="oidc")


def _added(session: Session, person: Person, role: Role, now: int) -> User:
    try:
        name = name_from(person.name)
        return add_user(session, name, role, subject=person.subject, who=WHO, now=now)
    except RefusedError as error:
        # Who has the name already is somebody else, whatever the provider calls them.
        raise LoginError(f"You cannot be added as a user: {error}.") from None


def _moved(session: Session, user: User, role: Role | None, now: int) -> User:
    users.change(session, user.id, role=role or users.NO_ROLE)
    sessions.end_all(session, user.id)
    old, new = {"role": user.role}, {"role": role}
    audit.add(session, now, WHO, "user-role", f"user/{user.name}", {}, old=old, new=new)
    return users.by_id(session, user.id) or user
