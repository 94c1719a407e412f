"""Banners: what is wrong with the service itself, told on every page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from flask import request

from slo.store import cycles
from slo.store.engine import StoreError, reading
from slo.system import late_after
from slo.web import format as fmt
from slo.web.identity import current_identity
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.web.site import Site


SYSTEM = "/system"


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that is wrong: in short, what follows from it, and where to begin."""

    key: Literal["faults", "restart", "cycle"]
    title: str
    text: str
    begin: str = ""


def banners() -> list[Banner]:
    """The banners of this request's page; nobody sees them who may not see the pages."""
    if not current_identity().may("read") or request.path == SYSTEM:
        # The page System says the same at its top, in full.
        return []
    return every(current_site())


def every(site: Site) -> list[Banner]:
    """What all pages tell."""
    return [*_of_config(site), *_of_cycles(site)]


def file_name(site: Site) -> str:
    """What to call slo.yaml in a sentence."""
    return PurePath(site.loaded.state.file or "slo.yaml").name


def _of_config(site: Site) -> list[Banner]:
    state, name = site.loaded.state, file_name(site)
    found = []
    if state.faults:
        number = len(state.faults)
        has = "a fault" if number == 1 else f"{number} faults"
        told = f"What it said at {fmt.stamp(state.loaded_at)} UTC stays in force."
        first = state.faults[0]
        place = f"Line {first.line}: " if first.line else ""
        where = f"{first.where}: " if first.where else ""
        begin = f"{place}{where}{first.message}"
        found.append(Banner("faults", f"{name} has {has}.", told, begin))
    if state.waiting:
        found.append(Banner("restart", f"{name} waits for a restart.", " ".join(state.waiting)))
    return found


def _of_cycles(site: Site) -> list[Banner]:
    now = site.clock()
    try:
        with reading(site.engine) as session:
            last = cycles.last(session)
    except StoreError:
        # The page itself says so.
        return []
    since = max(site.started_at, 0 if last is None else last.finished)
    if now - since < late_after(site.interval):
        return []
    text = "Nothing is booked, and no alert is decided, until one finishes; the log says why."
    return [Banner("cycle", f"No cycle for {fmt.span(now - since)}.", text)]
