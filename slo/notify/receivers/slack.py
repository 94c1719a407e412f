"""Slack, incoming webhooks: a message of blocks, with its text for notifications."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slo.notify.transport import Request
from slo.notify.wording import TITLE, details, headline, links, one_line, rfc3339, summary

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, Notification

HEADER, SECTION, FIELD, MOST_FIELDS, BUTTON = 150, 3000, 600, 10, 75
"""The longest texts of blocks; Slack takes 2,000 in a field, and about 13,000 in all."""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_OK = 200


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, _now: float
) -> tuple[Request, ...]:
    """The message; the URL is the secret."""
    facts = notification.facts
    message = {
        "text": escaped(f"[{facts.severity}] {headline(facts)} - {summary(facts)}", SECTION),
        "blocks": _blocks(facts, settings.name),
    }
    body = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    return (Request(receiver.text("url"), body, (("Content-Type", "application/json"),)),)


def escaped(text: str, limit: int) -> str:
    """Text in which Slack sees no markup of its own, of at most so many characters."""
    parts, left = [], limit
    for letter in text[:limit]:
        part = _ESCAPES.get(letter, letter)
        if len(part) >= left:
            parts.append("…")
            break
        parts.append(part)
        left -= len(part)
    return "".join(parts)


def _blocks(facts: Facts, name: str) -> list[dict[str, Any]]:
    title = {"type": "plain_text", "text": headline(facts, HEADER) or "SLO Ledger", "emoji": False}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": title},
        {"type": "section", "text": _mrkdwn(escaped(summary(facts), SECTION))},
    ]
    fields = [_field(key, value) for key, value in details(facts)]
    blocks += [
        {"type": "section", "fields": fields[at : at + MOST_FIELDS]}
        for at in range(0, len(fields), MOST_FIELDS)
    ]
    if buttons := [_button(text, url) for text, url in links(facts)]:
        blocks.append({"type": "actions", "elements": buttons})
    at = rfc3339(facts.at)
    moment = f"<!date^{facts.at}^{{date_short_pretty}} {{time_secs}}|{at}>"
    source = escaped(one_line(facts.installation or name, TITLE), TITLE)
    blocks.append({"type": "context", "elements": [_mrkdwn(f"{source} · {moment}")]})
    return blocks


def _field(name: str, value: str) -> dict[str, Any]:
    return _mrkdwn(f"*{name}*\n{escaped(value, FIELD)}")


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: names and addresses in a text are not made into links.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _button(text: str, url: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text[:BUTTON], "emoji": False}
    return {
        "type": "button",
        "text": label,
        "url": url,
        "action_id": text.lower().replace(" ", "-"),
    }


def understood(reply: Reply) -> Reply:
    """A 200 that does not say `ok` came from something else than Slack's webhooks."""
    if reply.status != _OK or reply.body.strip() == "ok":
        return reply
    return replace(reply, accepted=False, error="answered 200 without Slack's `ok`; is url right?")
