"""Revisions: what was promised when. A window is judged by the revision at its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from slo.domain.duration import format_duration, parse_duration
from slo.domain.window import CalendarWindow, RollingWindow
from slo.store import audit, schema
from slo.store.dialect import among, write_many

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from slo.domain.slo import SLO
    from slo.domain.window import Window

_r, _s = schema.revision, schema.slo
_TEXTS = ("objective", "window", "owner", "description", "runbook", "labels")


@dataclass(frozen=True, slots=True)
class Revision:
    """An SLO's promise and texts from `since` (epoch seconds) on."""

    slo: str
    since: int
    objective: Decimal
    window: Window
    owner: str
    description: str
    runbook: str
    labels: tuple[tuple[str, str], ...]
    recorded_at: int


def revision_at(session: Session, slo_ids: Collection[str], at: int) -> dict[str, Revision]:
    """For each SLO id the revision in force at `at`: the newest since then, else the oldest."""
    found: dict[str, Revision] = {}
    for revision in _of(session, slo_ids):  # In order of time.
        if revision.slo not in found or revision.since <= at:
            found[revision.slo] = revision
    return found


def revisions(session: Session, slo_id: str) -> list[Revision]:
    """All revisions of an SLO, oldest first."""
    return _of(session, [slo_id])


def revisions_of(session: Session, slo_ids: Collection[str]) -> dict[str, list[Revision]]:
    """All revisions of these SLOs, oldest first; an SLO without has an empty list."""
    found: dict[str, list[Revision]] = {slo_id: [] for slo_id in slo_ids}
    for revision in _of(session, slo_ids):
        found[revision.slo].append(revision)
    return found


def add_changed(session: Session, declared: Mapping[int, SLO], at: int) -> None:
    """Appends a revision from `at` on for each SLO (by its row's id) whose promise changed.

    A clock that went backwards does not reorder them: a revision never begins
    before the one it follows.
    """
    newest = select(func.max(_r.c.id)).group_by(_r.c.slo_id)
    query = select(_r.c.slo_id, _r.c.since, *(_r.c[name] for name in _TEXTS))
    before = {row[0]: row[1:] for row in session.execute(query.where(_r.c.id.in_(newest)))}
    rows, entries = [], []
    for slo_id, slo in declared.items():
        texts = _texts(slo)
        since, *old = before.get(slo_id, (at,))
        if tuple(old) != texts:
            row = dict(zip(_TEXTS, texts, strict=True))
            rows.append({**row, "slo_id": slo_id, "since": max(at, since), "recorded_at": at})
            entries.append(_entry(slo.id, at, dict(zip(_TEXTS, old, strict=False)), row))
    write_many(session, insert(_r), rows)
    audit.add_many(session, entries)


def _entry(slo_id: str, at: int, old: dict[str, str], new: dict[str, str]) -> audit.Entry:
    """What the audit says of a first or a changed promise: the parts that differ."""
    if not old:
        told = {name: _told(name, text) for name, text in new.items() if text not in {"", "[]"}}
        return audit.Entry(at, audit.CONFIG, "declare", slo_id, {}, new=told)
    names = [name for name in _TEXTS if old[name] != new[name]]
    return audit.Entry(
        at,
        audit.CONFIG,
        "revise",
        slo_id,
        {},
        {name: _told(name, old[name]) for name in names},
        {name: _told(name, new[name]) for name in names},
    )


def _told(name: str, text: str) -> Any:
    """A part of a promise for people, who know a window by its length or unit."""
    match name:
        case "window":
            body = json.loads(text)
            return body.get("length") or f"{body['unit']}, {body['zone']}"
        case "labels":
            return dict(json.loads(text))
        case _:
            return text


def _of(session: Session, slo_ids: Collection[str]) -> list[Revision]:
    wanted = set(slo_ids)
    services = {slo_id.partition("/")[0] for slo_id in wanted}
    query = (
        select(
            _s.c.service,
            _s.c.name,
            _r.c.since,
            *(_r.c[name] for name in _TEXTS),
            _r.c.recorded_at,
        )
        .join(_s, _s.c.id == _r.c.slo_id)
        .where(among(session, _s.c.service, services))
        .order_by(_r.c.since, _r.c.id)
    )
    return [
        Revision(
            slo=f"{service}/{name}",
            since=since,
            objective=Decimal(objective),
            window=_parse_window(json.loads(window)),
            owner=owner,
            description=description,
            runbook=runbook,
            labels=tuple((k, v) for k, v in json.loads(labels)),
            recorded_at=recorded_at,
        )
        for (
            service, name, since, objective, window, owner, description, runbook, labels,
            recorded_at,
        ) in session.execute(query)
        if f"{service}/{name}" in wanted
    ]  # fmt: skip


def _texts(slo: SLO) -> tuple[str, ...]:
    return (
        format(slo.objective.normalize(), "f"),
        json.dumps(_window(slo.window)),
        slo.owner,
        slo.description,
        slo.runbook,
        json.dumps(slo.labels, ensure_ascii=False),
    )


def _window(window: Window) -> dict[str, Any]:
    match window:
        case RollingWindow():
            return {"kind": "rolling", "length": format_duration(window.length)}
        case CalendarWindow():
            return {"kind": "calendar", "unit": window.unit, "zone": window.zone}


def _parse_window(body: dict[str, Any]) -> Window:
    if body["kind"] == "rolling":
        return RollingWindow(parse_duration(body["length"]))
    return CalendarWindow(body["unit"], body["zone"])
