"""Refusals: what was asked for cannot be done, and why."""

from __future__ import annotations


class RefusedError(ValueError):
    """What was asked for is refused; `field` names what of it, the message why and what helps."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownError(RefusedError):
    """There is nothing of that name or id."""
