"""The blueprints of the JSON API."""

from slo.web.api.access import blueprint as access
from slo.web.api.action_items import blueprint as action_items
from slo.web.api.alerts import blueprint as alerts
from slo.web.api.annotations import blueprint as annotations
from slo.web.api.definitions import blueprint as definitions
from slo.web.api.exclusions import blueprint as exclusions
from slo.web.api.gate import blueprint as gate
from slo.web.api.incidents import blueprint as incidents
from slo.web.api.notifications import blueprint as notifications
from slo.web.api.numbers import blueprint as numbers
from slo.web.api.openapi import blueprint as openapi
from slo.web.api.postmortems import blueprint as postmortems
from slo.web.api.reports import blueprint as reports
from slo.web.api.services import blueprint as services
from slo.web.api.sessions import blueprint as sessions
from slo.web.api.silences import blueprint as silences
from slo.web.api.slos import blueprint as slos
from slo.web.api.status import blueprint as status
from slo.web.api.system import blueprint as system

API = (
    slos,
    numbers,
    definitions,
    services,
    openapi,
    action_items,
    access,
    alerts,
    annotations,
    gate,
    exclusions,
    incidents,
    notifications,
    postmortems,
    reports,
    sessions,
    silences,
    status,
    system,
)
