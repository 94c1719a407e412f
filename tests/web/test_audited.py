"""Every change that pages and the API offer is in the audit: by whom, of what, before and since."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

import pytest

from slo.access import logins, tokens
from slo.store import audit, outbox, postmortems, receivers, sessions
from slo.store.engine import open_engine, reading, writing
from slo.web import app as _app  # noqa: F401 -- declares all operations.
from slo.web.api.operation import OPERATIONS, PREFIX
from slo.web.app import create_app
from slo.web.csrf import field_for
from tests.support import rich
from tests.support.logins import PASSWORD, add_user, audited, bearer, begin, field_of, log_in

SCOPE = "fraud-model/availability"
SILENCE = {"scope": "ranker/*", "until": "2h", "why": "a move"}
GATE = {"scope": SCOPE, "until": "2h", "why": "a fix"}
SPAN = {"from": "2026-11-20T20:00:00Z", "to": "2026-11-20T20:10:00Z"}
EXCLUSION = {"scope": "ranker/*", "category": "maintenance", "why": "a move"}
RULE = {"rrule": "FREQ=WEEKLY", "start": "2026-11-20T03:00", "for": "1h", "zone": "UTC"}
MARK = {"kind": "deploy", "scope": "fraud-model", "title": "v3"}
KEEPS_NOTHING = {
    "preview": "shows how a text would look",
    "editor_pages.preview_postmortem": "shows how a text would look",
    "login_pages.log_out": "ends one's own session, as its end by time does",
}
"""What is asked for by POST and yet changes nothing that others would ask about."""
CHANGES = {
    # Operation: action, path, body; `{...}` in a path is found or made in `Town`.
    "add_user": ("user-add", "/users", {"name": "eve", "role": "viewer", "password": PASSWORD}),
    "change_user": ("user-role", "/users/bo", {"role": "editor"}),
    "remove_user": ("user-remove", "/users/bo", None),
    "revoke_sessions": ("sessions-revoke", "/users/bo/revoke", None),
    "end_session": ("sessions-revoke", "/sessions/{session}", None),
    "add_token": ("token-add", "/tokens", {"name": "ci", "scope": "gate"}),
    "revoke_token": ("token-revoke", "/tokens/{token}", None),
    "save_postmortem": (
        "postmortem-save",
        "/postmortems/{resolved}",
        {"title": "A", "body": "B", "version": "{version}"},
    ),
    "set_status": (
        "postmortem-status",
        "/postmortems/{resolved}/status",
        {"status": "review", "version": "{version}"},
    ),
    "add_item": ("action-item-add", "/postmortems/{resolved}/items", {"text": "Test."}),
    "change_item": (
        "action-item-change",
        "/action-items/{item}",
        {"owner": "eve", "version": "{item_version}"},
    ),
    "add_annotation": ("annotate", "/annotations", MARK),
    "remove_annotation": ("unannotate", "/annotations/{annotation}", None),
    "add_exclusion": ("exclude", "/exclusions", {**EXCLUSION, **SPAN}),
    "remove_exclusion": ("include", "/exclusions/{exclusion}/remove", {"why": "a mistake"}),
    "remove_schedule": (
        "include-recurring",
        "/exclusions/{schedule}/remove",
        {"why": "over"},
    ),
    "open_gate": ("open-gate", "/gate-overrides", GATE),
    "release_gate": ("release-gate", "/gate-overrides/{gate}/end", {"why": "it is out"}),
    "acknowledge": ("incident-acknowledge", "/incidents/{open}/acknowledge", {}),
    "assign": ("incident-assign", "/incidents/{open}/assign", {"assignee": "eve"}),
    "comment": ("incident-comment", "/incidents/{open}/comment", {"text": "Hm."}),
    "resolve": ("incident-resolve", "/incidents/{open}/resolve", {"why": "It is over."}),
    "resend_notification": ("resend", "/notifications/{dead}/resend", {}),
    "resume_receiver": ("resume", "/receivers/{paused}/resume", {}),
    "add_silence": ("silence", "/silences", SILENCE),
    "end_silence": ("unsilence", "/silences/{silence}/end", {"why": "done"}),
}
FORMS = {
    "login_pages.log_in": ("login", "/login", {"name": "ada", "password": PASSWORD}),
    "account_pages.change_password": (
        "user-password",
        "/account/password",
        {"old": PASSWORD, "new": f"{PASSWORD}!", "again": f"{PASSWORD}!"},
    ),
    "account_pages.end_session": (
        "sessions-revoke",
        "/account/sessions/{own_session}/revoke",
        {},
    ),
    "account_pages.add_token": ("token-add", "/account/tokens", {"name": "x", "scope": "read"}),
    "account_pages.revoke_token": ("token-revoke", "/account/tokens/{own_token}/revoke", {}),
    "access_pages.add_user": (
        "user-add",
        "/access/users",
        {"name": "eve", "role": "viewer", "password": PASSWORD},
    ),
    "access_pages.change_user": ("user-disable", "/access/users/bo/disable", {}),
    "access_pages.end_session": ("sessions-revoke", "/access/sessions/{session}/revoke", {}),
    "access_pages.add_token": ("token-add", "/access/tokens", {"name": "x", "scope": "read"}),
    "access_pages.revoke_token": ("token-revoke", "/access/tokens/{token}/revoke", {}),
    "incident_pages.change_incident": (
        "incident-acknowledge",
        "/incidents/{open}/acknowledge",
        {},
    ),
    "incident_pages.resend": ("resend", "/notifications/{dead}/resend", {}),
    "annotation_pages.add_annotation": ("annotate", "/annotations", MARK),
    "annotation_pages.remove_annotation": (
        "unannotate",
        "/annotations/{annotation}/remove",
        {},
    ),
    "postmortem_pages.set_status": (
        "postmortem-status",
        "/postmortems/{resolved}/status",
        {"status": "review", "version": "{version}"},
    ),
    "postmortem_pages.add_item": (
        "action-item-add",
        "/postmortems/{resolved}/items",
        {"text": "Test."},
    ),
    "postmortem_pages.change_item": (
        "action-item-change",
        "/postmortems/{resolved}/items/{item}",
        {"owner": "eve", "version": "{item_version}"},
    ),
    "postmortem_pages.tick_item": (
        "action-item-change",
        "/postmortems/{resolved}/items/{item}/done",
        {"version": "{item_version}"},
    ),
    "editor_pages.save_postmortem": (
        "postmortem-save",
        "/postmortems/{resolved}/edit",
        {"title": "A", "body": "B", "version": "{version}"},
    ),
    "system_pages.resume_receiver": ("resume", "/system/receivers/{paused}/resume", {}),
    "silence_pages.add_silence": (
        "silence",
        "/silences",
        {"scope": "ranker/*", "for": "2h", "why": "a move"},
    ),
    "silence_pages.end_silence": ("unsilence", "/silences/{silence}/end", {"why": "done"}),
}
"""The forms of pages, by their endpoints."""
SAYS_BOTH = {
    "user-role",
    "user-disable",
    "incident-acknowledge",
    "incident-assign",
    "incident-resolve",
    "action-item-change",
    "postmortem-status",
    "unsilence",
    "resume",
    "resend",
}
"""What changes something that was there, so that both values are told."""


@dataclass
class Town:
    """A copy of the full store, who asks, and how to find what a change is about."""

    engine: object
    app: object
    made: rich.Rich
    session: str
    now: int

    def client(self):
        client = self.app.test_client()
        client.set_cookie("session", self.session)
        return client

    def api(self, method, path, body, headers=None):
        headers = {"Sec-Fetch-Site": "same-origin", **(headers or {})}
        return self.client().open(f"{PREFIX}{path}", method=method, json=body, headers=headers)

    def made_by_api(self, path, body):
        answer = self.api("POST", path, body)
        assert answer.status_code == 201, answer.text
        return answer.json

    def filled(self, text):
        head, brace, rest = text.partition("{")
        if not brace:
            return text
        name, _, tail = rest.partition("}")
        return f"{head}{FOUND[name](self)}{self.filled(tail)}"


def item_of(town):
    return town.api("GET", "/action-items", None).json["items"][0]


def token_of(town, owner=None):
    return town.made_by_api("/tokens", {"name": "x", "scope": "read", "user": owner})["id"]


def session_of(town, name):
    return logins.digest(begin(town.engine, name, town.now))[: sessions.PUBLIC_LENGTH]


def version_of(town):
    with reading(town.engine) as session:
        return postmortems.one(session, town.made.resolved).about.version


def dead_of(town):
    with reading(town.engine) as session:
        return outbox.dead_ids(session)[0]


def paused(town):
    with writing(town.engine) as session:
        health = receivers.lock(session, "hook", town.now, wait=True)
        stopped = replace(health, paused_at=town.now, paused_why="answered 401")
        receivers.put(session, health, stopped)
    return "hook"


FOUND = {
    "resolved": lambda town: town.made.resolved,
    "open": lambda town: town.made.open,
    "token": token_of,
    "own_token": lambda town: token_of(town, "ada"),
    "session": lambda town: session_of(town, "bo"),
    "own_session": lambda town: session_of(town, "ada"),
    "item": lambda town: item_of(town)["id"],
    "item_version": lambda town: item_of(town)["version"],
    "version": version_of,
    "dead": dead_of,
    "paused": paused,
    "annotation": lambda town: town.made_by_api("/annotations", MARK)["id"],
    "silence": lambda town: town.made_by_api("/silences", SILENCE)["id"],
    "gate": lambda town: town.made_by_api("/gate-overrides", GATE)["id"],
    "exclusion": lambda town: town.made_by_api("/exclusions", {**EXCLUSION, **SPAN})["id"],
    "schedule": lambda town: town.made_by_api("/exclusions", {**EXCLUSION, **RULE})["id"],
}
"""What the `{...}` of paths and bodies stand for; found, or made for it."""


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with something of everything, among it an admin and a viewer."""
    path = tmp_path_factory.mktemp("audited") / "slo.db"
    made = rich.make(path)
    add_user(made.feed.engine, "ada", "admin")
    add_user(made.feed.engine, "bo", "viewer")
    session = begin(made.feed.engine, "ada", int(made.now))
    begin(made.feed.engine, "bo", int(made.now))
    made.feed.engine.dispose()
    return path, made, session


