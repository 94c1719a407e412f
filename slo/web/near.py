"""Near names: what somebody may have meant who asked for a name that there is not."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from slo.web.links import slo_url

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 200
"""Characters of an unknown name that others are compared with: it may be of any length."""


def nearby(wanted: str, known: Iterable[str]) -> list[str]:
    """The ids most like `wanted`, at most five; those of its service where none is alike."""
    ids = list(known)
    alike = difflib.get_close_matches(wanted[:_LONGEST], ids, n=5, cutoff=0.6)
    return alike or [i for i in ids if i.partition("/")[0] == wanted.partition("/")[0]][:5]


def near_links(ids: Iterable[str]) -> list[tuple[str, str]]:
    """The pages of SLOs, as a page that was not found names them: address and word."""
    return [(slo_url(*one.split("/", 1)), one) for one in ids]


def nearby_services(wanted: str, services: Iterable[str]) -> list[str]:
    """The services most like `wanted`, at most five."""
    return difflib.get_close_matches(wanted[:_LONGEST], sorted(set(services)), n=5, cutoff=0.5)
