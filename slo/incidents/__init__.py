"""Incidents: what alerts make of them, what people do to them, and who is told."""

from __future__ import annotations

from slo.incidents.actions import acknowledge, assign, comment, resolve
from slo.incidents.announce import announce, sweep
from slo.incidents.errors import IncidentError, UnknownIncidentError
from slo.incidents.record import record

__all__ = [
    "IncidentError",
    "UnknownIncidentError",
    "acknowledge",
    "announce",
    "assign",
    "comment",
    "record",
    "resolve",
    "sweep",
]
