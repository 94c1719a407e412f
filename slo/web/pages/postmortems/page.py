"""The pages of postmortems: the list with all action items, one to read, its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, redirect, render_template, request

from slo.domain.postmortem import Conflict, PostmortemError, UnknownPostmortemError
from slo.domain.span import utc
from slo.sent import known_ids
from slo.store import action_items, postmortems
from slo.store.engine import reading, writing
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.pages.asked import asked
from slo.web.pages.incidents.rows import WRITTEN
from slo.web.pages.postmortems import view as postmortem_view
from slo.web.pages.postmortems.view import Failed
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sqlalchemy.orm import Session

    from slo.domain.postmortem import ActionItem, Status
    from slo.web.pages.asked import Asked

blueprint = Blueprint("postmortem_pages", __name__)

PAGE_SIZE = 100
MOST_ITEMS = 300
_NAMES = ("status", "service", "required", "overdue", "owner", "items")
ITEM_CHOICES = {"": "still to be done", "overdue": "overdue", "all": "all"}


@blueprint.errorhandler(UnknownPostmortemError)
def show_unknown(error: UnknownPostmortemError) -> tuple[str, int]:
    """What is asked for is not there."""
    page = render_template(
        "error.html",
        title="No such postmortem",
        text=str(error),
        near=[],
        way=("/postmortems", "All postmortems"),
        cycle=None,
    )
    return page, 404


@blueprint.get("/postmortems")
@needs("read")
def show_postmortems() -> str:
    """All postmortems, and the action items of all of them, overdue ones first."""
    with reading(current_site().engine) as session:
        return _list(session, Failed())


@blueprint.get("/postmortems/<int:incident>")
@needs("read")
def show_postmortem(incident: int) -> str:
    """One postmortem to read, with its action items and its versions."""
    with reading(current_site().engine) as session:
        return postmortem_view.page(session, incident, Failed())


@blueprint.get("/postmortems/<int:incident>/versions")
@needs("read")
def show_versions(incident: int) -> str:
    """What changed from one saved text to another; without a choice, in the last save."""
    with reading(current_site().engine) as session:
        chosen = (request.args.get("from", type=int), request.args.get("to", type=int))
        return postmortem_view.versions_page(session, incident, *chosen)


@blueprint.get("/postmortems/<int:incident>/status")
@blueprint.get("/postmortems/<int:incident>/items")
@blueprint.get("/postmortems/<int:incident>/items/<int:number>")
@blueprint.get("/postmortems/<int:incident>/items/<int:number>/done")
@blueprint.get("/postmortems/<int:incident>/items/<int:number>/open")
@needs("read")
def show_after(incident: int, number: int = 0) -> Response:  # noqa: ARG001 -- the address has it.
    """The postmortem again, where somebody reloads the answer to a form."""
    return _to(incident)


@blueprint.post("/postmortems/<int:incident>/status")
@needs("write")
def set_status(incident: int) -> Response | tuple[str, int]:
    """Move it to review, to published, or back to draft."""
    form = request.form
    to, version = form.get("status", ""), form.get("version", type=int)
    by = who(form.get("who"), "")

    def change(session: Session, now: int) -> None:
        postmortems.set_status(session, incident, cast("Status", to), by, now, version)

    return _changed(incident, "status", change)


@blueprint.post("/postmortems/<int:incident>/items")
@needs("write")
def add_item(incident: int) -> Response | tuple[str, int]:
    """Add an action item."""
    item = postmortem_view.item_of(request.form)
    by = who(request.form.get("who"), "")

    def change(session: Session, now: int) -> None:
        action_items.add(session, incident, item, by, now)

    return _changed(incident, "add", change)


@blueprint.post("/postmortems/<int:incident>/items/<int:number>")
@needs("write")
def change_item(incident: int, number: int) -> Response | tuple[str, int]:
    """Change an action item: its text, kind, state, owner, priority or due date."""
    form = request.form
    wanted = postmortem_view.item_of(form)
    changes = {name: getattr(wanted, name) for name in action_items.CHANGEABLE if name in form}
    version, by = form.get("version", 0, type=int), who(form.get("who"), "")

    def change(session: Session, now: int) -> None:
        _ensure_of(session, incident, number)
        action_items.change(session, number, changes, version, by, now)

    return _changed(incident, f"item-{number}", change)


@blueprint.post("/postmortems/<int:incident>/items/<int:number>/<any(done, open):state>")
@needs("write")
def tick_item(incident: int, number: int, state: str) -> Response | tuple[str, int]:
    """Tick an action item off in the list of all, or take that back; then the list again."""
    site = current_site()
    form = request.form
    try:
        with writing(site.engine) as session:
            _ensure_of(session, incident, number)
            version, by = form.get("version", 0, type=int), who(form.get("who"), "")
            now = int(site.clock())
            action_items.change(session, number, {"state": state}, version, by, now)
    except UnknownPostmortemError:
        raise
    except PostmortemError as error:
        with reading(site.engine) as session:
            return _list(session, Failed(str(error), "tick", typed=form.to_dict())), 400
    # Read and written anew, so that it can lead nowhere but to this list.
    kept = urlencode(parse_qsl(form.get("back", "")[:2000]))
    return cast("Response", redirect(f"/postmortems?{kept}#items", 303))


def _changed(
    incident: int, form: str, change: Callable[[Session, int], None]
) -> Response | tuple[str, int]:
    site = current_site()
    try:
        with writing(site.engine) as session:
            change(session, int(site.clock()))
    except UnknownPostmortemError:
        raise
    except (Conflict, PostmortemError) as error:
        part, _, _ = str(error).partition(":")
        failed = Failed(str(error), form, part, request.form.to_dict())
        with reading(site.engine) as session:
            return postmortem_view.page(session, incident, failed), 400
    return _to(incident)


def _to(incident: int) -> Response:
    return cast("Response", redirect(f"/postmortems/{incident}", 303))


def _ensure_of(session: Session, incident: int, number: int) -> None:
    """Refuses an item that belongs to another postmortem than the address says."""
    if action_items.ensure_one(session, number).incident != incident:
        raise UnknownPostmortemError(f"incident {incident} has no action item {number}")


def _list(session: Session, failed: Failed) -> str:
    site = current_site()
    now = site.clock()
    choices: dict[str, Collection[str]] = {
        "status": WRITTEN,
        "required": ("yes",),
        "overdue": ("yes",),
        "items": ITEM_CHOICES,
    }
    wanted = asked(request.args, _NAMES, now, choices=choices, default="all")
    found = postmortems.listed(
        session,
        cast("Status | None", wanted.get("status")),
        PAGE_SIZE + 1,
        wanted.before,
        service=wanted.get("service"),
        required=True if wanted.get("required") else None,
        overdue_on=utc(now).date().isoformat() if wanted.get("overdue") else None,
    )
    everything = action_items.listed(session, now)
    items = _items(everything, wanted, now)
    services = {one.partition("/")[0] for one in known_ids(session, site.settings)}
    return render_template(
        "postmortems.html",
        cycle=cycle_line(session, now),
        postmortems=[postmortem_view.row(p, now) for p in found[:PAGE_SIZE]],
        more=wanted.query(found[PAGE_SIZE - 1].incident) if len(found) > PAGE_SIZE else None,
        summary=_summary(session, everything, now),
        asked=wanted,
        statuses=WRITTEN,
        services=sorted(services),
        owners=sorted({item.owner for item in everything if item.owner}),
        choices=ITEM_CHOICES,
        items=[(item, item.is_overdue(now)) for item in items[:MOST_ITEMS]],
        left_out=max(0, len(items) - MOST_ITEMS),
        query=wanted.query(),
        failed=failed,
    )


def _items(everything: list[ActionItem], wanted: Asked, now: float) -> list[ActionItem]:
    owner, which = wanted.get("owner"), wanted.values["items"]
    return [
        item
        for item in everything
        if owner in {None, item.owner}
        and (which == "all" or (item.is_overdue(now) if which else item.left))
    ]


def _summary(session: Session, items: list[ActionItem], now: float) -> str:
    """One line on all: `12 postmortems: 3 draft, 1 in review, 8 published; 2 required...`."""
    numbers = postmortems.numbers(session)
    by_status = {
        key: sum(n for (status, _), n in numbers.items() if status == key) for key in WRITTEN
    }
    told = ", ".join(f"{n:,} {WRITTEN[key].word}" for key, n in by_status.items() if n)
    due = sum(n for (status, needed), n in numbers.items() if needed and status != "published")
    left, late = sum(i.left for i in items), sum(i.is_overdue(now) for i in items)
    parts = [
        f"{told}" if told else "",
        f"{due:,} required and not yet published" if due else "",
        f"{left:,} action item{'' if left == 1 else 's'} left" if items else "",
        f"{late:,} overdue" if late else "",
    ]
    return " \u00b7 ".join(filter(None, parts))
