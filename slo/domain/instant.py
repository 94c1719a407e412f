"""Instants as people write them: RFC 3339, a day, epoch seconds, or a duration from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from slo.domain.duration import DurationError, parse_duration

FORMS = "write for example 2026-11-20T20:00:00Z, 2026-11-20, or epoch seconds"
_EPOCH = re.compile(r"[0-9]+(\.[0-9]*)?")
_LATEST = 100_000_000_000
"""Epoch seconds of the year 5138; a larger number was meant as milliseconds.

What is reckoned from an instant, such as the end of its bucket, stays in the calendar.
"""
_LONGEST = 40
"""Characters of a text that may still be an instant."""


class InstantError(ValueError):
    """The text names no instant; the message says what one looks like."""


def parse_instant(text: str) -> int:
    """The epoch second that `text` names, fractions cut off; a day is its first instant in UTC."""
    word = text.strip()
    if len(word) > _LONGEST:
        raise InstantError(f"{word[:_LONGEST]!r} is not a time; {FORMS}")
    if _EPOCH.fullmatch(word):
        if float(word) > _LATEST:
            raise InstantError(f"{word!r} is in milliseconds; {FORMS}")
        return int(float(word))
    try:
        moment = datetime.fromisoformat(word.upper())
    except ValueError:
        raise InstantError(f"{word!r} is not a time; {FORMS}") from None
    if moment.tzinfo is None:
        if "T" in word.upper() or ":" in word:
            raise InstantError(f"{word!r} has no time zone; write {word}Z for UTC")
        moment = moment.replace(tzinfo=UTC)
    if moment.timestamp() < 0:
        raise InstantError(f"{word!r} lies before 1970; {FORMS}")
    if moment.timestamp() > _LATEST:
        raise InstantError(f"{word!r} lies too far ahead; {FORMS}")
    return int(moment.timestamp())


def parse_ahead(text: str, now: int) -> int:
    """The instant so long after `now` as a duration (`2h`) says, or the one that is named."""
    try:
        return now + round(parse_duration(text).total_seconds())
    except DurationError:
        return _named(text)


def parse_ago(text: str, now: int) -> int:
    """The instant so long before `now` as a duration (`7d`) says, or the one that is named."""
    try:
        return now - round(parse_duration(text).total_seconds())
    except DurationError:
        return _named(text)


def _named(text: str) -> int:
    try:
        return parse_instant(text)
    except InstantError as error:
        raise InstantError(f"{error}; or a duration such as 2h or 7d") from None
