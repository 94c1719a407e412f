"""The page System: how the service itself does, and what is in force of slo.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import NotFound

from slo.store import receivers
from slo.store.engine import reading, writing
from slo.system import describe
from slo.web import format as fmt
from slo.web.banner import every, file_name
from slo.web.heading import cycle_line
from slo.web.identity import who
from slo.web.moment import moment
from slo.web.pages.system import view
from slo.web.pages.system.attention import MOST_FAULTS, all_clear, attention
from slo.web.permission import needs
from slo.web.site import current_site

if TYPE_CHECKING:
    from flask import Response

blueprint = Blueprint("system_pages", __name__)

_MOST_WARNINGS = 20


@blueprint.get("/system")
@needs("read")
def show_system() -> str:
    """Cycles, sources, receivers, what nobody got, the store, and slo.yaml."""
    site = current_site()
    now = site.clock()
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
        system = describe(session, site.loaded, site.sources, site.started_at, now)
    settings = system.settings
    return render_template(
        "system.html",
        cycle=cycle,
        system=system,
        up=fmt.span(now - system.started_at),
        attention=attention(system, every(site)),
        well=all_clear(system),
        most_faults=MOST_FAULTS,
        tiles=view.tiles(system),
        charts=view.charts(system),
        cycles=view.cycle_rows(system.cycles, now),
        sources=[view.source_row(one, now) for one in system.sources],
        receivers=[view.receiver_row(one, now) for one in system.receivers],
        letters=[view.letter_row(one, now) for one in system.outbox.letters],
        store=view.store_pairs(system),
        tables=view.table_rows(system),
        differing=[
            {"slo": one.slo.partition("/")[::2], "day": fmt.day(one.day), "text": one.text}
            for one in system.differing
        ],
        file=file_name(site),
        loaded=moment(system.config.loaded_at, now),
        tried=moment(system.config.tried_at, now),
        services=len({slo.service for slo in settings.slos}),
        warnings=settings.warnings[:_MOST_WARNINGS],
        more_warnings=max(0, len(settings.warnings) - _MOST_WARNINGS),
    )


@blueprint.get("/system/configuration")
@needs("admin")
def show_configuration() -> str:
    """slo.yaml as it is in force, with what is secret hidden."""
    site = current_site()
    state, settings, now = site.loaded.state, site.settings, site.clock()
    with reading(site.engine) as session:
        cycle = cycle_line(session, now)
    return render_template(
        "configuration.html",
        cycle=cycle,
        file=file_name(site),
        loaded=moment(state.loaded_at, now),
        text=state.text,
        file_known=bool(state.file),
        warnings=settings.warnings,
        defaults=settings.defaults,
    )


@blueprint.post("/system/receivers/<name>/resume")
@needs("write")
def resume_receiver(name: str) -> Response:
    """End a receiver's pause; then the page again."""
    site = current_site()
    if name not in {receiver.name for receiver in site.settings.receivers}:
        raise NotFound
    with writing(site.engine) as session:
        receivers.resume(session, name, site.clock(), who(request.form.get("who"), "page"))
    return cast("Response", redirect("/system#receivers", 303))
