"""`slo serve`: the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slo.cli.command import command as make
from slo.scheduler import serve
from slo.store import migrations
from slo.store.engine import open_engine

if TYPE_CHECKING:
    from slo.config import Settings


@make("serve", "slo serve", "slo serve --config prod.yaml --host 0.0.0.0 --port 80", level="info")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines in.",
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
    """
    engine = open_engine(settings.database_url)
    try:
        migrations.upgrade(engine)
    finally:
        engine.dispose()
    return serve(settings, host=host, port=port)