@pytest.fixture
def town(full, tmp_path):
    path, made, session = full
    shutil.copy(path, tmp_path / "slo.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'slo.db'}")
    app = create_app(engine, loaded=made.loaded, clock=lambda: made.now)
    yield Town(engine, app, made, session, int(made.now))
    engine.dispose()


def newest(engine):
    with reading(engine) as session:
        return max((entry.id for entry in audit.of(session)), default=0)


def entries_since(engine, number):
    with reading(engine) as session:
        return [entry for entry in audit.of(session) if entry.id > number]


def ensure_told(entries, action):
    """One entry of the action, by the one who asked, with all that it has to tell."""
    found = [entry for entry in entries if entry.action == action]
    assert found, [entry.action for entry in entries]
    (entry,) = found
    assert entry.who == "ada"
    assert entry.subject
    if action in SAYS_BOTH:
        assert entry.old
        assert entry.new
        assert entry.old != entry.new
    assert entry.old or entry.new or entry.detail or action == "user-password"
    assert PASSWORD not in str(entry)


def changing_forms(app):
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and not rule.rule.startswith("/api/")
    }


def test_no_change_is_forgotten_here(town):
    assert {one.id for one in OPERATIONS if one.method != "GET"} == {
        *CHANGES,
        *(name for name in KEEPS_NOTHING if "." not in name),
    }
    assert changing_forms(town.app) == {
        *FORMS,
        *(name for name in KEEPS_NOTHING if "." in name),
    }


