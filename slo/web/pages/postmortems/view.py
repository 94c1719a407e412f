"""One postmortem as its pages show it: the text, its items, its steps, its versions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from flask import render_template
from markupsafe import Markup

from slo.domain.postmortem import (
    KINDS,
    NEXT,
    PRIORITIES,
    STATES,
    ActionItem,
    UnknownPostmortemError,
)
from slo.postmortem.export import render_body
from slo.store import action_items, postmortems
from slo.web.heading import cycle_line
from slo.web.moment import moment
from slo.web.pages.incidents.rows import WRITTEN
from slo.web.pages.postmortems.text_diff import differences
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.postmortem import (
        ItemKind,
        ItemState,
        Postmortem,
        Priority,
        Status,
        Summary,
        Version,
    )
    from slo.web.badge import Badge

STEPS: dict[Status, str] = {
    "review": "Ask for review",
    "published": "Publish",
    "draft": "Back to draft",
}


@dataclass(frozen=True, slots=True)
class Failed:
    """What was refused: of which form, which field, why, and all that was typed."""

    text: str = ""
    form: str = ""
    part: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostmortemRow:
    """One postmortem of the list."""

    about: Summary
    badge: Badge
    updated: Markup


def row(about: Summary, now: float) -> PostmortemRow:
    """A postmortem as the list shows it."""
    return PostmortemRow(about, WRITTEN[about.status], moment(about.updated_at, now))


def item_of(form: Mapping[str, str]) -> ActionItem:
    """The action item that a form describes; what it does not say is as usual."""
    return ActionItem(
        text=form.get("text", "").strip(),
        kind=cast("ItemKind", form.get("kind", "prevent")),
        owner=form.get("owner", "").strip(),
        priority=cast("Priority", form.get("priority", "P2")),
        due=form.get("due", "").strip() or None,
        state=cast("ItemState", form.get("state", "open")),
    )


def html_of(found: Postmortem, body: str, items: Sequence[ActionItem]) -> Markup:
    """A body as HTML, with the items and the chart in their places."""
    # `render_body` lets no HTML of people through, and makes the rest itself.
    return Markup(render_body(body, items, found.chart))  # noqa: S704 -- see above.


def page(session: Session, incident: int, failed: Failed) -> str:
    """The page of a postmortem; what was refused is told on top, and what was typed is kept."""
    now = current_site().clock()
    found = postmortems.ensure_one(session, incident)
    items = action_items.of(session, incident)
    return render_template(
        "postmortem.html",
        cycle=cycle_line(session, now),
        about=found.about,
        row=row(found.about, now),
        body=html_of(found, found.body, items),
        items=[(_as_typed(item, failed), item.is_overdue(now)) for item in items],
        new=item_of(failed.typed) if failed.form == "add" else ActionItem(""),
        steps=[(step, STEPS[step]) for step in NEXT[found.about.status]],
        published=_moment(found.about.published_at, now),
        kinds=KINDS,
        priorities=PRIORITIES,
        states=STATES,
        failed=failed,
        versions=_versions(postmortems.versions(session, incident), now),
    )


def versions_page(session: Session, incident: int, older: int | None, newer: int | None) -> str:
    """The page with what changed between two versions; None: the last two."""
    now = current_site().clock()
    found = postmortems.ensure_one(session, incident)
    saved = {v.number: v for v in postmortems.versions(session, incident)}
    last = max(saved)
    newer = last if newer is None else newer
    older = max(1, newer - 1) if older is None else older
    for number in (older, newer):
        if number not in saved:
            raise UnknownPostmortemError(
                f"the postmortem of incident {incident} has no version {number}"
            )
    before, after = saved[older], saved[newer]
    return render_template(
        "postmortem_versions.html",
        cycle=cycle_line(session, now),
        about=found.about,
        versions=_versions(list(saved.values()), now),
        before=before,
        after=after,
        lines=differences(whole(before), whole(after)),
    )


def whole(version: Version) -> str:
    """The title and the text of a version, as they are compared."""
    return f"{version.title}\n\n{version.body}"


def _versions(saved: Sequence[Version], now: float) -> list[tuple[Version, Markup]]:
    """The versions, the newest first, and when each was saved."""
    return [(v, moment(v.at, now)) for v in reversed(saved)]


def _as_typed(item: ActionItem, failed: Failed) -> ActionItem:
    """The item, with what was typed where its form was refused."""
    if failed.form != f"item-{item.id}":
        return item
    typed = item_of(failed.typed)
    said: dict[str, Any] = {
        name: getattr(typed, name) for name in action_items.CHANGEABLE if name in failed.typed
    }
    return replace(item, **said)


def _moment(at: int | None, now: float) -> Markup | None:
    return None if at is None else moment(at, now)
