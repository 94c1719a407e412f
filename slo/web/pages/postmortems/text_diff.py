"""What differs between two texts, line by line, as a page shows it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

Mark = Literal["+", "-", " ", "@"]
_MOST_LINES = 3000
"""Beyond this many lines that differ, finding what they share takes too long."""
_AROUND = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line: added (`+`), taken out (`-`), in both (a space); or where a part begins (`@`)."""

    mark: Mark
    text: str


def differences(before: str, after: str) -> list[Line]:
    """The lines that differ, each with three around it; none where the texts are the same.

    Of very long texts all lines between the first and the last difference are shown.
    """
    old, new = before.split("\n"), after.split("\n")
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    # Only what differs, and a little around it: the rest would only cost time.
    start, stop = max(0, head - _AROUND), max(0, tail - _AROUND)
    old, new = old[start : len(old) - stop], new[start : len(new) - stop]
    if max(len(old), len(new)) > _MOST_LINES:
        return [Line("-", text) for text in old] + [Line("+", text) for text in new]
    # The first two lines name files.
    return [
        _line(text) for text in list(difflib.unified_diff(old, new, lineterm="", n=_AROUND))[2:]
    ]


def _line(text: str) -> Line:
    if text[0] == "@":  # Line numbers of a part say nothing of the whole.
        return Line("@", "")
    return Line("+" if text[0] == "+" else "-" if text[0] == "-" else " ", text[1:])


def _shared(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    number = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        number += 1
    return number
