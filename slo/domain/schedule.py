"""Schedules: when a receiver is tried again, for how long, and how often it may be told.

What a receiver is told depends on its type. Pagers wake people; chats are read;
a webhook is read by a program. The numbers of webhooks are those of Standard Webhooks 1.0.0.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.notification import ENDING

if TYPE_CHECKING:
    from slo.domain.notification import NoticeKind

PAGERS = frozenset({"pagerduty", "opsgenie", "alertmanager"})
STATEFUL = frozenset({"pagerduty", "opsgenie"})
"""Those that keep an alert open until it is resolved: a stale pair would only wake people."""
HARMLESS_END = PAGERS | {"webhook"}
"""Those that ignore the end of what they never heard of, or can make sense of it."""

HOUR = 3600.0
PAGER_DELAYS = (0.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
WEBHOOK_DELAYS = (0.0, 5.0, 300.0, 1800.0, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24)))
JITTER = 0.5
STALE = 900.0
"""Seconds after which an undelivered pair of trigger and end is not worth waking anybody."""
LEAST_DELAY, LONGEST_DELAY = 1.0, HOUR


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `rate` notifications a second in the long run, `burst` at once."""

    rate: float
    burst: float


_LIMITS = {
    # PagerDuty takes 120 a minute and key: 100 in the long run, 20 at once.
    "pagerduty": Limit(100 / 60, 20.0),
    "slack": Limit(1.0, 3.0),
    "teams": Limit(2.0, 4.0),
    "email": Limit(1.0, 30.0),
    "apprise": Limit(1.0, 5.0),
}
_FREE = Limit(10_000.0, 10_000.0)


def limit_of(receiver_type: str) -> Limit:
    """How often a receiver of this type may be told."""
    return _LIMITS.get(receiver_type, _FREE)


def retry_delay(receiver_type: str, attempts: int, msg_id: str) -> float:
    """Seconds from the `attempts`th attempt to the next one; half of it is jitter.

    The jitter follows from the notification, so that what is decided twice is the same.
    """
    delays = WEBHOOK_DELAYS if receiver_type == "webhook" else PAGER_DELAYS
    delay = delays[min(max(attempts, 0), len(delays) - 1)]
    share = zlib.crc32(f"{msg_id}/{attempts}".encode()) / 2**32
    return max(LEAST_DELAY, delay * (1 - JITTER * share))


def lifetime(receiver_type: str, kind: NoticeKind) -> float:
    """Seconds from when a notification may be sent until it is not worth sending any more."""
    if receiver_type in PAGERS:
        return 48 * HOUR if kind in ENDING else 24 * HOUR
    return 72 * HOUR if receiver_type == "webhook" else 4 * HOUR
