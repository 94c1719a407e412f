"""What a person is told who asks for something that cannot be done to an incident."""

from __future__ import annotations


class IncidentError(ValueError):
    """The request cannot be done; the message says why and what to do."""


class UnknownIncidentError(IncidentError):
    """There is no such incident."""
