"""Delivery: what came of one attempt to tell a receiver, and what that calls for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

Failure = Literal[
    "", "dns", "refused", "timeout", "reset", "tls", "forbidden", "protocol", "content"
]
"""Why no answer came.

`forbidden`: the address may not be reached (see Outbound). `content`: the notification itself
cannot be written, as with a faulty template.
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered, or why it did not. Texts hold no secret."""

    status: int | None = None
    """HTTP or SMTP status; None without an answer."""
    failure: Failure = ""
    error: str = ""
    """In words, empty when it went well."""
    body: str = ""
    """The head of the answer, at most 4 kB."""
    retry_after: str = ""
    """The header as it came: seconds or an HTTP date."""
    accepted: bool | None = None
    """What the body says where the status does not decide; None: the status decides."""
    ref: str | None = None
    """The provider's name for what was made."""


Action = Literal["delivered", "retry", "dead", "refused", "gone", "shorten"]
"""What an answer calls for.

`retry`: later again. `dead`: this notification will never be taken. `refused`: the endpoint
does not take us; it pauses after `REFUSALS` in a row, and the notification stays. `gone`: it
pauses at once. `shorten`: once more with less text.
"""

REFUSALS = 3
LEAST_WAIT, LONGEST_WAIT = 1.0, 3600.0
"""Bounds of Retry-After, in seconds."""

_DEAD = frozenset({400, 415, 422})
_REFUSED = frozenset({401, 403, 404})
_UNCLEAR: frozenset[Failure] = frozenset({"timeout", "reset", "protocol"})
_UNCLEAR_STATUS = frozenset({502, 504})
_SMTP_REFUSED = frozenset({530, 534, 535, 538})
_SMTP_TOO_LARGE = 552


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply calls for, and why in words without secrets."""

    action: Action
    why: str = ""
    wait: float | None = None
    """Seconds that the receiver asked us to wait, which override the schedule."""
    unclear: bool = False
    """It may have arrived even so: no answer came after it was sent."""


def judge(reply: Reply, now: float = 0.0, *, smtp: bool = False) -> Verdict:
    """What one attempt's reply calls for.

    The policy is what the specifications of receivers have in common: PagerDuty Events v2,
    Alertmanager, Slack, Teams, Opsgenie, Standard Webhooks 1.0.0. An answer that none of
    them names is tried again: no page is given up for it. `now` (epoch seconds) is for a
    Retry-After that names an instant; with `smtp` the status is SMTP's (RFC 5321), where
    5yz is for good.
    """
    if reply.accepted:
        return Verdict("delivered")
    if reply.status is None:
        why = reply.error or reply.failure or "no answer"
        return Verdict(_failed(reply.failure), why, unclear=reply.failure in _UNCLEAR)
    success = 200 <= reply.status < 300  # noqa: PLR2004 -- in HTTP and in SMTP.
    if success and reply.accepted is None:
        return Verdict("delivered")
    why = reply.error or f"answered {reply.status}"
    if success:
        return Verdict("retry", why, unclear=True)
    if smtp:
        return Verdict(_smtp_action(reply.status), why)
    action = _http_action(reply.status)
    if 300 <= reply.status < 400:  # noqa: PLR2004 -- a redirect, which is never followed.
        why = f"answered {reply.status}: it has moved; update the URL in slo.yaml"
    wait = _wait(reply.retry_after, now) if action == "retry" else None
    return Verdict(action, why, wait, unclear=reply.status in _UNCLEAR_STATUS)


def _failed(failure: Failure) -> Action:
    match failure:
        case "forbidden":
            return "refused"
        case "content":
            return "dead"
        case _:
            return "retry"


def _http_action(status: int) -> Action:
    if status in _DEAD:
        return "dead"
    if status in _REFUSED:
        return "refused"
    match status:
        case 410:
            return "gone"
        case 413:
            return "shorten"
        case _:
            return "retry"


def _smtp_action(status: int) -> Action:
    if status in _SMTP_REFUSED:
        return "refused"
    if status == _SMTP_TOO_LARGE:
        return "shorten"
    return "dead" if status >= 500 else "retry"  # noqa: PLR2004 -- RFC 5321: permanent.


def _wait(header: str, now: float) -> float | None:
    """The seconds of a Retry-After header within bounds; None if there is none to read."""
    text = header.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        # More digits than this are beyond the bound anyhow.
        seconds = float(text[:12])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        if moment.tzinfo is None:  # RFC 9110: dates are in GMT.
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - now
    return min(max(seconds, LEAST_WAIT), LONGEST_WAIT)
