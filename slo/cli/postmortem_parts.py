"""What the commands of postmortems and action items share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from slo.cli.command import BAD_INPUT
from slo.cli.opening import open_store
from slo.domain.postmortem import Conflict, PostmortemError
from slo.store.engine import reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from slo.config import Settings

WHO = click.option("--who", required=True, help="Who does it; it goes into the audit.")
INCIDENT = click.argument("incident", metavar="ID", type=click.IntRange(1))


@contextmanager
def reading_store(settings: Settings) -> Iterator[Session]:
    """A session that reads the store; errors of postmortems as sentences."""
    with open_store(settings) as engine, _told(reading(engine)) as session:
        yield session


@contextmanager
def writing_store(settings: Settings) -> Iterator[Session]:
    """A session that changes the store, or nothing of it where there is an error."""
    with open_store(settings) as engine, _told(writing(engine)) as session:
        yield session


@contextmanager
def _told(opened: AbstractContextManager[Session]) -> Iterator[Session]:
    """Errors of postmortems as a sentence, with exit code 2; nothing was changed then."""
    try:
        with opened as session:
            yield session
    except (PostmortemError, Conflict) as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(BAD_INPUT) from None
