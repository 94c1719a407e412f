"""`slo token`: API tokens for programs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich.text import Text

from slo.access import tokens as access
from slo.access import users as people
from slo.cli import show
from slo.cli.asking import AS_JSON, WHO, asked, user
from slo.cli.command import command as make
from slo.cli.opening import open_store
from slo.domain.span import rfc3339
from slo.domain.token import DEFAULT_DAYS
from slo.status import dumps
from slo.store import tokens
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from slo.config import Settings


@make(
    "add",
    "slo token add prometheus --scope metrics --never",
    "slo token add ci-deploy --scope gate --days 365",
    "slo token add laptop --scope read --user ada",
)
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(access.SCOPE_NAMES),
    required=True,
    help="metrics, gate and annotate are for just that; read, write and admin are what a "
    "viewer, an editor and an admin may do.",
)
@click.option(
    "--days",
    type=click.IntRange(1, access.MOST_DAYS),
    help=f"When it expires.  [default: {DEFAULT_DAYS}]",
)
@click.option("--never", is_flag=True, help="It never expires.")
@click.option(
    "--user",
    "owner",
    metavar="NAME",
    help="Whose it is: it never may more than they do, and rests while they are disabled.",
)
@WHO
def add_command(
    settings: Settings,
    name: str,
    scope: str,
    days: int | None,
    owner: str | None,
    who: str | None,
    *,
    never: bool,
) -> int:
    """Make a token, NAME says what for, and print it once.

    It is sent as `Authorization: Bearer slo_...`. Only its hash is kept, so one that
    is lost is revoked and made anew.
    """
    if never and days is not None:
        raise click.UsageError("--never contradicts --days; say one of them")
    with asked(), open_store(settings, create=True) as engine, writing(engine) as session:
        made, text = access.add_token(
            session,
            name,
            access.parse_scope(scope),
            who=user(who),
            now=int(time.time()),
            days=None if never else days or DEFAULT_DAYS,
            owner=None if owner is None else people.ensure_user(session, owner, "user"),
        )
    until = "never expires" if made.expires_at is None else f"expires {rfc3339(made.expires_at)}"
    click.echo(text)
    click.echo(f"This is token {made.id}; it {until} and is not shown again.", err=True)
    return 0


@make("list", "slo token list", "slo token list --json")
@AS_JSON
def list_command(settings: Settings, *, as_json: bool) -> int:
    """List the tokens that are not revoked: what each is for, its scope, its last use.

    Expired ones are marked as over. The secret part of a token is not kept, so it
    cannot be shown again.
    """
    now = int(time.time())
    with open_store(settings) as engine, reading(engine) as session:
        found = tokens.all_tokens(session)
    if as_json:
        click.echo(dumps({"tokens": [access.token_json(one) for one in found]}))
        return 0
    if not found:
        click.echo("There is no token. To make one: slo token add NAME --scope read")
        return 0
    table = show.columns("ID", "Name", "Scope", "Of", "Made by", "Expires", "Last used")
    for one in found:
        until = "never" if one.expires_at is None else rfc3339(one.expires_at)
        table.add_row(
            one.id,
            Text(one.name),
            one.scope,
            Text(one.owner or "a service"),
            Text(one.created_by),
            f"{until} (over)" if one.over(now) else until,
            "never" if one.used_at is None else rfc3339(one.used_at),
        )
    show.console().print(table)
    return 0


@make("revoke", "slo token revoke 3f9a1c22b7d0")
@click.argument("token_id", metavar="ID")
@WHO
def revoke_command(settings: Settings, token_id: str, who: str | None) -> int:
    """Make token ID good for nothing, at once and for ever.

    ID is the first column of `slo token list`, and the 12 digits after `slo_` in the
    token itself, which tell a leaked one without its secret.
    """
    now = int(time.time())
    with asked(), open_store(settings) as engine, writing(engine) as session:
        gone = access.revoke(session, token_id, who=user(who), now=now)
    click.echo(f"Token {gone.id} ({gone.name}) is revoked.")
    return 0


@click.group("token")
def command() -> None:
    """Make, list and revoke API tokens, for programs."""


command.add_command(add_command)
command.add_command(list_command)
command.add_command(revoke_command)
