"""Parameters of commands: instants, days, labels, and SLOs by id or service."""

from __future__ import annotations

import difflib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from slo.domain.instant import InstantError, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    _IntType = click.ParamType[int]
else:
    _IntType = click.ParamType  # Generic only since click 8.5.


class Instant(_IntType):
    """RFC 3339, a day (its first instant in UTC), or epoch seconds; gives epoch seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The instant that `value` names, fractions of a second cut off."""
        try:
            return parse_instant(str(value))
        except InstantError as error:
            self.fail(str(error), param, ctx)


class Day(_IntType):
    """A UTC day as YYYY-MM-DD; gives its first instant in epoch seconds."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The first instant of the day."""
        if isinstance(value, int):
            return value
        try:
            day = date.fromisoformat(str(value).strip())
        except ValueError:
            self.fail(f"{value!r} is not a day; write for example 2026-11-20", param, ctx)
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


INSTANT = Instant()
DAY = Day()


def label_pair(text: str) -> tuple[str, str]:
    """Name and value of a label such as `team=ml`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"--label {text!r} is no label; write for example team=ml")
    return name, value


def choose(known: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The ids of `known` that `wanted` names by id or by service; all if it names none.

    Raises `click.UsageError` with the nearest names.
    """
    chosen: list[str] = []
    for word in wanted:
        found = [one for one in known if word in {one, one.partition("/")[0]}]
        if not found:
            raise click.UsageError(unknown_slo(word, known))
        chosen += found
    return list(dict.fromkeys(chosen)) if wanted else list(known)


def choose_one(known: Sequence[str], word: str) -> str:
    """The id `word`, if it is known; raises `click.UsageError` with the nearest names."""
    if word not in known:
        raise click.UsageError(unknown_slo(word, known))
    return word


def unknown_slo(word: str, known: Iterable[str]) -> str:
    """The sentence about an SLO that there is not: the nearest ids, or those there are."""
    ids = list(known)
    if not ids:
        return f"there is no SLO {word!r}; none is declared"
    # People type the name alone, or mistype one half.
    halves = [one for one in ids if word in one.split("/")]
    near = list(dict.fromkeys([*halves, *difflib.get_close_matches(word, ids, n=3, cutoff=0.5)]))
    if near:
        return f"there is no SLO {word!r}; did you mean {' or '.join(near[:3])}?"
    shown = ", ".join(ids[:10]) + (f" and {len(ids) - 10} more" if len(ids) > 10 else "")  # noqa: PLR2004 -- ten fit on a screen.
    return f"there is no SLO {word!r}; there are {shown}"
