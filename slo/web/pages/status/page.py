"""The status page: how the services are, for everybody."""

from __future__ import annotations

from flask import Blueprint, render_template

from slo.web.identity import current_identity
from slo.web.pages.status.days import DAYS
from slo.web.pages.status.view import PAST_DAYS
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("status_pages", __name__)


@blueprint.get("/status")
@needs("status")
def show_status() -> str:
    """Services with their last 90 days, open incidents, and those of two weeks."""
    site = current_site()
    view = site.status.view(site.engine, site.settings, site.clock())
    return render_template(
        "status.html",
        cycle=None,
        view=view,
        days=DAYS,
        past_days=PAST_DAYS,
        inside=current_identity().may("read"),
    )


def renew_status() -> None:
    """Makes the page's view anew, so that whoever asks next need not wait for it."""
    site = current_site()
    site.status.view(site.engine, site.settings, site.clock(), renew=True)
