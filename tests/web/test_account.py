"""The pages of one's account, of access and of the audit."""

from __future__ import annotations

import re

import pytest
from markupsafe import escape

from slo.config import parse
from slo.domain.token import token_id
from slo.store import audit, sessions, tokens
from slo.store import users as kept
from slo.store.engine import reading, writing
from slo.web.app import create_app
from tests.support.logins import (
    PASSWORD,
    add_token,
    add_user,
    audited,
    bearer,
    field_of,
    log_in,
    logged_in,
    site_of,
)
from tests.web.world import NOW

NEW = "a new and longer one"


@pytest.fixture
def app(engine):
    add_user(engine)
    add_user(engine, "bo", "viewer")
    return create_app(engine, clock=lambda: NOW, loaded=site_of())


@pytest.fixture
def ada(app, engine):
    return logged_in(app.test_client(), engine, "ada", NOW)


@pytest.fixture
def bo(app, engine):
    return logged_in(app.test_client(), engine, "bo", NOW)


def post(client, path, **form):
    return client.post(path, data={"csrf": field_of(client.get("/account").text), **form})


def users_of(engine):
    with reading(engine) as session:
        return {u.name: u for u in kept.all_users(session)}


def made_in(page):
    return re.search(r"slo_[0-9a-f]{12}_\w+", page)[0]


def test_one_sees_where_one_is_logged_in_and_ends_it(app, engine, ada):
    other = logged_in(app.test_client(), engine, "ada", NOW)
    page = ada.get("/account").text
    assert page.count("this one") == 1
    (ended,) = re.findall(r"/account/sessions/([0-9a-f]+)/revoke", page)
    assert post(ada, f"/account/sessions/{ended}/revoke").status_code == 303
    assert other.get("/account").status_code == 303
    assert ada.get("/account").status_code == 200


def test_one_logs_out_everywhere_else(app, engine, ada):
    others = [logged_in(app.test_client(), engine, "ada", NOW) for _ in range(3)]
    post(ada, "/account/sessions/others/revoke")
    assert [c.get("/account").status_code for c in (ada, *others)] == [200, 303, 303, 303]
    assert audited(engine, "sessions-revoke")[0].detail == {"sessions": 3}


def test_nobody_ends_the_session_of_another(engine, ada, bo):
    with reading(engine) as session:
        mine = next(s for s in sessions.running(session, NOW) if s.name == "ada")
    post(bo, f"/account/sessions/{mine.public_id}/revoke")
    assert ada.get("/account").status_code == 200


def test_a_new_password_ends_all_sessions_but_goes_on_here(app, engine, ada):
    other = logged_in(app.test_client(), engine, "ada", NOW)
    before = ada.get_cookie("session").value
    answer = post(ada, "/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert answer.status_code == 303
    assert ada.get_cookie("session").value != before
    assert ada.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    fresh = app.test_client()
    assert log_in(fresh).status_code == 403
    assert log_in(fresh, password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "told"),
    [
        ("wrong", NEW, NEW, "the old password is wrong"),
        (PASSWORD, NEW, f"{NEW}!", "not twice the same"),
        (PASSWORD, "short", "short", "at least 12"),
        (PASSWORD, "adaadaadaada", "adaadaadaada", "must not be the name"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "the same few letters"),
    ],
)
def test_a_password_changes_only_as_it_should(app, ada, old, new, again, told):
    answer = post(ada, "/account/password", old=old, new=new, again=again)
    assert answer.status_code == 400
    assert told in answer.text
    assert new not in answer.text
    assert log_in(app.test_client()).status_code == 303


def test_guessing_the_old_password_is_slowed_too(ada):
    answers = [
        post(ada, "/account/password", old=f"guess {n}", new=NEW, again=NEW).status_code
        for n in range(6)
    ]
    assert answers == [400] * 5 + [429]


