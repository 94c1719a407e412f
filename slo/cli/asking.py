"""What commands that change something share: who asks, and refusals as errors."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from slo.silencing import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

WHO = click.option("--who", metavar="NAME", help="Who says so.  [default: the user who runs it]")

_WORDS = {"scope": "SCOPE", "id": "ID", "labels": "--label"}


def user(who: str | None) -> str:
    """The name that was given, else that of the user who runs the command."""
    if who is not None:
        return who
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container may run as a user whom it does not know.
        raise click.UsageError("the user who runs this has no name; say --who NAME") from None


@contextmanager
def asked() -> Iterator[None]:
    """Turns a `RefusedError` of the block into an error that names the option or argument."""
    try:
        yield
    except RefusedError as error:
        word = _WORDS.get(error.field, f"--{error.field}")
        raise click.UsageError(f"{word}: {error}") from None
