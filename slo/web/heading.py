"""The line on the last cycle that heads every page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.span import rfc3339
from slo.store import cycles, receivers, standings
from slo.web import faults
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from slo.domain.standing import Standing


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
