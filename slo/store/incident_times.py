"""Instants of an incident that its row forgets when it reopens; its timeline keeps them."""

from __future__ import annotations

from sqlalchemy import case, func, select

from slo.store import schema

_i, _e = schema.incident, schema.incident_event
_a = _e.alias("acknowledgement")
_openings = select(func.max(_e.c.at)).where(
    _e.c.incident_id == _i.c.id, _e.c.kind.in_(("opened", "reopened"))
)
_acknowledged = _a.c.incident_id == _i.c.id, _a.c.kind == "acknowledged"
_first_at = select(func.min(_a.c.at)).where(*_acknowledged).correlate(_i).scalar_subquery()
_first_id = select(func.min(_a.c.id)).where(*_acknowledged).correlate(_i).scalar_subquery()
# By the order of writing: a relapse may be found after an acknowledgement, and have come before.
_before = _openings.where(_e.c.id < _first_id).correlate(_i).scalar_subquery()
_unbroken = _i.c.reopened == 0

FRESH_AT = func.coalesce(_openings.correlate(_i).scalar_subquery(), _i.c.opened_at)
"""When an incident opened or last reopened."""

FIRST_ACKNOWLEDGED_AT = case((_unbroken, _i.c.acknowledged_at), else_=_first_at)
"""When somebody first acknowledged it; NULL: nobody did."""

ALERTED_AT = case((_unbroken, _i.c.opened_at), else_=func.coalesce(_before, _i.c.opened_at))
"""When it opened, or last reopened before that first acknowledgement."""
