"""Alertmanager, API v2: an alert that is sent again until it is over, and a while after.

Alertmanager keeps no alert that is not repeated. A firing one ends by itself at `endsAt`,
which each repetition moves on; a resolved one has its `endsAt` in the past. An alert is
its labels, so those of one subject never change.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from slo.domain.notification import ENDING
from slo.notify.delivering import RESEND_EVERY
from slo.notify.receivers.webhook import login
from slo.notify.transport import Request
from slo.notify.wording import VALUE, details, headline, is_link, one_line, rfc3339, summary

if TYPE_CHECKING:
    from slo.config.settings import Receiver, Settings
    from slo.domain.delivery import Reply
    from slo.domain.notification import Facts, Notification

LASTS = 4 * RESEND_EVERY
"""Seconds that an alert fires without being repeated."""
_NAMES = (("incident/", "SLOBurn"), ("budget/", "SLOBudget"), ("test/", "SLOTest"))
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_]|^(?=[0-9])")
_PATH = "/api/v2/alerts"


def requests(
    settings: Settings, receiver: Receiver, notification: Notification, now: float
) -> tuple[Request, ...]:
    """One request for each of the receiver's addresses; none for what it does not know."""
    facts = notification.facts
    if facts.kind == "acknowledged":
        return ()
    alerts = [alert(settings, receiver, notification, now)]
    if facts.kind == "raised":
        # The severity is a label, so the ticket is another alert, and is over.
        alerts.append(_lowered(alerts[0], now))
    body = json.dumps(alerts, ensure_ascii=False).encode("utf-8", "replace")
    headers = (("Content-Type", "application/json"), *login(receiver))
    urls = (*receiver.texts("url"), *receiver.texts("urls"))
    return tuple(Request(_alerts_url(url), body, headers) for url in urls)


def _alerts_url(url: str) -> str:
    return url.rstrip("/").removesuffix(_PATH) + _PATH


def alert(
    settings: Settings, receiver: Receiver, notification: Notification, now: float
) -> dict[str, Any]:
    """One alert as JSON values, as of `now`."""
    facts = notification.facts
    start = facts.at if facts.opened_at is None else facts.opened_at
    end = now + LASTS
    if facts.kind in ENDING:
        end = min(now, facts.at if facts.resolved_at is None else facts.resolved_at)
    start = min(start, int(end))
    found: dict[str, Any] = {
        "labels": _labels(settings, receiver, notification),
        "annotations": _annotations(facts),
        "startsAt": rfc3339(start),
        "endsAt": rfc3339(end),
    }
    if is_link(facts.url):
        found["generatorURL"] = facts.url
    return found


def _lowered(raised: dict[str, Any], now: float) -> dict[str, Any]:
    return {**raised, "labels": {**raised["labels"], "severity": "ticket"}, "endsAt": rfc3339(now)}


def _labels(settings: Settings, receiver: Receiver, notification: Notification) -> dict[str, str]:
    """The labels: what makes the alert this one, those of its first SLO, and the receiver's."""
    facts, subject = notification.facts, notification.subject
    name = next((name for start, name in _NAMES if subject.startswith(start)), "SLOSystem")
    # The facts' own labels and owner are those of the SLO that burns most just now.
    first = facts.slos[0] if facts.slos else ""
    slo = next((slo for slo in settings.slos if slo.id == first), None)
    labels = dict(facts.labels if slo is None else slo.labels)
    labels["owner"] = facts.owner if slo is None else slo.owner
    labels |= {
        "alertname": name,
        "severity": "none" if facts.kind == "test" else facts.severity,
        "service": facts.service,
        "slo": first,
        "installation": facts.installation or settings.name,
        "subject": subject,
    }
    labels |= dict(receiver.pairs("labels"))
    plain = ((_NOT_A_NAME.sub("_", key), one_line(value, VALUE)) for key, value in labels.items())
    return {key: value for key, value in plain if key and value}


def _annotations(facts: Facts) -> dict[str, str]:
    found = {"summary": headline(facts), "description": summary(facts)}
    if is_link(facts.runbook):
        found["runbook_url"] = facts.runbook
    for name, value in details(facts):
        found.setdefault(name.lower().replace(" ", "_"), value)
    return found


def understood(reply: Reply) -> Reply:
    """The status decides. A 400 is for an alert of ours, which was not taken."""
    return reply
