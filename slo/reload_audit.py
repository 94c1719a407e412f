"""The audit of slo.yaml taken anew: what changed, and who may see the site before and since.

What becomes of each SLO is audited where it is declared, by the cycle that follows.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from slo.reloading import changes_text
from slo.store import audit
from slo.store.engine import StoreError, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from slo.config.settings import Settings

_log = logging.getLogger(__name__)

ACTION = "reload"


class ReloadAudit:
    """Told of settings that came into force, writes how they differ from those before."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    def note(self, settings: Settings, now: float) -> None:
        """Writes one entry, unless nothing changed."""
        before, self._settings = self._settings, settings
        if settings == before:
            return
        old, new = _told(before), _told(settings)
        differing = [name for name in new if old[name] != new[name]]
        try:
            with writing(self._engine) as session:
                audit.add(
                    session,
                    int(now),
                    audit.CONFIG,
                    ACTION,
                    audit.CONFIG,
                    {"changed": changes_text(before, settings)},
                    old={name: old[name] for name in differing} or None,
                    new={name: new[name] for name in differing} or None,
                )
        except StoreError as error:
            # What the file says is in force all the same.
            _log.warning("the reload is not in the audit: %s", error)


def _told(settings: Settings) -> dict[str, Any]:
    """What decides who gets in and who is told, without any secret."""
    site, oidc = settings.site, settings.site.oidc
    found: dict[str, Any] = {
        "url": settings.url,
        "auth": site.auth,
        "public": list(site.public),
        "hosts": list(site.hosts),
        "proxies": site.proxies,
        "proxy_addresses": list(site.proxy_addresses),
        "receivers": [receiver.name for receiver in settings.receivers],
        "issuer": None if oidc is None else oidc.issuer,
        "client": None if oidc is None else oidc.client_id,
        "name_claim": None if oidc is None else oidc.name_claim,
        "roles_claim": None if oidc is None else oidc.roles_claim,
        # In order: the first that fits decides.
        "roles": [] if oidc is None else [{group: role} for group, role in oidc.roles],
        "default_role": None if oidc is None else oidc.default_role,
    }
    return found