def test_a_token_is_shown_once_and_works(app, engine, ada):
    answer = post(ada, "/account/tokens", name="laptop", scope="read", days="30")
    text = made_in(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    page = ada.get("/account").text
    assert text not in page
    assert "laptop" in page
    program = app.test_client()
    assert program.get("/api/v1/slos", headers=bearer(text)).status_code == 200
    assert program.get("/api/v1/users", headers=bearer(text)).status_code == 403
    assert post(ada, f"/account/tokens/{token_id(text)}/revoke").status_code == 303
    assert program.get("/api/v1/slos", headers=bearer(text)).status_code == 401
    with reading(engine) as session:
        assert text not in str(session.execute(tokens._t.select()).all())


def token_form(page):
    """What the form of a token on the page holds, hidden fields among it."""
    once = re.search(r'name="once" value="(\w+)"', page)[1]
    return {"csrf": field_of(page), "once": once, "name": "x", "scope": "read"}


def tokens_of(engine):
    with reading(engine) as session:
        return tokens.all_tokens(session)


@pytest.mark.parametrize("page", ["/account", "/access"])
def test_a_reload_makes_no_second_token(engine, ada, page):
    form = token_form(ada.get(page).text)
    first = ada.post(f"{page}/tokens", data=form)
    text = made_in(first.text)
    # Another process serves the same store, and does not know what this one did.
    other = create_app(engine, clock=lambda: NOW + 9, loaded=site_of()).test_client()
    other.set_cookie("session", ada.get_cookie("session").value)
    for client in (ada, other):
        again = client.post(f"{page}/tokens", data=form)
        assert again.status_code == 409
        assert "was made before, and its text is shown once only" in again.text
        assert text not in again.text
    assert [t.id for t in tokens_of(engine)] == [token_id(text)]
    assert len(audited(engine, "token-add")) == 1
    # The page that was answered makes another one, and a revoked one is not made again.
    post(ada, f"{page}/tokens/{token_id(text)}/revoke")
    assert ada.post(f"{page}/tokens", data=form).status_code == 409
    assert token_id(made_in(ada.post(f"{page}/tokens", data=token_form(first.text)).text))
    assert len(tokens_of(engine)) == 1


def test_a_form_that_was_refused_makes_its_token_when_it_is_right(engine, ada):
    form = token_form(ada.get("/account").text)
    refused = ada.post("/account/tokens", data=form | {"name": " "})
    assert "What it is for: says what" in refused.text
    assert ada.post("/account/tokens", data=form).status_code == 200
    assert len(tokens_of(engine)) == 1


def test_the_same_key_of_two_users_makes_two_tokens(engine, ada, bo):
    for client in (ada, bo):
        form = token_form(client.get("/account").text) | {"once": "same"}
        assert client.post("/account/tokens", data=form).status_code == 200
    assert len(tokens_of(engine)) == 2


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/access/users", "/access"),
        ("/access/users/bo/role", "/access"),
        ("/access/sessions/x/revoke", "/access"),
        ("/access/tokens", "/access"),
        ("/access/tokens/x/revoke", "/access"),
        ("/account/password", "/account"),
        ("/account/sessions/x/revoke", "/account"),
        ("/account/tokens", "/account"),
        ("/account/tokens/x/revoke", "/account"),
    ],
)
def test_the_address_of_the_answer_to_a_form_leads_to_its_page(ada, path, page):
    answer = ada.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, page)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "x", "scope": "write"}, "more than the role viewer may do"),
        ({"name": "x", "scope": "everything"}, "is no scope"),
        ({"name": " ", "scope": "read"}, "says what it is for"),
        ({"name": "x", "scope": "read", "days": "0"}, "must lie from 1"),
        ({"name": "x", "scope": "read", "days": "1e3"}, "no number of days"),
    ],
)
def test_a_token_that_cannot_be_is_refused(bo, form, told):
    answer = post(bo, "/account/tokens", **form)
    assert answer.status_code == 400
    assert told in answer.text


def test_nobody_revokes_the_token_of_another(engine, app, bo):
    text = add_token(engine, "read", NOW)
    assert post(bo, f"/account/tokens/{token_id(text)}/revoke").status_code == 404
    assert app.test_client().get("/", headers=bearer(text)).status_code == 200


