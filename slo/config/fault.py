"""Faults of slo.yaml: what is wrong, where, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its place; `line` and `column` count from 1, and are 0 for the whole file."""

    file: str
    line: int
    column: int
    where: str
    """What it belongs to, such as `fraud-model/latency`; empty for the file itself."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.where, self.message) if part)


class ConfigError(ValueError):
    """The file cannot be used; `faults` holds every fault in it, sorted by line.

    `files` are those that it names, where the fault may lie in one of them.
    """

    def __init__(self, faults: Iterable[Fault], files: Iterable[Path] = ()) -> None:
        unique = dict.fromkeys(faults)
        self.faults: tuple[Fault, ...] = tuple(
            sorted(unique, key=lambda fault: (fault.line, fault.column))
        )
        self.files = tuple(files)
        super().__init__("\n".join(str(fault) for fault in self.faults))
