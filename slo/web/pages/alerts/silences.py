"""The page of silences: what is muted now and until when, a form to add one, and to end one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import Blueprint, Response, redirect, render_template, request

from slo import sent, silencing
from slo.domain.refusal import RefusedError
from slo.domain.scope import EVERYTHING
from slo.store import silences
from slo.store.engine import reading, writing
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.moment import moment
from slo.web.pages.refused import in_words
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from markupsafe import Markup
    from sqlalchemy.orm import Session

    from slo.domain.silence import Silence

blueprint = Blueprint("silence_pages", __name__)

PAST = 50
LENGTHS = {
    "30m": "30 minutes",
    "1h": "1 hour",
    "2h": "2 hours",
    "4h": "4 hours",
    "8h": "8 hours",
    "1d": "1 day",
    "3d": "3 days",
    "7d": "7 days",
    "30d": "30 days",
}
_FIELDS = ("scope", "for", "until", "labels", "why", "who", "all")
_LABELS = {
    "scope": "What",
    "until": "Until",
    "why": "Why",
    "labels": "Only with labels",
    "who": "Your name",
    "all": "The tick \u201cyes, every SLO\u201d",
}
"""What the form calls its fields."""


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """One silence, in texts."""

    id: int
    scope: str
    labels: str
    start: Markup
    end: Markup
    who: str
    why: str
    begun: bool


@blueprint.get("/silences")
@needs("read")
def show_silences() -> str:
    """What is muted, what will be, and what was."""
    typed = {"scope": request.args.get("scope", "").strip()[:200], "for": "2h"}
    with reading(current_site().engine) as session:
        return _page(session, typed)


@blueprint.post("/silences")
@needs("write")
def add_silence() -> Response | tuple[str, int]:
    """Mute a scope until a time; then the list again."""
    site = current_site()
    now = int(site.clock())
    typed = {name: request.form.get(name, "").strip() for name in _FIELDS}
    try:
        with writing(site.engine) as session:
            silencing.silence(
                session,
                site.settings,
                scope=typed["scope"],
                until=_until(typed),
                who=who(typed["who"], "page"),
                why=typed["why"],
                now=now,
                labels=_labels(typed["labels"]),
                everything=typed["scope"] == EVERYTHING and bool(typed["all"]),
            )
    except RefusedError as error:
        with reading(site.engine) as session:
            return _page(session, typed, error), 400
    return cast("Response", redirect("/silences", 303))


@blueprint.post("/silences/<int:number>/end")
@needs("write")
def end_silence(number: int) -> Response | tuple[str, int]:
    """End a silence before its time; then the list again."""
    site = current_site()
    form = request.form
    try:
        with writing(site.engine) as session:
            silencing.end(
                session,
                number,
                who=who(form.get("who"), "page"),
                why=form.get("why", "").strip() or "ended on the page of silences",
                now=int(site.clock()),
            )
    except RefusedError as error:
        with reading(site.engine) as session:
            return _page(session, {"for": "2h"}, error), 404 if error.field == "id" else 400
    return cast("Response", redirect("/silences", 303))


@blueprint.get("/silences/<int:number>/end")
@needs("read")
def show_after_end(number: int) -> Response:  # noqa: ARG001 -- the address has it.
    """The list again, where somebody reloads the answer to a form."""
    return cast("Response", redirect("/silences", 303))


def _until(typed: dict[str, str]) -> str:
    """The time that is written, in UTC, else how long."""
    written = typed["until"]
    if not written:
        return typed["for"]
    # A field for a local time gives no zone; times of this site are UTC.
    return f"{written}Z" if written[-1:].isdecimal() and "T" in written else written


def _labels(text: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise RefusedError("labels", f"{part[:80]!r} is no name=value; write tier=1, team=a")
        found.append((name.strip(), value.strip()))
    return found


def _page(session: Session, typed: dict[str, str], error: RefusedError | None = None) -> str:
    site = current_site()
    now = site.clock()
    current = silences.of(session, now)
    running = {s.id for s in current}
    ids = sent.known_ids(session, site.settings)
    services = sorted({one.partition("/")[0] for one in ids})
    shown: dict[str, Any] = {
        "current": [_row(s, now) for s in current],
        "past": [_row(s, now) for s in silences.latest(session, PAST) if s.id not in running],
        "scopes": [*(f"{service}/*" for service in services), *sorted(ids), EVERYTHING],
        "lengths": LENGTHS,
        "typed": dict.fromkeys(_FIELDS, "") | typed,
        "error": "" if error is None else in_words(error, _LABELS),
        "field": "" if error is None else error.field,
    }
    return render_template("silences.html", cycle=cycle_line(session, now), **shown)


def _row(found: Silence, now: float) -> SilenceRow:
    over = found.end if found.ended_at is None else min(found.end, found.ended_at)
    return SilenceRow(
        id=found.id,
        scope=found.scope,
        labels=", ".join(f"{name}={value}" for name, value in found.labels),
        start=moment(found.start, now),
        end=moment(over, now),
        who=found.who,
        why=found.why,
        begun=found.start <= now,
    )
