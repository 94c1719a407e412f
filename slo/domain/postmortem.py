"""Postmortems and their action items: the values, and the rules that hold for them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

from slo.domain import access
from slo.domain.digits import significant
from slo.domain.incident import AUTO
from slo.domain.objective import format_percent
from slo.domain.span import utc

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from slo.domain.incident import Incident
    from slo.domain.policy import Severity

Status = Literal["draft", "review", "published"]
Priority = Literal["P0", "P1", "P2", "P3"]
ItemKind = Literal["mitigate", "prevent", "process", "other"]
ItemState = Literal["open", "in progress", "done", "dropped"]

STATUSES: tuple[Status, ...] = get_args(Status)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
STATES: tuple[ItemState, ...] = get_args(ItemState)

LONGEST_BODY = 200_000
LONGEST_TITLE = 300
LONGEST_ITEM = 2_000
LONGEST_NAME = 200
"""The most characters of a body, a title, an action item, and a person's name."""

BIGGEST_ID = 2**63 - 1
"""No row of a database has a larger number."""

ITEMS_MARK = "[action items]"
CHART_MARK = "[chart]"
"""Lines of a body in whose place the table of action items and the chart are shown."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NEXT: dict[Status, tuple[Status, ...]] = {
    "draft": ("review",),
    "review": ("published", "draft"),
    "published": ("draft",),
}
"""What may follow each status."""


class PostmortemError(ValueError):
    """What was asked for is not allowed; the message names the remedy."""


class UnknownPostmortemError(PostmortemError):
    """There is no such postmortem, version or action item."""


@dataclass(frozen=True, slots=True)
class Version:
    """One saved text of a postmortem."""

    number: int
    title: str
    body: str
    at: int
    who: str


@dataclass(slots=True, eq=False)
class Conflict(Exception):  # noqa: N818 -- it is no fault: somebody else was quicker.
    """Somebody else saved meanwhile; holds all texts, so that nothing is lost.

    `base` is the version that the editor began with (None: there never was such a
    one), `theirs` the newest; `title` and `body` are the editor's own.
    """

    incident: int
    base: Version | None
    theirs: Version
    title: str
    body: str

    def __str__(self) -> str:
        return (
            f"{self.theirs.who} saved version {self.theirs.number} of the postmortem of incident"
            f" {self.incident} meanwhile; merge the two texts and save with that version"
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """A postmortem as lists show it; `incident` is the incident's id, instants epoch seconds."""

    incident: int
    service: str
    severity: Severity
    title: str
    status: Status
    required: bool
    required_why: str
    version: int
    created_at: int
    updated_at: int
    updated_by: str
    reviewed_by: str | None = None
    reviewed_at: int | None = None
    published_at: int | None = None
    items: int = 0
    items_left: int = 0
    """Action items that are neither done nor dropped."""

    @property
    def untouched(self) -> bool:
        """Whether no person has edited it: all of it was filled in by the service."""
        return self.updated_by == AUTO


@dataclass(frozen=True, slots=True)
class Postmortem:
    """One postmortem: what lists show of it, its Markdown, and its chart as SVG."""

    about: Summary
    body: str
    chart: str


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One thing to do after an incident; `due` is a UTC day as `YYYY-MM-DD`."""

    text: str
    kind: ItemKind = "prevent"
    owner: str = ""
    priority: Priority = "P2"
    due: str | None = None
    state: ItemState = "open"
    id: int = 0
    incident: int = 0
    created_at: int = 0
    done_at: int | None = None
    version: int = 1
    postmortem_title: str = field(default="", compare=False)

    @property
    def left(self) -> bool:
        """Whether it is still to be done."""
        return self.state in {"open", "in progress"}

    def is_overdue(self, now: float) -> bool:
        """Whether its day is over, in UTC, and it is still to be done."""
        return self.left and self.due is not None and self.due < utc(now).date().isoformat()


def required_why(incident: Incident, over: Decimal) -> str:
    """Why the incident needs a postmortem, in words; empty where it needs none.

    The SRE Workbook's outage policy: an SLO lost more than `over` of its budget.
    """
    lost = [
        (slo.budget_share, slo.slo)
        for slo in incident.slos
        if slo.budget_share is not None and slo.budget_share > float(over)
    ]
    told = [
        f"{slo} lost {significant(share * 100, 4)}% of its error budget"
        for share, slo in sorted(lost)[::-1]
    ]
    return f"{' and '.join(told)}, over {format_percent(over)}" if told else ""


def plain_lines(text: str) -> str:
    r"""The text with `\n` as line ends and without control characters, which terminals obey."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def ensure_text(title: str, body: str) -> None:
    """Refuse a title or body that is empty, too long, or not text."""
    if not title.strip():
        raise PostmortemError("title: is empty; write a few words")
    for name, text, most in (("title", title, LONGEST_TITLE), ("body", body, LONGEST_BODY)):
        if len(text) > most:
            raise PostmortemError(
                f"{name}: has {len(text):,} characters; at most {most:,} are kept"
            )
    if not title.isprintable():
        raise PostmortemError("title: has more than one line, or control characters; write one")