def test_the_token_of_somebody_rests_while_they_are_disabled(app, ada, bo):
    text = made_in(post(bo, "/account/tokens", name="x", scope="read").text)
    program = app.test_client()
    post(ada, "/access/users/bo/disable")
    assert program.get("/", headers=bearer(text)).status_code == 401
    post(ada, "/access/users/bo/enable")
    assert program.get("/", headers=bearer(text)).status_code == 200
    post(ada, "/access/users/bo/remove")
    assert program.get("/", headers=bearer(text)).status_code == 401


def test_an_admin_adds_a_user_who_logs_in(app, engine, ada):
    answer = post(ada, "/access/users", name="Eve", role="editor", password=PASSWORD)
    assert answer.status_code == 303
    assert users_of(engine)["eve"].role == "editor"
    assert log_in(app.test_client(), "eve").status_code == 303
    added = next(e for e in audited(engine, "user-add") if e.subject == "user/eve")
    assert (added.who, added.old, added.new) == (
        "ada",
        None,
        {"role": "editor", "login": "password"},
    )


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "bo", "role": "viewer", "password": PASSWORD}, "there is a user bo already"),
        ({"name": "BO", "role": "viewer", "password": PASSWORD}, "there is a user bo already"),
        ({"name": "slo.yaml", "role": "viewer", "password": PASSWORD}, "choose another"),
        ({"name": "a b", "role": "viewer", "password": PASSWORD}, "letters, digits"),
        ({"name": "eve", "role": "owner", "password": PASSWORD}, "is no role"),
        ({"name": "eve", "role": "viewer", "password": "short"}, "at least 12"),
    ],
)
def test_a_user_that_cannot_be_is_refused(engine, ada, form, told):
    answer = post(ada, "/access/users", **form)
    assert answer.status_code == 400
    assert told in answer.text
    assert f'name="name" value="{form["name"]}"' in answer.text
    assert PASSWORD not in answer.text
    assert set(users_of(engine)) == {"ada", "bo"}


def test_another_role_ends_the_sessions_of_before(engine, ada, bo):
    assert bo.get("/").status_code == 200
    post(ada, "/access/users/bo/role", role="editor")
    assert bo.get("/").status_code == 303
    (entry,) = audited(engine, "user-role")
    assert (entry.who, entry.old, entry.new) == ("ada", {"role": "viewer"}, {"role": "editor"})


@pytest.mark.parametrize(
    ("action", "form"), [("role", {"role": "viewer"}), ("disable", {}), ("remove", {})]
)
def test_the_last_admin_stays(engine, ada, action, form):
    answer = post(ada, f"/access/users/ada/{action}", **form)
    assert answer.status_code == 400
    assert "ada is the last admin" in answer.text
    assert users_of(engine)["ada"].role == "admin"
    post(ada, "/access/users/bo/role", role="admin")
    assert post(ada, f"/access/users/ada/{action}", **form).status_code == 303


def test_a_disabled_admin_is_no_other_admin(ada):
    post(ada, "/access/users/bo/role", role="admin")
    post(ada, "/access/users/bo/disable")
    assert post(ada, "/access/users/ada/remove").status_code == 400


def test_an_admin_sets_a_password_and_logs_somebody_out(app, ada, bo):
    post(ada, "/access/users/bo/password", password=NEW)
    assert bo.get("/").status_code == 303
    again = app.test_client()
    assert log_in(again, "bo", NEW).status_code == 303
    post(ada, "/access/users/bo/revoke")
    assert again.get("/").status_code == 303


def test_an_admin_ends_one_session(ada, bo):
    page = ada.get("/access").text
    (ended,) = re.findall(r"/access/sessions/([0-9a-f]+)/revoke", page)
    post(ada, f"/access/sessions/{ended}/revoke")
    assert bo.get("/").status_code == 303


def test_an_admin_makes_a_token_for_a_service(app, ada):
    text = made_in(post(ada, "/access/tokens", name="scraper", scope="metrics", days="never").text)
    program = app.test_client()
    assert program.get("/metrics", headers=bearer(text)).status_code == 200
    assert program.get("/", headers=bearer(text)).status_code == 403
    assert post(ada, f"/access/tokens/{token_id(text)}/revoke").status_code == 303
    assert program.get("/metrics", headers=bearer(text)).status_code == 401


