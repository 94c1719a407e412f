"""Microsoft Teams, workflows: an adaptive card 1.4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slo.notify.transport import Request
from slo.notify.wording import details, headline, links, one_line, summary, when

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, Notification

BODY = 20_000
"""Bytes; Teams takes about 28 kB, and was seen to refuse 21."""


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, _now: float
) -> tuple[Request, ...]:
    """The card; items at its end are dropped while it is too large. The URL is the secret."""
    card = _card(notification.facts, settings.name)
    message = {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }
    while len(body := _written(message)) > BODY and len(card["body"]) > 1:
        card["body"].pop()
    return (Request(receiver.text("url"), body, (("Content-Type", "application/json"),)),)


def _written(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def _card(facts: Facts, name: str) -> dict[str, Any]:
    source = f"{one_line(facts.installation or name, 100)} · {when(facts.at)}"
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "full"},
        "body": [
            {
                **_text(headline(facts)),
                "weight": "Bolder",
                "size": "Medium",
                "style": "heading",
                "color": _color(facts),
            },
            _text(summary(facts)),
            {
                "type": "FactSet",
                "facts": [{"title": k, "value": _plain(v)} for k, v in details(facts)],
            },
            {**_text(source), "isSubtle": True},
        ],
        "actions": [
            {"type": "Action.OpenUrl", "title": text, "url": url} for text, url in links(facts)
        ],
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True}


def _plain(text: str) -> str:
    """Text without links of its own: cards read Markdown, and a label may hold any."""
    return text.replace("](", "] (")


def _color(facts: Facts) -> str:
    if facts.kind in {"resolved", "budget-over", "system-over"}:
        return "Good"
    if facts.kind == "test":
        return "Default"
    return "Attention" if facts.severity == "page" else "Warning"


def understood(reply: Reply) -> Reply:
    """Any success: 202 says that the workflow started, and nothing says more."""
    return reply
