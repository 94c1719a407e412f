"""The blueprints of all pages."""

from slo.web.pages.access.account import blueprint as access_account
from slo.web.pages.access.audit import blueprint as access_audit
from slo.web.pages.access.login import blueprint as access_login
from slo.web.pages.access.oidc import blueprint as access_oidc
from slo.web.pages.access.users import blueprint as access_users
from slo.web.pages.alerts.page import blueprint as alerts
from slo.web.pages.alerts.silences import blueprint as alerts_silences
from slo.web.pages.annotations import blueprint as annotations
from slo.web.pages.incidents.page import blueprint as incidents
from slo.web.pages.overview.page import blueprint as overview
from slo.web.pages.postmortems.editor import blueprint as postmortems_editor
from slo.web.pages.postmortems.page import blueprint as postmortems
from slo.web.pages.reports import blueprint as reports
from slo.web.pages.service.page import blueprint as service
from slo.web.pages.slo.page import blueprint as slo
from slo.web.pages.status.badges import blueprint as status_badges
from slo.web.pages.status.feed import blueprint as status_feed
from slo.web.pages.status.page import blueprint as status
from slo.web.pages.system.page import blueprint as system

PAGES = (
    overview,
    service,
    slo,
    alerts,
    alerts_silences,
    annotations,
    incidents,
    postmortems,
    postmortems_editor,
    reports,
    status,
    status_badges,
    status_feed,
    system,
    access_login,
    access_oidc,
    access_account,
    access_users,
    access_audit,
)
