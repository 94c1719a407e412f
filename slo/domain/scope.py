"""Scopes: which SLOs a silence or an exclusion is for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING = "*"
_SHOWN = 10


class ScopeError(ValueError):
    """The scope names nothing that there is; the message says what might be meant."""


def parse_scope(text: str, known: Iterable[str]) -> str:
    """The scope that `text` names among the `known` SLO ids: `*`, `service/*` or `service/name`.

    A service by its name alone is all of its SLOs. Raises `ScopeError` with the
    nearest names.
    """
    word = text.strip()
    ids = sorted(set(known))
    services = sorted({one.partition("/")[0] for one in ids})
    service, slash, name = word.partition("/")
    if word == EVERYTHING or word in ids:
        return word
    if service in services and (not slash or name == "*"):
        return f"{service}/*"
    raise ScopeError(_unknown(word, ids, services))


def in_scope(scope: str, slo: str) -> bool:
    """Whether the SLO with this id lies in a scope as `parse_scope` gives it."""
    service, _, name = scope.partition("/")
    return scope in {EVERYTHING, slo} or (name == "*" and slo.startswith(f"{service}/"))


def _unknown(word: str, ids: list[str], services: list[str]) -> str:
    told = f"there is no service or SLO {word[:100]!r}"
    if not ids:
        return f"{told}; none is declared"
    # People type the name alone, or mistype one half.
    halves = [one for one in ids if word in one.split("/")]
    alike = difflib.get_close_matches(word[:200], [*ids, *services], n=3, cutoff=0.5)
    near = list(dict.fromkeys([*halves, *alike]))[:3]
    if near:
        return f"{told}; did you mean {' or '.join(near)}?"
    rest = len(ids) - _SHOWN
    shown = ", ".join(ids[:_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")
    return f"{told}; there are {shown}, or * for all"
