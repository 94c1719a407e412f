"""Apprise, for the long tail of services: a title and a text, sent once, without an answer.

It tells neither a status nor whether to wait, knows no end of an alert, and connects by
itself, so that the guard of addresses does not hold. Not for pagers.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from slo.domain.delivery import Reply
from slo.domain.notification import ENDING
from slo.notify.wording import details, headline, links, summary

if TYPE_CHECKING:
    from slo.config.settings import Receiver
    from slo.domain.notification import Facts, Notification

FAILED = "Apprise could not tell each address; try them with its own command, apprise -vv"
MISSING = "Apprise is not installed; install slo-ledger[apprise]"


def deliver(receiver: Receiver, notification: Notification) -> Reply:
    """Tells all of the receiver's addresses; it went well if all of them took it."""
    try:
        library: Any = importlib.import_module("apprise")
    except ImportError:
        return Reply(failure="protocol", error=MISSING)
    # Its log repeats addresses, and they hold the keys.
    logging.getLogger("apprise").disabled = True
    facts = notification.facts
    try:
        sender = library.Apprise()
        if not sender.add([*receiver.texts("url"), *receiver.texts("urls")]):
            return Reply(failure="content", error="Apprise does not know one of the addresses")
        taken = sender.notify(
            title=headline(facts),
            body=text_of(facts),
            notify_type=kind_of(facts),
            body_format="text",
        )
    except Exception as error:  # noqa: BLE001 -- its many plug-ins raise what they like.
        return Reply(failure="protocol", error=f"Apprise failed: {type(error).__name__}")
    if taken:
        return Reply(accepted=True)
    return Reply(failure="protocol", error=FAILED)


def text_of(facts: Facts) -> str:
    """The message as plain text."""
    lines = [summary(facts), *(f"{name}: {value}" for name, value in details(facts))]
    lines += [f"{name}: {url}" for name, url in links(facts)]
    return "\n".join(lines)


def kind_of(facts: Facts) -> str:
    """Apprise's word for how bad it is."""
    if facts.kind in ENDING:
        return "success"
    if facts.kind in {"test", "acknowledged"}:
        return "info"
    return "failure" if facts.severity == "page" else "warning"
