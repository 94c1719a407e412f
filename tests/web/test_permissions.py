"""Who may do what: every route, held against everybody who may ask for it."""

from __future__ import annotations

import pytest
from flask import Response
from werkzeug.routing import AnyConverter, IntegerConverter

from slo.access import users
from slo.domain.access import OPEN, PERMISSIONS, ROLES, SCOPES, Identity
from slo.store.engine import writing
from slo.web.app import create_app
from slo.web.csrf import field_for
from slo.web.permission import needs, permission_of
from tests.support.logins import (
    OWN,
    add_token,
    add_user,
    bearer,
    begin,
    field_of,
    site_of,
)
from tests.support.stores import empty_store
from tests.web.world import NOW

MAY = {
    "anonymous": "public",
    "viewer": "public status metrics read gate user",
    "editor": "public status metrics read gate user annotate write",
    "admin": "public status metrics read gate user annotate write admin",
    "token metrics": "public metrics",
    "token gate": "public gate",
    "token annotate": "public annotate",
    "token read": "public status metrics read gate",
    "token write": "public status metrics read gate annotate write",
    "token admin": "public status metrics read gate annotate write admin",
    "token of a viewer, admin": "public status metrics read gate",
    "token that is wrong": "public",
}
"""What each may; written down here a second time, so that a slip in the code is seen."""
FREE = {"login_pages.log_in", "login_pages.log_out"}
"""What changes something and yet asks for nothing: it lets people in and out."""


