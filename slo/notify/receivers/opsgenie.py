"""Opsgenie, and JSM Operations by its base URL: alerts under one alias."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from slo.notify.transport import Request, answer_of
from slo.notify.wording import (
    ACTS,
    details,
    headline,
    key_of,
    links,
    one_line,
    summary,
)

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, Notification

URL = "https://api.opsgenie.com"
MESSAGE, ALIAS, DESCRIPTION, ENTITY, SOURCE, NOTE = 130, 512, 15_000, 512, 100, 25_000
"""The longest that it takes, in characters."""
MOST_TAGS, TAG, DETAILS = 20, 50, 8000
USER = "SLO Ledger"


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, _now: float
) -> tuple[Request, ...]:
    """The requests, in order.

    An alert that is open keeps its priority when it is created again, so one that is
    raised is told its new priority, too.
    """
    facts = notification.facts
    base = (receiver.text("url") or URL).rstrip("/").removesuffix("/v2/alerts") + "/v2/alerts"
    alias = quote(key_of(facts, ALIAS), safe="")
    common = {
        "user": USER,
        "source": one_line(facts.installation or settings.name, SOURCE),
        "note": one_line(f"{headline(facts)}: {summary(facts)}", NOTE),
    }
    match ACTS[facts.kind]:
        case "acknowledge":
            url = f"{base}/{alias}/acknowledge?identifierType=alias"
            return (_request(receiver, url, common),)
        case "resolve":
            url = f"{base}/{alias}/close?identifierType=alias"
            return (_request(receiver, url, common),)
        case "trigger":
            create = _request(receiver, base, common | _described(facts, receiver))
    if facts.kind != "raised":
        return (create,)
    url = f"{base}/{alias}/priority?identifierType=alias"
    return (create, replace(_request(receiver, url, {"priority": _priority(facts)}), method="PUT"))


def _request(receiver: Receiver, url: str, body: dict[str, Any]) -> Request:
    headers = (
        ("Authorization", f"GenieKey {receiver.text('api_key')}"),
        ("Content-Type", "application/json"),
    )
    written = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return Request(url, written.encode("utf-8", "replace"), headers)


def _described(facts: Facts, receiver: Receiver) -> dict[str, Any]:
    named = details(facts)
    lines = [summary(facts), *(f"{name}: {value}" for name, value in named)]
    lines += [f"{name}: {url}" for name, url in links(facts)]
    team = receiver.text("team")
    tags = [one_line(tag, TAG) for tag in receiver.texts("tags")[:MOST_TAGS]]
    found: dict[str, Any] = {
        "message": headline(facts, MESSAGE),
        "alias": key_of(facts, ALIAS),
        "description": "\n".join(lines)[:DESCRIPTION],
        "details": _details(facts),
        "entity": one_line(facts.service, ENTITY),
        "priority": _priority(facts),
    }
    if tags:
        found["tags"] = tags
    if team:
        found["responders"] = [{"type": "team", "name": team}]
    return found


def _priority(facts: Facts) -> str:
    if facts.kind == "test":
        return "P5"
    return "P1" if facts.severity == "page" else "P3"


def _details(facts: Facts) -> dict[str, str]:
    """Names and values, all of them text, of at most so many characters in sum."""
    found, left = {}, DETAILS
    named = [(name.lower(), value) for name, value in details(facts)]
    for name, value in (*named, *links(facts), *facts.labels):
        key, text = one_line(name, TAG), one_line(value, MESSAGE * 2)
        left -= len(key) + len(text)
        if left < 0:
            break
        if key and key not in found:
            found[key] = text
    return found


def understood(reply: Reply) -> Reply:
    """The reply with the id by which the request can be asked for."""
    key = answer_of(reply).get("requestId")
    return replace(reply, ref=key[:TAG]) if isinstance(key, str) else reply
