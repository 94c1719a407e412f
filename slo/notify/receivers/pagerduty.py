"""PagerDuty, Events API v2: a trigger, acknowledge or resolve under one dedup key."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slo.notify.transport import Request, answer_of
from slo.notify.wording import (
    ACTS,
    TITLE,
    VALUE,
    contributors,
    details,
    headline,
    key_of,
    links,
    one_line,
    rfc3339,
    summary,
)

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, Notification

URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY, DEDUP_KEY, BODY = 1024, 255, 512_000
"""The longest that it takes: characters, characters, bytes."""
_CLASSES = {"budget": "budget", "system": "system", "test": "test"}


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, _now: float
) -> tuple[Request, ...]:
    """The event; the routing key is in the body."""
    facts = notification.facts
    event: dict[str, Any] = {
        "routing_key": receiver.text("routing_key"),
        "event_action": ACTS[facts.kind],
        "dedup_key": key_of(facts, DEDUP_KEY),
    }
    if ACTS[facts.kind] == "trigger":
        event |= _described(facts, settings.name)
    body = _written(event)
    if len(body) > BODY:
        event["payload"]["custom_details"] = {"note": "left out, since they are too long"}
        body = _written(event)
    headers = (("Content-Type", "application/json"),)
    return (Request(receiver.text("url") or URL, body, headers),)


def _written(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _described(facts: Facts, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "client": "SLO Ledger",
        "links": [{"href": url, "text": text} for text, url in links(facts)],
        "payload": {
            "summary": one_line(f"{headline(facts)}: {summary(facts)}", SUMMARY),
            "source": one_line(facts.installation or name, VALUE),
            "severity": _severity(facts),
            "timestamp": rfc3339(facts.at),
            "component": one_line(facts.service, VALUE),
            "group": one_line(facts.owner, VALUE),
            "class": f"slo-{_CLASSES.get(facts.kind, 'incident')}",
            "custom_details": _details(facts),
        },
    }
    if any(url == facts.url for _, url in links(facts)):
        found["client_url"] = facts.url
    return found


def _severity(facts: Facts) -> str:
    if facts.kind == "test":
        return "info"
    return "critical" if facts.severity == "page" else "warning"


def _details(facts: Facts) -> dict[str, Any]:
    labels = {one_line(k, TITLE): one_line(v, VALUE) for k, v in facts.labels}
    return {
        **{name.lower().replace(" ", "_"): value for name, value in details(facts)},
        "summary": summary(facts),
        **({"labels": labels} if labels else {}),
        **({"most_bad_events": contributors(facts)} if facts.contributors else {}),
    }


def understood(reply: Reply) -> Reply:
    """The reply with the dedup key under which PagerDuty keeps the alert."""
    key = answer_of(reply).get("dedup_key")
    return replace(reply, ref=key[:DEDUP_KEY]) if isinstance(key, str) else reply
