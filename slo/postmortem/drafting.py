"""Drafting: an incident that resolves leaves a postmortem with all that the ledger knows."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slo
from slo.domain.postmortem import (
    ITEMS_MARK,
    LONGEST_BODY,
    LONGEST_TITLE,
    UnknownPostmortemError,
    plain_lines,
    required_why,
)
from slo.postmortem import sandbox
from slo.postmortem.affected import affected, shown_span
from slo.postmortem.chart import render_chart
from slo.postmortem.facts import facts
from slo.postmortem.markdown import escape, unescape
from slo.store import incidents, postmortems, timeline

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.incident import Incident
    from slo.postmortem.affected import Affected

_log = logging.getLogger(__name__)

_HEADING = re.compile(r"\A\s*#[ \t]+(\S[^\n]*?)[ \t]*(?:\n|\Z)")
_LONGEST_FAULT = 300
_FILLED = "The incident resolved again, and its postmortem's draft was filled in anew."
_EDITED = (
    "The incident resolved again. Its postmortem was edited already, so its text stays as it is;"
    " see whether it still tells all."
)


def draft(session: Session, settings: Settings, incident_id: int, now: int) -> None:
    """Drafts the postmortem of an incident that resolves, in the same transaction.

    Again for the same incident, it fills in a draft anew that no person has edited,
    and only notes on the timeline where one has. A template that fails never stops
    it: the built-in one is used, and the draft and the log say so. Raises
    `UnknownPostmortemError` where there is no such incident.
    """
    incident = incidents.one(session, incident_id)
    if incident is None:
        raise UnknownPostmortemError(f"there is no incident {incident_id} to draft a postmortem of")
    why = required_why(incident, settings.postmortems.required_over)
    found = affected(session, incident, now)
    chart = _chart(incident, found, now)
    told = facts(incident, found, timeline.of(session, incident_id))
    title, body = compose({**told, "required_why": why}, settings.postmortems.template)
    before = postmortems.one(session, incident_id)
    if before is None:
        postmortems.create(session, incident_id, title, body, chart, why, now)
        _note(session, incident, now, "A postmortem was drafted.", why)
    elif not before.about.untouched or before.about.status != "draft":
        postmortems.restate(session, incident_id, chart, why)
        _note(session, incident, now, _EDITED, why)
    elif (before.about.title, before.body, before.chart) != (title, body, chart):
        filled = postmortems.redraft(session, before, title, body, chart, why, now)
        _note(session, incident, now, _FILLED if filled else _EDITED, why)


def compose(told: dict[str, Any], template: Path | None) -> tuple[str, str]:
    """Title and body by the template, or by the built-in one where that fails; never raises."""
    fault = ""
    for path in (template, _built_in()):
        if path is None:
            continue
        try:
            source = _read(path)
            return _split(sandbox.render(source, {**told, "template_fault": fault}), told)
        except Exception as error:  # noqa: BLE001 -- a template may raise anything, and must not stop an incident.
            fault = f"{path.name}: {type(error).__name__}: {error}"[:_LONGEST_FAULT]
            _log.warning("the postmortem template cannot be used: %s: %s", path, error)
    return _split(f"{escape(fault)}\n\n## Action items\n\n{ITEMS_MARK}\n", told)


def _built_in() -> Path:
    """Where the shipped template is: inside the package as installed, beside it in a checkout."""
    package = Path(slo.__file__).parent
    inside = package / "templates"
    return (inside if inside.is_dir() else package.parent / "templates") / "postmortem.md"


def _read(path: Path) -> str:
    """The template's source; a file larger than a template may be is not read whole."""
    with path.open(encoding="utf-8") as file:
        return file.read(sandbox.LONGEST_TEMPLATE + 1)


def _split(text: str, told: dict[str, Any]) -> tuple[str, str]:
    """Title and body; a first heading is the title, and else the incident's own."""
    text = plain_lines(text)
    title = str(told["incident"]["title"])
    heading = _HEADING.match(text)
    if heading:
        title, text = unescape(heading.group(1)), text[heading.end() :]
    title = " ".join(title.split())
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1] + "…"
    body = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    return title, body[:LONGEST_BODY]


def _chart(incident: Incident, found: list[Affected], now: int) -> str:
    """The chart; none where the ledger holds something that cannot be drawn."""
    burns = [each.burn for each in found if each.burn is not None]
    try:
        return render_chart(incident, burns, shown_span(incident, now))
    except (ArithmeticError, ValueError) as error:
        _log.warning("the chart of incident %d cannot be drawn: %s", incident.id, error)
        return ""


def _note(session: Session, incident: Incident, now: int, text: str, why: str) -> None:
    """An entry on the timeline, once for each time that the incident resolved."""
    text += f" It is required: {why}." if why else ""
    since = incident.resolved_at or now
    told = timeline.of(session, incident.id)
    if not any(e.kind == "postmortem" and e.text == text and e.at >= since for e in told):
        timeline.add(session, incident.id, "postmortem", text, at=now, now=now)
