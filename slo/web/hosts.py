"""The names under which the site may be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import MisdirectedRequest

from slo.access.mode import is_loopback_name
from slo.web.identity import METRICS, UNASKED, current_identity, has_bearer
from slo.web.site import current_site

if TYPE_CHECKING:
    from slo.config.settings import SiteSettings


def ensure_host() -> None:
    """Refuses a request under a name that is not the site's.

    A page of another site can let its own name point at this machine (DNS rebinding)
    and then read what this machine alone may; the browser still sends that name.
    """
    settings = current_site().settings
    if request.endpoint in UNASKED or _is_public_metrics(settings.site):
        return
    by_place = current_identity().kind == "open" and settings.site.auth != "none"
    if has_bearer() or not (by_place or settings.site.hosts):
        return
    name = _name(f"//{request.host}")
    known = {_name(settings.url), *settings.site.hosts}
    if name and (name in known or is_loopback_name(name)):
        return
    raise MisdirectedRequest(
        f"This site is not called {name[:100]!r}; slo.yaml says which names it has, "
        "as site.hosts and url."
    )


def _is_public_metrics(site: SiteSettings) -> bool:
    """Scrapers ask by address; what everybody may see needs no name."""
    return request.endpoint == METRICS and "metrics" in site.public


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
