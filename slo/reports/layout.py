"""What a report is laid out of: sections, tables, cells of text, and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.web.format import DASH
from slo.web.links import service_url, slo_url

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Column:
    """A column; one that is not `narrow` is left out where there is little room."""

    label: str
    number: bool = False
    narrow: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, where it leads, its tone and sign, and a bar of a share of 1."""

    text: str
    href: str = ""
    tone: str = ""
    icon: str = ""
    bar: float | None = None
    sub: str = ""

    @property
    def nil(self) -> bool:
        """Whether it says nothing, so that a narrow layout may leave it out."""
        return self.text == DASH and not self.sub


@dataclass(frozen=True, slots=True)
class Table:
    """A table; one of its columns names the row."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sub: str = ""
    head: int = 0
    """The place of the column that names the row."""
    kind: str = ""
    """`slos` where columns are to stand below each other in several tables."""


@dataclass(frozen=True, slots=True)
class Section:
    """One service: its tables."""

    id: str
    title: str
    sub: str
    href: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the numbers on top."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class View:
    """A whole report, ready to be laid out."""

    title: str
    about: tuple[str, ...]
    headline: tuple[str, ...]
    tiles: tuple[Tile, ...]
    worst: tuple[Table, ...]
    sections: tuple[Section, ...]
    rest: tuple[Table, ...]
    how_to_read: tuple[str, ...]


class Links:
    """Addresses of pages, after the `base`; None: the report leads to none."""

    def __init__(self, base: str | None) -> None:
        self._base = base

    def slo(self, slo: str) -> str:
        """The page of an SLO."""
        return self._to(slo_url(*slo.split("/", 1)))

    def service(self, service: str) -> str:
        """The page of a service."""
        return self._to(service_url(service))

    def incident(self, number: int) -> str:
        """The page of an incident."""
        return self._to(f"/incidents/{number}")

    def postmortem(self, number: int) -> str:
        """The page of a postmortem."""
        return self._to(f"/postmortems/{number}")

    def _to(self, path: str) -> str:
        return "" if self._base is None else self._base + path


def narrowed(table: Table) -> tuple[Sequence[Column], list[list[Cell]]]:
    """The columns and rows of a table where there is little room."""
    places = [n for n, column in enumerate(table.columns) if column.narrow]
    return [table.columns[n] for n in places], [[row[n] for n in places] for row in table.rows]
