"""Models of postmortems and action items."""

from __future__ import annotations

from pydantic import Field

from slo.domain.policy import Severity
from slo.domain.postmortem import ItemKind, ItemState, Priority, Status
from slo.web.api.models import base
from slo.web.api.models.base import NEXT, Answer, Body, Change, ListQuery, Switch, Time
from slo.web.api.models.problem import Problem

_OVER = "The version that was read; instead of it If-Match may give the ETag that was read."


class PostmortemQuery(ListQuery):
    """Which postmortems to list."""

    status: Status | None = Field(default=None, description="Only those in this status.")


class Items(Answer):
    """How many action items there are."""

    all: int = Field(description="All of them.")
    left: int = Field(description="Those neither done nor dropped.")


class Postmortem(Answer):
    """A postmortem without its text."""

    incident: int = Field(description="The number of its incident.")
    service: str = Field(description="The incident's service.")
    severity: Severity = Field(description="The incident's severity.")
    title: str = Field(description="Its title.")
    status: Status = Field(description="How far it is.")
    required: bool = Field(description="Whether the incident needs one.")
    required_why: str = Field(description="Why it needs one; empty: it does not.")
    version: int = Field(description="The number of its newest text.")
    created_at: Time = Field(description="When it was drafted.")
    updated_at: Time = Field(description="When its text was last saved.")
    updated_by: str = Field(description="Who saved it.")
    reviewed_by: str | None = Field(description="Who published it.")
    reviewed_at: Time | None = Field(description="When it was reviewed.")
    published_at: Time | None = Field(description="When it was published.")
    action_items: Items = Field(description="How many action items it has.")


class Postmortems(Answer):
    """Postmortems, that of the newest incident first."""

    postmortems: list[Postmortem] = Field(description="Those that fit, without their texts.")
    next: str | None = Field(default=None, description=NEXT)


class ActionItem(Answer):
    """One thing to do after an incident."""

    id: int = Field(description="Its number.")
    incident: int = Field(description="The incident that it follows from.")
    postmortem: str = Field(description="The title of its postmortem.")
    text: str = Field(description="What is to be done.")
    kind: ItemKind = Field(description="What it does about the cause.")
    owner: str = Field(description="Who is to do it; may be empty.")
    priority: Priority = Field(description="How urgent it is.")
    due: str | None = Field(description="The day until which, in UTC.", examples=["2026-12-31"])
    state: ItemState = Field(description="How far it is.")
    overdue: bool = Field(description="Whether its day is over and it is still to be done.")
    created_at: Time = Field(description="When it was added.")
    done_at: Time | None = Field(description="When it was done or dropped.")
    version: int = Field(description="How often it was written.")


class ActionItems(Answer):
    """Action items of all postmortems."""

    items: list[ActionItem] = Field(description="Overdue ones first, then by due date.")
    next: str | None = Field(description=NEXT)


class SavedVersion(Answer):
    """Who saved a text, and when."""

    version: int = Field(description="Its number.")
    at: Time = Field(description="When it was saved.")
    who: str = Field(description="Who saved it.")


class Version(SavedVersion):
    """One saved text."""

    title: str = Field(description="The title.")
    body: str = Field(description="The Markdown.")


class WholePostmortem(Postmortem):
    """A whole postmortem."""

    body: str = Field(description="Its Markdown.")
    chart: str = Field(description="What its chart shows, in words.")
    items: list[ActionItem] = Field(description="Its action items, in the order of adding.")
    versions: list[SavedVersion] = Field(description="All texts that were saved, oldest first.")


class Text(Answer):
    """What an editor has written."""

    title: str = Field(description="The title.")
    body: str = Field(description="The Markdown.")


class PostmortemConflict(Problem):
    """Somebody else saved meanwhile; all texts, so that nothing is lost."""

    base: Version | None = Field(description="The version that was to be written over.")
    theirs: Version = Field(description="The newest one.")
    yours: Text = Field(description="What was sent.")


class ItemConflict(Problem):
    """Somebody else changed the item meanwhile."""

    theirs: ActionItem = Field(description="The item as it is now.")


class Save(Change):
    """A text, over the version that was read."""

    title: str = Field(description="The title.")
    body: str = Field(description="The Markdown.")
    version: base.Version | None = Field(default=None, description=_OVER, examples=[1])


class Step(Change):
    """A change of status."""

    status: Status = Field(description="What it is to become; the steps go in this order.")
    version: base.Version | None = Field(
        default=None, description="The version that was looked at; another one is a conflict."
    )


class PreviewRequest(Body):
    """A text that is not saved."""

    body: str = Field(description="The Markdown.")


class Preview(Answer):
    """A text as the page shows it."""

    html: str = Field(description="The HTML, of which scripts and foreign links are no part.")


class NewItem(Change):
    """A new action item; only `text` is needed."""

    text: str = Field(description="What is to be done.", examples=["Limit retries."])
    kind: ItemKind = Field(default="prevent", description="What it does about the cause.")
    owner: str = Field(default="", description="Who is to do it.")
    priority: Priority = Field(default="P2", description="How urgent it is.")
    due: str | None = Field(
        default=None, description="The day until which, in UTC.", examples=["2026-12-31"]
    )
    state: ItemState = Field(default="open", description="How far it is.")


class ItemChange(Change):
    """The fields of an action item to set; the others stay."""

    version: base.Version | None = Field(default=None, description=_OVER, examples=[1])
    text: str = Field(default="", description="What is to be done.")
    kind: ItemKind = Field(default="prevent", description="What it does about the cause.")
    owner: str = Field(default="", description="Who is to do it; empty: nobody.")
    priority: Priority = Field(default="P2", description="How urgent it is.")
    due: str | None = Field(default=None, description="The day until which; null: none.")
    state: ItemState = Field(default="open", description="How far it is.")


class ItemQuery(ListQuery):
    """Which action items to list."""

    owner: str | None = Field(default=None, description="Only those of one owner.")
    overdue: Switch = Field(default=False, description="Only those whose day is over.")
