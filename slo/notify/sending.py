"""Sending: one notification to one receiver, once, and what came of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from slo.domain.delivery import Reply
from slo.notify.receivers import webhook
from slo.notify.redaction import HIDDEN, redacted
from slo.notify.transport import Request, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slo.config.settings import Receiver, Settings
    from slo.domain.notification import Notification

    Sender = Callable[[Settings, Receiver, Notification, float], Reply]

PAGER_SECONDS, OTHER_SECONDS = 10.0, 15.0
"""Deadlines of one attempt, unless the receiver's `timeout` says otherwise."""
_PAGERS = frozenset({"pagerduty", "opsgenie", "alertmanager"})


def send(settings: Settings, receiver: Receiver, notification: Notification, now: float) -> Reply:
    """Sends a notification once; `now` (epoch seconds) is the time of this attempt.

    It never raises for what a receiver or the network does. The Reply's texts hold no
    secret of the receiver.
    """
    reply = _SENDERS[receiver.type](settings, receiver, notification, now)
    return _clean(receiver, reply)