def change_by_api(town, name, headers=None):
    """Does what `CHANGES` says, and gives what the audit tells of it."""
    action, path, body = CHANGES[name]
    (operation,) = [one for one in OPERATIONS if one.id == name]
    path = town.filled(path)
    if body is not None:
        body = {
            key: int(town.filled(value)) if str(value).startswith("{") else value
            for key, value in body.items()
        }
    before = newest(town.engine)
    answer = town.api(operation.method, path, body, headers)
    assert answer.status_code == operation.status, answer.text
    return entries_since(town.engine, before), action


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_the_api_is_audited(town, name):
    ensure_told(*change_by_api(town, name))


@pytest.mark.parametrize("endpoint", [name for name in FORMS if name != "login_pages.log_in"])
def test_a_change_by_a_form_is_audited(town, endpoint):
    action, path, form = FORMS[endpoint]
    path = town.filled(path)
    form = {key: town.filled(value) for key, value in form.items()}
    form["csrf"] = field_of(str(field_for(town.session)))
    before = newest(town.engine)
    answer = town.client().post(path, data=form)
    assert answer.status_code in {200, 303}, answer.text
    ensure_told(entries_since(town.engine, before), action)


def test_a_login_is_audited(town):
    before = newest(town.engine)
    assert log_in(town.app.test_client()).status_code == 303
    ensure_told(entries_since(town.engine, before), "login")


def test_what_is_not_audited_changes_nothing(town):
    body = {"title": "A", "body": "B", "csrf": field_of(str(field_for(town.session)))}
    before = newest(town.engine)
    number = town.made.resolved
    assert town.client().post(f"/postmortems/{number}/preview", data=body).status_code == 200
    answer = town.api("POST", f"/postmortems/{number}/preview", {"body": "B"})
    assert answer.status_code == 200
    with reading(town.engine) as session:
        assert postmortems.one(session, number).about.title != "A"
    assert newest(town.engine) == before


def test_a_change_by_a_token_names_it(town):
    with writing(town.engine) as session:
        _, text = tokens.add_token(session, "ci", "write", who="tests", now=town.now)
    headers = {"Authorization": f"Bearer {text}"}
    answer = town.app.test_client().post(f"{PREFIX}/silences", json=SILENCE, headers=headers)
    assert answer.status_code == 201
    assert audited(town.engine, "silence")[0].who == "token ci"


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_a_token_is_audited_by_its_name_and_its_owners_however_long_both_are(
    town, name
):
    owner = add_user(town.engine, "x" * 100, "admin")
    with writing(town.engine) as session:
        _, text = tokens.add_token(
            session, "y" * 100, "admin", who="tests", now=town.now, owner=owner
        )
    entries, action = change_by_api(town, name, bearer(text))
    found = [entry for entry in entries if entry.action == action]
    assert [entry.who for entry in found] == [f"{'x' * 100} (token {'y' * 100})"]