def ensure_person(who: str) -> None:
    """Refuse a name that is empty, too long, or the service's own."""
    if not who.strip():
        raise PostmortemError("who: is empty; say who does it")
    if len(who) > access.LONGEST_NAME or not who.isprintable():
        raise PostmortemError(f"who: must be one line of at most {access.LONGEST_NAME} characters")
    if who == AUTO:
        raise PostmortemError(f"who: {AUTO!r} is the service itself; say who does it")


def ensure_step(found: Summary, items: Iterable[ActionItem], to: Status) -> None:
    """Refuse a change of status that skips the review, or publishes without what it needs."""
    if to not in NEXT[found.status]:
        allowed = " or ".join(NEXT[found.status])
        raise PostmortemError(
            f"status: the postmortem of incident {found.incident} is in {found.status!r} and"
            f" cannot become {to!r}; it can become {allowed}"
        )
    if to == "published":
        ensure_answered(required=found.required, why=found.required_why, items=items)


def ensure_answered(*, required: bool, why: str, items: Iterable[ActionItem]) -> None:
    """Refuse a required postmortem without an action item of priority P0 that counts.

    The SRE Workbook's outage policy: over the share of the budget, the postmortem
    must hold at least one P0 action item. A dropped one does not count.
    """
    if required and not any(i.priority == "P0" and i.state != "dropped" for i in items):
        raise PostmortemError(
            f"status: this postmortem is required ({why}), so to be published it needs at least"
            " one action item of priority P0; add one on the root cause"
        )


def ensure_item(item: ActionItem) -> None:
    """Refuse an action item with a field that is not as it should be; names the field."""
    if not item.text.strip():
        raise PostmortemError("text: is empty; say what is to be done")
    if len(item.text) > LONGEST_ITEM or plain_lines(item.text) != item.text:
        raise PostmortemError(
            f"text: must be at most {LONGEST_ITEM:,} characters, without control characters"
        )
    if item.owner and (len(item.owner) > LONGEST_NAME or not item.owner.isprintable()):
        raise PostmortemError(f"owner: must be one line of at most {LONGEST_NAME} characters")
    allowed = (("kind", KINDS), ("priority", PRIORITIES), ("state", STATES))
    for name, values in allowed:
        if getattr(item, name) not in values:
            raise PostmortemError(
                f"{name}: {getattr(item, name)!r} is unknown; one of {', '.join(values)}"
            )
    if item.due is not None:
        ensure_day(item.due)


def ensure_day(due: str) -> None:
    """Refuse a due date that is no day of the calendar as `YYYY-MM-DD`."""
    try:
        same = date.fromisoformat(due).isoformat() == due
    except ValueError:
        same = False
    if not same:
        raise PostmortemError(f"due: {due!r} is not a date; write for example 2026-12-31")


def in_order(items: Iterable[ActionItem], now: float) -> list[ActionItem]:
    """The items by their `place`."""
    return sorted(items, key=lambda item: place(item, now))


def place(item: ActionItem, now: float) -> tuple[bool, bool, bool, str, str, int]:
    """Where an item stands in a list: the smaller, the sooner it is due.

    Overdue ones come first, then the others that are left, by due date and priority,
    then the rest; those without a due date come after those with one.
    """
    return (
        not item.left,
        not item.is_overdue(now),
        item.due is None,
        item.due or "",
        item.priority,
        item.id,
    )
