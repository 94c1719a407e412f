"""`slo user`: who can log in, and what they may do."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo.access import users as access
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, asked, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.domain.span import rfc3339
from slo.domain.user import SHORTEST_PASSWORD, parse_name
from slo.status import dumps
from slo.store import sessions, users
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table
    from sqlalchemy.orm import Session

    from slo.config import Settings
    from slo.domain.user import User

_NAME = click.argument("name")
_STDIN = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of stdin instead of asking for it.",
)
_LAST = click.option(
    "--last", is_flag=True, help="Yes, although nobody is an admin then who can log in."
)


@make(
    "add",
    "slo user add ada --role admin",
    "slo user add bo@example.com --role viewer --password-stdin < bo.password",
)
@_NAME
@click.option(
    "--role",
    type=click.Choice(access.ROLES),
    required=True,
    help="viewer sees, editor acts on incidents and budgets too, admin manages users too.",
)
@_STDIN
@WHO
def add_command(
    settings: Settings, name: str, role: str, who: str | None, *, password_stdin: bool
) -> int:
    """Add a user who logs in by NAME and a password, which is asked for.

    Once there is a user, everybody has to log in. A running service knows at once.
    """
    with asked():
        parse_name(name)
        password = access.new_password(name, _password(from_stdin=password_stdin))
        with open_store(settings, create=True) as engine, writing(engine) as session:
            made = access.add_user(
                session,
                name,
                access.parse_role(role),
                password=password,
                who=user(who),
                now=int(time.time()),
            )
    click.echo(f"{made.name} can log in now, as {made.role}.")
    if settings.site.auth == "none":
        click.echo("Nobody has to, though, while slo.yaml says site.auth: none.", err=True)
    return 0


@make("list", "slo user list", "slo user list --json")
@AS_JSON
def list_command(settings: Settings, *, as_json: bool) -> int:
    """List the users, their roles, and when each was seen last.

    People of an OpenID Connect provider are among them once they have logged in.
    """
    with open_store(settings) as engine, reading(engine) as session:
        found = users.all_users(session)
    if as_json:
        click.echo(dumps({"users": [access.user_json(one) for one in found]}))
    elif not found:
        click.echo("There is no user. To add the first: slo user add NAME --role admin")
    else:
        show.console().print(_table(found))
    return 0


@make("role", "slo user role bo editor")
@_NAME
@click.argument("role", type=click.Choice(access.ROLES))
@_LAST
@WHO
def role_command(settings: Settings, name: str, role: str, who: str | None, *, last: bool) -> int:
    """Give user NAME another ROLE: viewer, editor or admin.

    Their sessions end, so they log in anew. Their tokens never may more than they do.
    """
    wanted = access.parse_role(role)
    return _change(
        settings,
        lambda session, now: access.set_role(
            session,
            name,
            wanted,
            who=user(who),
            now=now,
            last=last,
            provider=settings.site.oidc is not None,
        ),
        f"{{}} is {role} now.",
    )


@make("password", "slo user password ada", "slo user password ada --password-stdin < new.password")
@_NAME
@_STDIN
@WHO
def password_command(
    settings: Settings, name: str, who: str | None, *, password_stdin: bool
) -> int:
    """Give user NAME another password, which is asked for.

    Their sessions end. Who was locked out after too many wrong passwords may try
    again at once.
    """
    with asked():
        password = access.new_password(name, _password(from_stdin=password_stdin))
    return _change(
        settings,
        lambda session, now: access.set_password(session, name, password, who=user(who), now=now),
        "{} has another password now, and is logged out everywhere.",
    )


@make("disable", "slo user disable bo")
@_NAME
@_LAST
@WHO
def disable_command(settings: Settings, name: str, who: str | None, *, last: bool) -> int:
    """Let user NAME in no more, until enabled.

    Their sessions end at once, and their tokens are refused meanwhile. What they
    did stays in the audit.
    """
    return _change(
        settings,
        lambda session, now: access.disable(
            session,
            name,
            who=user(who),
            now=now,
            last=last,
            provider=settings.site.oidc is not None,
        ),
        "{} cannot log in any more.",
    )


@make("enable", "slo user enable bo")
@_NAME
@WHO
def enable_command(settings: Settings, name: str, who: str | None) -> int:
    """Let user NAME, who was disabled, in again.

    Role and password are what they were, and tokens that have not expired are good
    again. Sessions stay ended.
    """
    return _change(
        settings,
        lambda session, now: access.enable(session, name, who=user(who), now=now),
        "{} can log in again.",
    )


@make("remove", "slo user remove bo")
@_NAME
@_LAST
@WHO
def remove_command(settings: Settings, name: str, who: str | None, *, last: bool) -> int:
    """Remove user NAME for good, with their sessions and tokens.

    The audit keeps what they did, under their name.
    """
    return _change(
        settings,
        lambda session, now: access.remove(
            session,
            name,
            who=user(who),
            now=now,
            last=last,
            provider=settings.site.oidc is not None,
        ),
        "{} is removed.",
    )


@make("sessions", "slo user sessions", "slo user sessions ada")
@click.argument("name", required=False)
def sessions_command(settings: Settings, name: str | None) -> int:
    """List where users are logged in; with NAME, that user alone.

    `slo user revoke NAME` ends all sessions of a user.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine, reading(engine) as session:
        chosen = None if name is None else access.ensure_user(session, name).id
        found = sessions.running(session, now, chosen)
    if not found:
        click.echo("Nobody is logged in.")
        return 0
    table = show.columns("User", "Since", "Last seen", "Address", "Browser")
    for one in found:
        table.add_row(
            one.name,
            rfc3339(one.created_at),
            rfc3339(one.seen_at),
            Text(one.address),
            Text(one.agent),
        )
    show.console().print(table)
    return 0


@make("revoke", "slo user revoke ada")
@_NAME
@WHO
def revoke_command(settings: Settings, name: str, who: str | None) -> int:
    """End all sessions of user NAME, who may log in again.

    Tokens stay good; `slo token revoke` ends one. To keep somebody out, use
    `slo user disable`.
    """

    def end(session: Session, now: int) -> User:
        access.end_sessions(session, name, who=user(who), now=now)
        return access.ensure_user(session, name)

    return _change(settings, end, "{} is logged out everywhere.")


@click.group("user")
def command() -> None:
    """Add users, change their roles and passwords, end their sessions."""


for _part in (
    add_command,
    list_command,
    role_command,
    password_command,
    disable_command,
    enable_command,
    remove_command,
    sessions_command,
    revoke_command,
):
    command.add_command(_part)


def _change(settings: Settings, make_it: Callable[[Session, int], User], told: str) -> int:
    now = int(time.time())
    with asked(), open_store(settings) as engine, writing(engine) as session:
        found = make_it(session, now)
    click.echo(told.format(found.name))
    return 0


def _password(*, from_stdin: bool) -> str:
    """The password, from a terminal or stdin; never from an argument, which others can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(
        click.prompt(
            f"Password ({SHORTEST_PASSWORD} characters or more)",
            hide_input=True,
            confirmation_prompt="Once more",
        )
    )


def _table(found: Sequence[User]) -> Table:
    table = show.columns("Name", "Role", "Logs in by", "Last seen", "State")
    for one in found:
        table.add_row(
            Text(one.name),
            one.role or "none",
            "password" if one.subject is None else "provider",
            "never" if one.seen_at is None else rfc3339(one.seen_at),
            "" if one.disabled_at is None else "disabled",
        )
    return table
