"""The breaker: whether a receiver may be told now, by how it did so far.

After `FAILURES` in a row it opens: only one notification, the oldest, is tried every
`PROBE_EVERY` seconds, and nothing is dropped. A receiver that refuses us is paused, and
tried once an hour. One that succeeds is healthy again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slo.domain.delivery import REFUSALS

if TYPE_CHECKING:
    from slo.domain.delivery import Verdict
    from slo.domain.schedule import Limit

FAILURES = 5
PROBE_EVERY = 60.0
PAUSED_PROBE_EVERY = 3600.0
DISABLED_AFTER = 120 * 3600.0
"""Seconds of nothing but failures after which a generic webhook is paused; no other type is."""
FALLBACK_AFTER = 300.0
"""Seconds of failing after which the fallback receiver is told of pages."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a receiver does; instants in epoch seconds. `open_until` is when it is tried next."""

    name: str
    failures: int = 0
    refusals: int = 0
    failing_since: float | None = None
    open_until: float | None = None
    paused_at: float | None = None
    paused_why: str = ""
    tokens: float = 0.0
    tokens_at: float = 0.0
    delivered_at: float | None = None
    fallback_told: bool = False

    @property
    def state(self) -> str:
        """`ok`, `failing`, `open` (the breaker) or `paused`."""
        if self.paused_at is not None:
            return "paused"
        if self.open_until is not None:
            return "open"
        return "failing" if self.failures else "ok"


@dataclass(frozen=True, slots=True)
class Leave:
    """How many notifications may be sent now; a probe takes the oldest, due or not."""

    count: int
    probe: bool = False


def leave(health: Health, limit: Limit, now: float) -> Leave:
    """What may be sent to this receiver at `now`."""
    whole = int(tokens(health, limit, now))
    if health.open_until is None:
        return Leave(whole)
    if health.open_until > now:
        return Leave(0)
    return Leave(min(1, whole), probe=True)


def tokens(health: Health, limit: Limit, now: float) -> float:
    """The tokens in the bucket at `now`."""
    # A clock that was set back gives nothing, and takes nothing away.
    passed = max(0.0, now - health.tokens_at)
    return min(limit.burst, health.tokens + passed * limit.rate)


def spend(health: Health, limit: Limit, count: int, now: float) -> Health:
    """The receiver once `count` notifications were taken for it, a probe among them.

    While it is probed nobody else probes; the probe's end sets the time anew.
    """
    left = max(0.0, tokens(health, limit, now) - count)
    spent = replace(health, tokens=left, tokens_at=now)
    if health.open_until is None or not count:
        return spent
    return replace(spent, open_until=now + _probe_every(health))


def after(health: Health, verdict: Verdict, receiver_type: str, now: float) -> Health:
    """The receiver after an attempt."""
    if verdict.action == "delivered":
        return replace(resumed(health), delivered_at=now)
    if verdict.action in {"dead", "shorten"}:
        # It answered, and only this notification is at fault. A pause stays: nothing was taken.
        return health if health.paused_at is not None else resumed(health)
    since = now if health.failing_since is None else health.failing_since
    failed = replace(health, failures=health.failures + 1, failing_since=since)
    if verdict.action == "retry":
        failed = replace(failed, refusals=0)
    else:
        failed = replace(failed, refusals=failed.refusals + 1)
    why = _why_paused(failed, verdict, receiver_type, now)
    if why and failed.paused_at is None:
        failed = replace(failed, paused_at=now, paused_why=why)
    if failed.paused_at is not None:
        return replace(failed, open_until=now + PAUSED_PROBE_EVERY)
    if failed.failures >= FAILURES:
        return replace(failed, open_until=now + max(PROBE_EVERY, verdict.wait or 0.0))
    if verdict.wait is not None:
        # It asked us to wait, which holds for its other notifications too.
        return replace(failed, open_until=now + verdict.wait)
    return failed


def resumed(health: Health) -> Health:
    """The receiver with a clean record, to be told at once."""
    return replace(
        health,
        failures=0,
        refusals=0,
        failing_since=None,
        open_until=None,
        paused_at=None,
        paused_why="",
        fallback_told=False,
    )


def _why_paused(health: Health, verdict: Verdict, receiver_type: str, now: float) -> str:
    """Why it is to be paused, in words; empty: it is not."""
    if verdict.action == "gone":
        return f"{verdict.why}; it is gone"
    if verdict.action == "refused" and health.refusals >= REFUSALS:
        return f"{verdict.why}; {health.refusals} times in a row"
    since = health.failing_since
    if receiver_type == "webhook" and since is not None and now - since >= DISABLED_AFTER:
        return f"{verdict.why}; it has failed for {int(DISABLED_AFTER / 3600)} hours"
    return ""


def _probe_every(health: Health) -> float:
    return PROBE_EVERY if health.paused_at is None else PAUSED_PROBE_EVERY