def rules_of(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule, method


def url_of(rule):
    values = {name: example(converter) for name, converter in rule._converters.items()}
    return rule.build(values)[1]


def example(converter):
    match converter:
        case IntegerConverter():
            return 1
        case AnyConverter():
            return min(converter.items)
        case _:
            return "x"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """An app whose views only say that they were reached, and how each identity asks."""
    engine = empty_store(tmp_path_factory.mktemp("town") / "slo.db")
    app = create_app(engine, clock=lambda: NOW, loaded=site_of())
    for endpoint, view in list(app.view_functions.items()):
        permission = permission_of(view)
        if permission is not None:
            app.view_functions[endpoint] = needs(permission)(
                lambda **_: Response("reached", mimetype="text/plain")
            )
    ways = {"anonymous": {}, "token that is wrong": bearer("slo_0_0_0")}
    for scope in SCOPES:
        ways[f"token {scope}"] = bearer(add_token(engine, scope, NOW))
    sessions = {}
    for role in ROLES:
        add_user(engine, role, role)
        sessions[role] = begin(engine, role, NOW)
    # Made while its owner was an admin still.
    ways["token of a viewer, admin"] = bearer(demoted(engine))
    yield app, ways, sessions
    engine.dispose()


def demoted(engine):
    owner = add_user(engine, "once", "admin")
    text = add_token(engine, "admin", NOW, owner=owner)
    with writing(engine) as session:
        users.set_role(session, "once", "viewer", who="tests", now=0)
    return text


def ask(town, who, rule, method):
    app, ways, sessions = town
    client = app.test_client()
    headers, data = dict(ways.get(who, {})), None
    if who in sessions:
        client.set_cookie("session", sessions[who])
        headers |= OWN
        if method != "GET" and not rule.rule.startswith("/api/"):
            data = {"csrf": field_of(str(field_for(sessions[who])))}
    return client.open(url_of(rule), method=method, headers=headers, data=data)


def test_the_table_knows_every_role_scope_and_permission():
    assert {word for words in MAY.values() for word in words.split()} == set(PERMISSIONS)
    assert set(MAY) > {*ROLES, *(f"token {scope}" for scope in SCOPES)}
    assert OPEN.permissions == set(PERMISSIONS) - {"user"}


def test_every_route_says_what_it_asks_for(town):
    app, *_ = town
    silent = {
        rule.endpoint
        for rule, _ in rules_of(app)
        if permission_of(app.view_functions[rule.endpoint]) not in PERMISSIONS
    }
    assert silent == set()


def test_what_changes_something_asks_for_more_than_to_read(town):
    app, *_ = town
    open_doors = {
        rule.endpoint
        for rule, method in rules_of(app)
        if method != "GET"
        and permission_of(app.view_functions[rule.endpoint])
        not in {"annotate", "write", "user", "admin"}
    }
    assert open_doors == FREE


@pytest.mark.parametrize("who", MAY)
def test_each_may_just_what_the_table_says(town, who):
    app, *_ = town
    wrong = []
    for rule, method in rules_of(app):
        permission = permission_of(app.view_functions[rule.endpoint])
        response = ask(town, who, rule, method)
        reached = response.text == "reached"
        if reached != (permission in MAY[who].split()):
            wrong.append((method, rule.rule, permission, response.status))
        elif not reached:
            wrong += refused_wrongly(response, who, rule, method)
    assert wrong == []


@pytest.mark.parametrize("who", MAY)
def test_head_asks_for_what_get_asks_for(town, who):
    app, *_ = town
    wrong = []
    for rule, method in rules_of(app):
        if method == "GET":
            response = ask(town, who, rule, "HEAD")
            may = permission_of(app.view_functions[rule.endpoint]) in MAY[who].split()
            if (response.status_code == 200) != may or response.data:
                wrong.append((rule.rule, response.status))
    assert wrong == []


@pytest.mark.parametrize("who", ["anonymous", "viewer", "token metrics", "token that is wrong"])
def test_options_reach_nothing_and_tell_nobody_unknown_of_methods(town, who):
    app, *_ = town
    wrong = []
    for rule, _ in rules_of(app):
        response = ask(town, who, rule, "OPTIONS")
        public = permission_of(app.view_functions[rule.endpoint]) == "public"
        told = response.status_code == 200 and MAY[who] == "public" and not public
        if response.data == b"reached" or told:
            wrong.append((rule.rule, response.status))
    assert wrong == []


def test_a_method_that_a_route_has_not_is_refused(town):
    app, *_ = town
    for rule, _ in rules_of(app):
        for method in {"PUT", "TRACE"} - rule.methods:
            found = ask(town, "admin", rule, method)
            # Another rule may have both the address and the method.
            assert found.status_code in {405, 404} or found.text == "reached", (method, rule.rule)


def refused_wrongly(response, who, rule, method):
    page = rule.endpoint.partition(".")[0].endswith(("pages", "page"))
    expected = 403
    if who == "token that is wrong" or (who == "anonymous" and not page):
        expected = 401
        if not response.headers.get("WWW-Authenticate", "").startswith("Bearer"):
            return [("no WWW-Authenticate", rule.rule)]
    elif who == "anonymous" and method == "GET":
        expected = 303
        if not response.location.startswith("/login?next=%2F"):
            return [("no login", rule.rule, response.location)]
    if response.status_code != expected:
        return [(method, rule.rule, response.status, expected)]
    if rule.rule.startswith("/api/") and response.mimetype != "application/problem+json":
        return [(method, rule.rule, response.mimetype)]
    return []


def test_a_view_that_says_nothing_is_closed_to_everybody(engine):
    app = create_app(engine, clock=lambda: NOW)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    response = app.test_client().get("/forgotten")
    assert response.status_code == 403
    assert "secret" not in response.text


@pytest.mark.parametrize("part", ["status", "metrics"])
def test_what_is_public_needs_no_login(engine, part):
    add_user(engine)
    client = create_app(
        engine, clock=lambda: NOW, loaded=site_of(auth="users", public=(part,))
    ).test_client()
    assert client.get("/metrics").status_code == (200 if part == "metrics" else 401)
    assert client.get("/status").status_code == (200 if part == "status" else 303)
    assert client.get("/").status_code == 303


def test_an_identity_may_nothing_that_it_was_not_given():
    nobody = Identity("x", "user", frozenset())
    assert not any(nobody.may(permission) for permission in PERMISSIONS)
