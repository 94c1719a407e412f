"""Faults: SLOs that cannot be read just now, and what their source says of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from slo.domain.standing import FAULT
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.standing import Standing

_LONGEST = 90
_MOST_NAMES = 4


def fault_of(standing: Standing) -> str | None:
    """Why a standing's SLO could not be booked; None where it was, or where nobody tries."""
    if standing.paused:
        return None
    return next((note.text for note in standing.notes if note.kind == FAULT), None)


def by_text(standings: Iterable[Standing]) -> dict[str, list[Standing]]:
    """The SLOs with a fault by its text, that of most SLOs first."""
    found: dict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        text = fault_of(standing)
        if text is not None:
            found[text].append(standing)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def line(standings: Iterable[Standing]) -> tuple[str, str]:
    """All faults in a short line, and whole; both empty where there is none."""
    found = by_text(standings)
    if not found:
        return "", ""
    number = sum(map(len, found.values()))
    rest = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
    told = f"{fmt.many(number, 'SLO')} not read: {_short(next(iter(found)))}{rest}"
    return told, "\n".join(f"{fmt.many(len(slos), 'SLO')}: {text}" for text, slos in found.items())


def names(standings: Iterable[Standing]) -> str:
    """The first SLOs by name, and how many more there are."""
    ids = sorted(s.slo for s in standings)
    rest = len(ids) - _MOST_NAMES
    return ", ".join(ids[:_MOST_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")


def _short(text: str) -> str:
    """A fault without its remedy, cut where it is long."""
    first = text.partition("; ")[0]
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1].rstrip() + "\u2026"
