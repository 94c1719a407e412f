"""What pages share: the line on the last cycle, the addresses of SLOs, names that are alike."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from slo.domain.span import rfc3339
from slo.store import cycles, receivers, standings
from slo.web import faults
from slo.web import format as fmt
from slo.web.links import slo_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing

_LONGEST = 200
"""Characters of an unknown name that others are compared with: it may be of any length."""


def cycle_line(
    session: Session, now: float, known: Iterable[Standing] | None = None
) -> dict[str, str]:
    """The line at the top right: how long ago the last cycle was, and how the sources are.

    `known` are all standings; without them they are read only after a cycle with errors.
    """
    clock = f"{fmt.clock(now)} UTC"
    last = cycles.last(session)
    if last is None or last.finished is None:
        failing = _failing(session)
        return {
            "text": "no cycle yet",
            "sources": "",
            "clock": clock,
            "at": "",
            "receivers": failing,
        }
    if known is None:
        known = standings.all(session, sparklines=False) if last.errors else ()
    fault, whole = faults.line(known)
    return {
        "text": f"cycle {fmt.span(now - last.finished)} ago",
        "sources": fault or _sources(last.errors),
        "warning": whole or ("The service's log says which." if last.errors else ""),
        "clock": clock,
        "at": rfc3339(last.finished),
        "receivers": _failing(session),
    }


def _failing(session: Session) -> str:
    """The receivers that do not get through; empty: all do."""
    names = [name for name, health in receivers.healths(session).items() if health.state != "ok"]
    if not names:
        return ""
    return f"{', '.join(sorted(names))} not reached"


def _sources(errors: int) -> str:
    if errors == 0:
        return "Prometheus ok"
    return f"{errors:,} error{'' if errors == 1 else 's'} in the last cycle"


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
