"""Everything that the pages show and do can be had by the API: no page and no button without it."""

from __future__ import annotations

import re

import pytest

from slo.web.api.operation import OPERATIONS, PREFIX
from slo.web.app import create_app
from tests.support.stores import empty_store

CHOICE = re.compile(r"<any\([^)]*\):")
_INCIDENT, _REPORT = "show_incident", "show_report list_reports"
_POSTMORTEM, _ITEM = "show_postmortem", "show_item"
_ACCESS = "list_users list_tokens list_sessions"
DOES = {
    "/silences": "add_silence",
    "/silences/<int:number>/end": "end_silence",
    "/annotations": "add_annotation",
    "/annotations/<int:annotation_id>/remove": "remove_annotation",
    "/incidents/<int:number>/<action>": "acknowledge assign comment resolve",
    "/notifications/<int:number>/resend": "resend_notification",
    "/postmortems/<int:incident>/edit": "save_postmortem",
    "/postmortems/<int:incident>/preview": "preview",
    "/postmortems/<int:incident>/status": "set_status",
    "/postmortems/<int:incident>/items": "add_item",
    "/postmortems/<int:incident>/items/<int:number>": "change_item",
    "/postmortems/<int:incident>/items/<int:number>/<state>": "change_item",
    "/system/receivers/<name>/resume": "resume_receiver",
    "/access/users": "add_user",
    "/access/users/<name>/<action>": "change_user remove_user revoke_sessions",
    "/access/sessions/<public_id>/revoke": "end_session",
    "/access/tokens": "add_token",
    "/access/tokens/<token_id>/revoke": "revoke_token",
}
"""What a form of the pages does, and the operations that do the same."""
SHOWS = {
    "/": "list_slos list_incidents list_alerts",
    "/service/<service>": "show_service list_slos list_incidents list_annotations show_series"
    " list_exclusions list_silences",
    "/slo/<service>/<name>": "show_slo show_series list_windows list_contributors show_policy"
    " explain_slo list_revisions list_corrections list_alerts list_incidents list_exclusions"
    " list_annotations",
    "/annotations": "list_annotations",
    "/annotations/<int:annotation_id>/remove": "list_annotations",
    "/alerts": "list_alerts list_notifications",
    "/alerts.csv": "list_alerts",
    "/silences": "list_silences list_exclusions",
    "/silences/<int:number>/end": "list_silences",
    "/incidents": "list_incidents",
    "/incidents/<int:number>": f"{_INCIDENT} list_notifications show_series list_contributors",
    "/incidents/<int:number>/acknowledge": _INCIDENT,
    "/incidents/<int:number>/assign": _INCIDENT,
    "/incidents/<int:number>/comment": _INCIDENT,
    "/incidents/<int:number>/resolve": _INCIDENT,
    "/postmortems": "list_postmortems list_items",
    "/postmortems/<int:incident>": f"{_POSTMORTEM} export_markdown export_html",
    "/postmortems/<int:incident>/edit": _POSTMORTEM,
    "/postmortems/<int:incident>/versions": "show_version",
    "/postmortems/<int:incident>/status": _POSTMORTEM,
    "/postmortems/<int:incident>/items": _POSTMORTEM,
    "/postmortems/<int:incident>/items/<int:number>": _ITEM,
    "/postmortems/<int:incident>/items/<int:number>/done": _ITEM,
    "/postmortems/<int:incident>/items/<int:number>/open": _ITEM,
    "/reports": _REPORT,
    "/reports/<name>": _REPORT,
    "/reports/<name>.<kind>": _REPORT,
    "/status": "show_status",
    "/badge/<service>.svg": "show_status",
    "/badge/<service>/<name>.svg": "show_status",
    "/feed.atom": "show_status",
    "/system": "show_system list_receivers",
    "/system/configuration": "show_configuration",
    "/account": "show_identity list_tokens list_sessions",
    "/access": _ACCESS,
    "/access/users": _ACCESS,
    "/access/users/<name>/<action>": _ACCESS,
    "/access/sessions/<public_id>/revoke": _ACCESS,
    "/access/tokens": _ACCESS,
    "/access/tokens/<token_id>/revoke": _ACCESS,
    "/audit": "list_audit",
}
"""What a page shows, and the operations that give the same."""
ALONE = {
    "/login": "a program brings a token",
    "/login/oidc": "a program brings a token",
    "/login/oidc/callback": "a program brings a token",
    "/logout": "a program has no session",
    "/account/password": "a stolen token must not take the account over",
    "/account/sessions/<public_id>/revoke": "admins end sessions by the API",
    "/account/tokens": "a token must not make another one that outlives it",
    "/account/tokens/<token_id>/revoke": "admins revoke tokens by the API",
    "/healthz": "for machines itself",
    "/readyz": "for machines itself",
    "/metrics": "for machines itself",
}
"""What is for people in a browser only, or for machines already, and why."""


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """The routes beside the API and the static files, by whether they change something."""
    engine = empty_store(tmp_path_factory.mktemp("routes") / "slo.db")
    found = {"GET": set(), "POST": set()}
    for rule in create_app(engine).url_map.iter_rules():
        if not rule.rule.startswith(f"{PREFIX}/") and rule.endpoint != "static":
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                found[method].add(CHOICE.sub("<", rule.rule))
    engine.dispose()
    return found


def test_whatever_a_page_does_an_operation_does_too(rules):
    assert rules["POST"] - set(ALONE) == set(DOES)


def test_whatever_a_page_shows_operations_give_too(rules):
    assert rules["GET"] - set(ALONE) == set(SHOWS)


def test_what_stands_alone_is_there(rules):
    assert set(ALONE) <= rules["GET"] | rules["POST"]


def test_the_operations_of_pages_are_there():
    methods = {one.id: one.method for one in OPERATIONS}
    assert {name for told in (*DOES.values(), *SHOWS.values()) for name in told.split()} <= set(
        methods
    )
    assert "GET" not in {methods[name] for told in DOES.values() for name in told.split()}
