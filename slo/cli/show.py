"""How commands print: numbers as plain text, and one console for stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slo.domain.span import rfc3339
from slo.web import format as figures

if TYPE_CHECKING:
    from collections.abc import Collection
    from decimal import Decimal

    from slo.domain.standing import DataState, State

WIDEST = 100_000
"""Columns where there is no terminal: a pipe's lines are never folded."""

STYLES: dict[State, str] = {
    "new": "cyan",
    "healthy": "green",
    "caution": "yellow",
    "restricted": "dark_orange",
    "exhausted": "bold red",
}
_ICONS: dict[State, tuple[str, str]] = {
    "new": ("○", "-"),
    "healthy": ("●", "+"),
    "caution": ("◐", "~"),
    "restricted": ("◔", "!"),
    "exhausted": ("✖", "x"),
}
SEVERITY_STYLES = {"page": "bold red", "ticket": "yellow"}
DATA_STYLES: dict[DataState, str] = {"fresh": "", "late": "yellow", "none": "red"}
_PLAIN = {f"{figures.SPACE}%": "%", figures.SPACE: " ", figures.MINUS: "-", figures.DASH: "-"}


def console() -> Console:
    """The console on stdout: colours only on a terminal, and not with NO_COLOR."""
    # A terminal of old may lack a letter; a report must not fail on it.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None and not _is_utf8():
        reconfigure(errors="replace")
    width = None if sys.stdout.isatty() else WIDEST
    return Console(file=sys.stdout, width=width, highlight=False, emoji=False)


def columns(
    *names: str, right: Collection[str] = (), fold: Collection[str] | None = None, space: int = 2
) -> Table:
    """A table with these columns; where it is wide, those of `fold` are folded, by default all."""
    table = Table(box=None, pad_edge=False, padding=(0, space, 0, 0), header_style="bold")
    for name in names:
        table.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=fold is not None and name not in fold,
        )
    return table


def one_line(text: str) -> Text:
    """A text on one line, in which rich looks for no markup and a terminal for no commands."""
    return Text(printable(text))


def printable(text: str) -> str:
    """Without control characters, which terminals obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def icon(state: State) -> str:
    """The state's sign, in ASCII where stdout has no other."""
    rich, plain = _ICONS[state]
    return rich if _is_utf8() else plain


def _is_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"


def plain(text: str) -> str:
    """The text with the plain letters that any terminal has, `99.9%`."""
    for fine, simple in _PLAIN.items():
        text = text.replace(fine, simple)
    return text


def percent(share: float | None, decimals: int = 1) -> str:
    """A share in per cent."""
    return plain(figures.percent(share, decimals))


def sli(share: float | None, objective: Decimal) -> str:
    """An SLI, with as many decimals as tell it from its objective."""
    return plain(figures.sli(share, objective))


def count(number: float | None) -> str:
    """Events with thousands separators."""
    return plain(figures.count(number))


def signed(number: float) -> str:
    """A difference of events, `+12`, `-3` or `0`."""
    text = count(number)
    return f"+{text}" if number > 0 else text


def amount(number: float) -> str:
    """Events that need not be whole, such as a budget."""
    return plain(figures.amount(number))


def burn(rate: float | None) -> str:
    """A burn rate, `6.2x`."""
    return plain(figures.burn(rate))


def length(seconds: float) -> str:
    """A length of time in its largest unit, `26 min`."""
    return plain(figures.span(seconds))


def stretch(start: int, end: int) -> str:
    """A span by its ends and its length."""
    return f"{rfc3339(start)} to {rfc3339(end)} ({length(end - start)})"


def length_exact(seconds: float) -> str:
    """Covered seconds as a count."""
    return f"{count(round(seconds))} s"