def test_an_unknown_user_or_action_is_told(ada):
    assert "there is no user" in post(ada, "/access/users/nobody/remove").text
    assert post(ada, "/access/users/bo/promote").status_code == 404


def test_only_admins_see_access_and_audit(bo):
    for path in ("/access", "/audit"):
        answer = bo.get(path)
        assert answer.status_code == 403
        assert "Your role does not let you administer this." in answer.text
    assert 'href="/audit"' not in bo.get("/account").text


def test_what_people_typed_is_shown_as_text(engine, ada):
    evil = "<script>alert(1)</script>"
    post(ada, "/account/tokens", name=evil, scope="read")
    with writing(engine) as session:
        audit.add(session, NOW, evil, evil, evil, {evil: evil}, old={"a": evil}, new={"a": "b"})
    for path in ("/account", "/access", "/audit"):
        answer = ada.get(path)
        assert answer.status_code == 200
        assert str(escape(evil)) in answer.text, path
        assert evil not in answer.text, path


def test_the_audit_shows_what_was_and_what_is(ada):
    post(ada, "/access/users/bo/role", role="editor")
    page = ada.get("/audit?action=user-role").text
    assert "<del>viewer</del>" in page
    assert "<ins>editor</ins>" in page
    assert "user/bo" in page


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("who=mia", [3, 1]),
        ("action=silence", [2, 1]),
        ("subject=shop/", [3, 2, 1]),
        ("subject=shop/b", [2]),
        ("subject=%25", []),
        ("from=1h", [3]),
        ("to=1h", [2, 1]),
        ("who=mia&to=1h", [1]),
        ("before=2&subject=shop", [1]),
    ],
)
def test_the_audit_is_narrowed(engine, ada, query, ids):
    with writing(engine) as session:
        session.execute(audit._a.delete())
        audit.add(session, NOW - 7200, "mia", "silence", "shop/a", {})
        audit.add(session, NOW - 7100, "noa", "silence", "shop/b", {})
        audit.add(session, NOW - 60, "mia", "exclude", "shop/*", {})
        first = min(e.id for e in audit.of(session))
    query = query.replace("before=2", f"before={first + 1}")
    page = ada.get(f"/audit?{query}").text
    assert [int(n) - first + 1 for n in re.findall(r'id="entry-(\d+)"', page)] == ids


def test_the_audit_goes_on_where_the_page_ends(engine, ada):
    with writing(engine) as session:
        for n in range(120):
            audit.add(session, NOW, "mia", "do", f"shop/{n}", {})
    seen, url = [], "/audit?who=mia"
    while url:
        page = ada.get(url).text
        seen += re.findall(r"shop/(\d+)", page)
        found = re.search(r'href="(/audit\?[^"]+)" rel="next"', page)
        url = found and found[1].replace("&amp;", "&")
    assert seen == [str(n) for n in reversed(range(120))]


def test_a_time_that_cannot_be_read_is_told(ada):
    answer = ada.get("/audit?from=yesterday")
    assert answer.status_code == 400
    assert "is not a time" in answer.text


def test_the_audit_leads_to_what_an_entry_is_about(engine, ada):
    subjects = {
        "fraud/availability": "/slo/fraud/availability",
        "fraud": "/service/fraud",
        "fraud/*": "/service/fraud",
        "gone/availability": None,
        "*": None,
        "user/bo": "/access",
        "incident/7": "/incidents/7",
        "receiver/pager": "/system#receivers",
        "slo.yaml": "/system/configuration",
    }
    slices = "{objective: 99%, slices: {query: m, at_least: 0}}"
    yaml = f"services: {{fraud: {{slos: {{availability: {slices}}}}}}}"
    ada.application.extensions["slo"].loaded.put(parse(yaml, "slo.yaml", {}), NOW)
    with writing(engine) as session:
        session.execute(audit._a.delete())
        for subject in subjects:
            audit.add(session, NOW, "mia", "do", subject, {})
    page = ada.get("/audit").text
    for subject, link in subjects.items():
        assert (f">{subject}</a>" in page) == (link is not None), subject
        assert link is None or f'<a href="{link}">{subject}</a>' in page
