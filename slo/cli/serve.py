"""`slo serve`: the service."""

from __future__ import annotations

import errno
import logging
import socket
from typing import TYPE_CHECKING

import click

from slo.access.mode import OpenError, ensure_closed, only_loopback
from slo.cli.command import BAD_INPUT
from slo.cli.command import command as make
from slo.reloading import listen
from slo.scheduler.serving import serve
from slo.store import migrations, users
from slo.store.engine import open_engine, reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from slo.config import Settings

_log = logging.getLogger(__name__)

NO_ADDRESS = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}


class _OpenRefused(click.ClickException):
    """What was asked for is a mistake, as a fault of slo.yaml is."""

    exit_code = BAD_INPUT


@make("serve", "slo serve", "slo serve --config prod.yaml --host 0.0.0.0 --port 80", level="info")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines in, who then have to log in.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Port of the pages, the API and /metrics.",
)
def command(settings: Settings, host: str, port: int) -> int:
    """Run the service until Ctrl-C: a cycle every interval, backfill, pages and API.

    Brings the database's tables up to this version first. An empty ledger books
    live at once and reads its history in the background. What was missed while
    it did not run is caught up.

    slo.yaml is read anew when it changes, and at SIGHUP. One with faults changes
    nothing: they are logged and shown on the page System, and the last good one
    stays in force. A new database.url, --host or --port needs a restart.

    An address that lets other machines in is refused (exit 2) unless people have to
    log in (`slo user add NAME --role admin`, or site.oidc in slo.yaml), or slo.yaml
    says `site: {auth: none}`.
    """
    asked = listen()
    _ensure_address(host, port)
    engine = open_engine(settings.database_url)
    try:
        migrations.upgrade(engine)
        _ensure_closed(settings, host, engine)
    finally:
        engine.dispose()
    try:
        file = click.get_current_context().params["config"]
        return serve(settings, host=host, port=port, file=file, asked=asked)
    except OSError as error:
        if error.errno not in NO_ADDRESS:
            raise
        raise _no_address(host, port, error) from None


def _ensure_closed(settings: Settings, host: str, engine: Engine) -> None:
    """Refuse an address that lets others in while nobody would have to log in."""
    with reading(engine) as session:
        anybody = users.exist(session)
    try:
        ensure_closed(settings.site, host, users=anybody)
    except OpenError as error:
        raise _OpenRefused(str(error)) from None
    if settings.site.auth == "none" and not only_loopback(host):
        _log.warning(
            "site.auth is none: whoever reaches %s may see and change everything, without login",
            host,
        )


def _ensure_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is begun."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            # As the server itself does: connections that just ended do not count.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        raise _no_address(host, port, error) from None


def _no_address(host: str, port: int, error: OSError) -> click.ClickException:
    return click.ClickException(
        f"cannot listen on {host}:{port}: {error.strerror}; choose another --host or --port"
    )
