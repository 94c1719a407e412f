"""The page of the audit: who did what, when, and what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from slo.domain.instant import InstantError, parse_ago
from slo.domain.span import rfc3339
from slo.sent import LARGEST_ID
from slo.store import audit
from slo.store.audit import Wanted
from slo.store.engine import reading
from slo.web.heading import cycle_line
from slo.web.links import service_url, slo_url
from slo.web.moment import moment
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from markupsafe import Markup

    from slo.store.audit import Entry

blueprint = Blueprint("audit_pages", __name__)

PAGE_SIZE = 50
_FILTERS = ("who", "action", "subject", "from", "to")
_LONGEST = 200
_WORDS: dict[bool | None, str] = {None: "", True: "yes", False: "no"}
_PAGES = {
    "user": "/access",
    "token": "/access",
    "receiver": "/system#receivers",
    audit.CONFIG: "/system/configuration",
}
"""Where kinds of subjects are shown that have no page of their own."""
_TIMES = frozenset({"at", "start", "end", "until", "from", "to", "since"})
"""Values that are times, beside those whose names end with `_at`."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry; `changes` holds names with what was and what is, "" where there was nothing."""

    id: int
    at: Markup
    who: str
    action: str
    subject: str
    link: str
    detail: list[tuple[str, str]]
    changes: list[tuple[str, str, str]]


@blueprint.get("/audit")
@needs("admin")
def show_audit() -> str | tuple[str, int]:
    """The newest entries that fit, newest first."""
    site = current_site()
    now = site.clock()
    typed = {name: request.args.get(name, "").strip()[:_LONGEST] for name in _FILTERS}
    error = ""
    wanted = Wanted()
    try:
        wanted = _wanted(typed, int(now))
    except InstantError as fault:
        error = str(fault)
    known = frozenset(slo.id for slo in site.settings.slos)
    with reading(site.engine) as session:
        found = audit.found(session, wanted, PAGE_SIZE + 1)
        page = render_template(
            "audit.html",
            cycle=cycle_line(session, now),
            typed=typed,
            error=error,
            rows=[_row(entry, now, known) for entry in found[:PAGE_SIZE]],
            actions=audit.actions(session),
            filtered=any(typed.values()),
            older=_older(typed, found),
        )
    return (page, 400) if error else page


def _wanted(typed: Mapping[str, str], now: int) -> Wanted:
    before = request.args.get("before", type=int)
    return Wanted(
        who=typed["who"],
        action=typed["action"],
        subject=typed["subject"],
        since=parse_ago(typed["from"], now) if typed["from"] else None,
        until=parse_ago(typed["to"], now) if typed["to"] else None,
        before=None if before is None else max(0, min(before, LARGEST_ID)),
    )


def _older(typed: Mapping[str, str], found: list[Entry]) -> str:
    """Where the list goes on; empty: it ends here."""
    if len(found) <= PAGE_SIZE:
        return ""
    kept = {name: value for name, value in typed.items() if value}
    return f"/audit?{urlencode({**kept, 'before': found[PAGE_SIZE - 1].id})}"


def _row(entry: Entry, now: float, known: Collection[str]) -> AuditRow:
    old, new = entry.old or {}, entry.new or {}
    names = dict.fromkeys([*old, *new])
    return AuditRow(
        id=entry.id,
        at=moment(entry.at, now),
        who=entry.who,
        action=entry.action,
        subject=entry.subject,
        link=_link(entry.subject, known),
        detail=[
            (_word(name), _text(name, value))
            for name, value in entry.detail.items()
            if name not in names
        ],
        changes=[
            (_word(name), _text(name, old.get(name)), _text(name, new.get(name)))
            for name in names
            if old.get(name) != new.get(name)
        ],
    )


def _link(subject: str, known: Collection[str]) -> str:
    """The page of what an entry is about, an SLO or service of `known` among it; empty: none."""
    kind, _, rest = subject.partition("/")
    if subject in known:
        return slo_url(kind, rest)
    if rest in {"", "*"} and any(slo_id.startswith(f"{kind}/") for slo_id in known):
        return service_url(kind)
    if kind in {"incident", "postmortem"}:
        return f"/{kind}s/{rest}"
    return _PAGES.get(kind, "")


def _word(name: str) -> str:
    """The name of a value for people: `expires` for expires_at."""
    return name.removesuffix("_at").replace("_", " ")


def _text(name: str, value: Any) -> str:
    """A value for people: times as times, lists and objects in short."""
    match value:
        case None | bool():
            return _WORDS[value]
        case int() if name.endswith("_at") or name in _TIMES:
            return rfc3339(value)
        case str() if name == "objective":
            return f"{(Decimal(value) * 100).normalize():f}\u202f%"
        case list():
            return ", ".join(_text("", part) for part in value)
        case dict():
            return ", ".join(f"{key}={_text('', part)}" for key, part in value.items())
        case _:
            return str(value)
