"""Wording: what a notification says, in the parts that all formats share.

Facts come from slo.yaml and from label values, so they may hold anything. What is given
here holds no control characters; each format escapes it by its own rules.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from slo.domain.notification import Contributor, Facts, NoticeKind

Act = Literal["trigger", "acknowledge", "resolve"]

ACTS: dict[NoticeKind, Act] = {
    "opened": "trigger",
    "raised": "trigger",
    "reopened": "trigger",
    "acknowledged": "acknowledge",
    "resolved": "resolve",
    "flapping": "trigger",
    "budget": "trigger",
    "budget-over": "resolve",
    "system": "trigger",
    "system-over": "resolve",
    "fallback": "trigger",
    "test": "trigger",
}
"""What a notice asks a pager to do."""

_PREFIXES: dict[NoticeKind, str] = {
    "raised": "Raised",
    "reopened": "Reopened",
    "acknowledged": "Acknowledged",
    "resolved": "Resolved",
    "flapping": "Flapping",
    "budget-over": "Over",
    "system-over": "Over",
    "fallback": "Instead of another receiver",
    "test": "Test",
}
TITLE, TEXT, VALUE, LINK = 300, 3000, 1000, 2000
"""Characters of a title, of a running text, of a value beside its name, and of a link."""
MOST_CONTRIBUTORS = 5
_ELLIPSIS = "…"
# Control characters, line separators, marks that turn the direction of writing, surrogates.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most so many characters, ending in `…` if it was longer."""
    # No more than what can matter, as a text may be very long.
    line = " ".join(_UNSEEN.sub(" ", text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _ELLIPSIS


def headline(facts: Facts, limit: int = TITLE) -> str:
    """The title with what happened to it and its number: `Resolved: #12 checkout ...`."""
    prefix = _PREFIXES.get(facts.kind, "")
    number = "" if facts.incident is None else f"#{facts.incident} "
    return one_line(f"{prefix}{': ' if prefix else ''}{number}{facts.title}", limit)


def summary(facts: Facts, limit: int = TEXT) -> str:
    """Why, in words; never empty."""
    return one_line(facts.summary, limit) or headline(facts, limit)


def details(facts: Facts) -> list[tuple[str, str]]:
    """Names and values that belong to the notification, the weightiest first; none is empty."""
    rates = ", ".join(
        f"{rate:.1f}x over {span}" for span, rate in facts.burn_rates if rate is not None
    )
    target = f"{facts.objective} over {facts.window}" if facts.window else facts.objective
    found = [
        ("Severity", facts.severity),
        ("Service", facts.service),
        ("SLO", ", ".join(facts.slos)),
        ("Burn rate", rates),
        ("Budget left", percent(facts.budget_remaining)),
        ("Budget gone", when(facts.exhausted_at)),
        ("Objective", target),
        ("Owner", facts.owner),
        ("Opened", when(facts.opened_at)),
        ("Resolved", when(facts.resolved_at)),
        ("Reopened", f"{facts.reopened} times" if facts.reopened > 1 else ""),
        ("Most bad events", "; ".join(contributors(facts))),
    ]
    lines = ((name, one_line(value, VALUE)) for name, value in found)
    return [(name, value) for name, value in lines if value]


def contributors(facts: Facts) -> list[str]:
    """The label sets with most bad events, such as `code=500, model=fraud: 812 of 20,000 bad`."""
    return [
        f"{one_line(_labels_text(one), TITLE)}: {one.bad:,.0f} of {one.total:,.0f} bad"
        for one in facts.contributors[:MOST_CONTRIBUTORS]
    ]


def labels_of(one: Contributor) -> dict[str, str]:
    """The labels of a contributor; empty where they cannot be read, as of `other`."""
    try:
        found = json.loads(one.labels)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _labels_text(one: Contributor) -> str:
    labels = labels_of(one)
    return ", ".join(f"{k}={v}" for k, v in labels.items()) if labels else one.labels


def links(facts: Facts) -> list[tuple[str, str]]:
    """What can be opened, as names and URLs; only http and https, and none that is too long."""
    found = [("Open in SLO Ledger", facts.url), ("Runbook", facts.runbook)]
    return [(name, url) for name, url in found if is_link(url)]


def is_link(url: str) -> bool:
    """Whether a text is a URL to be shown as a link."""
    if len(url) > LINK or _UNSEEN.search(url) or any(c in url for c in ' <>"|\\^`'):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def key_of(facts: Facts, limit: int) -> str:
    """The dedup key in at most so many characters; a longer one ends in its hash instead."""
    key = facts.dedup_key
    if len(key) <= limit and not _UNSEEN.search(key):
        return key
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    return f"{one_line(key, limit - len(digest) - 1)}-{digest}"


def percent(share: float | None) -> str:
    """A share as `61.3 %`; empty without one."""
    return "" if share is None else f"{share * 100:.1f} %"


def rfc3339(at: float | None) -> str | None:
    """An instant as `2026-08-21T10:15:00Z`; None without one. Fractions are milliseconds."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    spec = "seconds" if float(at).is_integer() else "milliseconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def when(at: float | None) -> str:
    """An instant as people read it: `2026-08-21 10:15 UTC`; empty without one."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
