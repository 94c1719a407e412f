"""Throttling: how long who failed to log in has to wait before the next try."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_WAIT = 900
"""Seconds: nobody is locked out for ever."""
FORGOTTEN_AFTER = 2 * LONGEST_WAIT
"""Seconds after the last failure at which all are forgotten."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How many logins failed in a row, and when (epoch seconds) the last did."""

    number: int
    at: float


NONE = Failures(0, 0.0)


def wait(failures: Failures, free: int, now: float) -> float:
    """Seconds to wait at `now`: none for the first `free` failures, then 1, 2, 4, ... up to 900."""
    over = counted(failures, now) - free
    if over < 0:
        return 0.0
    # A clock that was set back must not lengthen the wait.
    passed = max(0.0, now - failures.at)
    return max(0.0, min(LONGEST_WAIT, 2.0 ** min(over, 10)) - passed)


def counted(failures: Failures, now: float) -> int:
    """How many failures still count at `now`."""
    return 0 if now - failures.at > FORGOTTEN_AFTER else failures.number
