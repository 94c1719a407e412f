"""The Atom feed of incidents, with what everybody may know of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from flask import Blueprint, Response, request

from slo.domain.span import rfc3339, utc
from slo.store import timeline
from slo.store.engine import reading
from slo.web.pages.status import public_text
from slo.web.pages.status.view import listed
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.config.settings import Settings
    from slo.domain.incident import EventKind, Incident

blueprint = Blueprint("feed", __name__)

MOST = 50
_ATOM = "http://www.w3.org/2005/Atom"
_SECONDS = 60
_TOLD: tuple[EventKind, ...] = ("opened", "reopened", "acknowledged", "resolved")
_NO_DNS = re.compile(r"[^a-z0-9.-]")
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@blueprint.get("/feed.atom")
@needs("status")
def show_feed() -> Response:
    """The open incidents and the newest of those over as Atom, the newest first."""
    site = current_site()
    settings = site.settings
    with reading(site.engine) as session:
        found = listed(session, settings, MOST)
        told = timeline.of_kinds(session, [i.id for i in found], _TOLD)
    # An incident that reopens has changed, though it looks as it did at first.
    changes = {i.id: i.opened_at for i in found}
    for event in told:
        changes[event.incident] = max(changes[event.incident], event.recorded_at)
    base = settings.url or request.url_root.rstrip("/")
    response = Response(
        render_feed([(i, changes[i.id]) for i in found], settings, base),
        content_type="application/atom+xml; charset=utf-8",
    )
    kept = "public" if "status" in settings.site.public else "private"
    response.headers["Cache-Control"] = f"{kept}, max-age={_SECONDS}"
    response.add_etag()
    response.make_conditional(request)
    return response


def render_feed(found: list[tuple[Incident, int]], settings: Settings, base: str) -> bytes:
    """The XML of incidents and when each last changed.

    Ids stay the same for as long as the host of `url`, else `name`, does in slo.yaml.
    """
    authority = urlsplit(settings.url).hostname or _NO_DNS.sub("-", settings.name.lower())
    root = ET.Element("feed", {"xmlns": _ATOM})
    _add(root, "id", f"tag:{authority},2026:incidents")
    _add(root, "title", f"Incidents of {settings.name}")
    _add(root, "updated", rfc3339(max((at for _, at in found), default=0)))
    author = ET.SubElement(root, "author")
    _add(author, "name", settings.name)
    ET.SubElement(root, "link", {"rel": "self", "href": f"{base}/feed.atom"})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": f"{base}/status"})
    for incident, changed_at in found:
        entry = ET.SubElement(root, "entry")
        day = utc(incident.opened_at).strftime("%Y-%m-%d")
        _add(entry, "id", f"tag:{authority},{day}:incident/{incident.id}")
        state = "Resolved: " if incident.resolved_at is not None else ""
        _add(entry, "title", f"{state}{public_text.incident_title(incident)}")
        _add(entry, "published", rfc3339(incident.opened_at))
        _add(entry, "updated", rfc3339(changed_at))
        link = {"rel": "alternate", "type": "text/html", "href": f"{base}/status"}
        ET.SubElement(entry, "link", link)
        _add(entry, "summary", public_text.incident_history(incident))
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add(parent: ET.Element, name: str, text: str) -> None:
    # A service's name may hold what XML has no character for.
    ET.SubElement(parent, name).text = _NO_XML.sub("\ufffd", text)
