"""The JSON API of the system: how the service itself does, and what is in force of slo.yaml."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from slo.store.engine import reading
from slo.system import describe
from slo.web.api.models.system import Configuration, SystemAnswer
from slo.web.api.operation import PREFIX, operation
from slo.web.api.system_json import configuration_json, system_json
from slo.web.site import current_site

blueprint = Blueprint("api_system", __name__, url_prefix=PREFIX)


@operation(blueprint, "GET", "/system", permission="read", answer=SystemAnswer)
def show_system() -> dict[str, Any]:
    """Shows how the service does: cycles, sources, receivers, the store, and slo.yaml's faults."""
    site = current_site()
    with reading(site.engine) as session:
        found = describe(session, site.loaded, site.sources, site.started_at, site.clock())
    return system_json(found)


@operation(blueprint, "GET", "/system/configuration", permission="admin", answer=Configuration)
def show_configuration() -> dict[str, Any]:
    """Shows slo.yaml as it is in force, with what is secret hidden."""
    return configuration_json(current_site().loaded)
