"""Webhooks: a CloudEvent 1.0 as JSON, signed by Standard Webhooks 1.0.0.

The event's id is the message's, the same in each attempt: who takes it knows a message
that comes twice by it. A body of the user's own comes from a Jinja2 template, in a sandbox.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slo.notify.signing import signed_headers
from slo.notify.transport import Request
from slo.notify.wording import labels_of, rfc3339

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, NoticeKind, Notification

CLOUD_EVENT = "application/cloudevents+json; charset=utf-8"
LONGEST = 50_000
"""Characters of a template, and of what it writes."""

_TYPES: dict[NoticeKind, str] = {
    "opened": "incident.opened",
    "raised": "incident.raised",
    "reopened": "incident.reopened",
    "acknowledged": "incident.acknowledged",
    "resolved": "incident.resolved",
    "flapping": "incident.flapping",
    "budget": "budget.opened",
    "budget-over": "budget.resolved",
    "system": "system.opened",
    "system-over": "system.resolved",
    "fallback": "fallback.opened",
    "test": "test.opened",
}


class TemplateFaultError(ValueError):
    """The body's template cannot be read, or fails; the message says where and why."""


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, now: float
) -> tuple[Request, ...]:
    """The request; `TemplateFaultError` for a template that is at fault."""
    source = f"{settings.url}/" if settings.url else f"urn:slo-ledger:{settings.name}"
    event = cloud_event(notification, source)
    path = receiver.text("body")
    if path:
        body = _rendered(Path(path), event).encode("utf-8", "replace")
        content_type = receiver.text("content_type") or "application/json"
    else:
        body = json.dumps(event, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        content_type = CLOUD_EVENT
    headers = {name.lower(): value for name, value in receiver.pairs("headers")}
    headers |= dict(login(receiver))
    headers["content-type"] = content_type
    headers |= signed_headers(receiver.texts("secret"), notification.msg_id, int(now), body)
    return (Request(receiver.text("url"), body, tuple(headers.items())),)


def login(receiver: Receiver) -> tuple[tuple[str, str], ...]:
    """The header that logs in by `bearer_token`, or by `username` and `password`."""
    if token := receiver.text("bearer_token"):
        return (("authorization", f"Bearer {token}"),)
    if user := receiver.text("username"):
        pair = f"{user}:{receiver.text('password')}".encode()
        return (("authorization", "Basic " + base64.b64encode(pair).decode()),)
    return ()


def cloud_event(notification: Notification, source: str) -> dict[str, Any]:
    """The message as a CloudEvent, as JSON values."""
    facts = notification.facts
    return {
        "specversion": "1.0",
        "id": notification.msg_id,
        "source": source,
        "type": f"dev.slo-ledger.{_TYPES[facts.kind]}.v1",
        "subject": notification.subject,
        "time": rfc3339(facts.at),
        "datacontenttype": "application/json",
        "data": data_of(facts),
    }


def data_of(facts: Facts) -> dict[str, Any]:
    """The facts as JSON values; instants as RFC 3339, what there is not as null."""
    return {
        "kind": facts.kind,
        "severity": facts.severity,
        "dedup_key": facts.dedup_key,
        "title": facts.title,
        "summary": facts.summary,
        "at": rfc3339(facts.at),
        "installation": facts.installation,
        "incident": facts.incident,
        "service": facts.service,
        "slos": list(facts.slos),
        "owner": facts.owner,
        "runbook": facts.runbook,
        "url": facts.url,
        "labels": dict(facts.labels),
        "opened_at": rfc3339(facts.opened_at),
        "resolved_at": rfc3339(facts.resolved_at),
        "objective": facts.objective,
        "window": facts.window,
        "budget_remaining": facts.budget_remaining,
        "burn_rates": dict(facts.burn_rates),
        "exhausted_at": rfc3339(facts.exhausted_at),
        "reopened": facts.reopened,
        "contributors": [
            {"labels": labels_of(one), "bad": one.bad, "total": one.total}
            for one in facts.contributors
        ],
    }


def _rendered(path: Path, event: dict[str, Any]) -> str:
    """What the template makes of `event` and `data`, with JSON by the filter `tojson`."""
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 -- few use a template.

    name = f"the template {path.name}"
    try:
        return _written(path.read_text(encoding="utf-8"), event)
    except TemplateSyntaxError as error:
        raise TemplateFaultError(f"{name} is wrong on line {error.lineno}: {error}") from None
    except UnicodeDecodeError:
        raise TemplateFaultError(f"{name} is not UTF-8 text") from None
    except OSError as error:
        raise TemplateFaultError(f"{name} cannot be read: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 -- its expressions raise whatever Python does.
        raise TemplateFaultError(f"{name} fails: {type(error).__name__}: {error}") from None


def _written(text: str, event: dict[str, Any]) -> str:
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 -- few use a template.

    if len(text) > LONGEST:
        raise ValueError(f"it has over {LONGEST:,} characters")
    # JSON and plain text are not HTML; `tojson` is what escapes here.
    environment = ImmutableSandboxedEnvironment(autoescape=False, cache_size=0)
    parts, length = [], 0
    for part in environment.from_string(text).generate(event=event, data=event["data"]):
        length += len(part)
        if length > LONGEST:
            raise ValueError(f"it writes over {LONGEST:,} characters")
        parts.append(part)
    return "".join(parts)


def understood(reply: Reply) -> Reply:
    """The status decides."""
    return reply
