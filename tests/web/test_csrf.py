"""The token against changes that other sites ask for: in every form, and one for each session."""

from __future__ import annotations

import re
from pathlib import Path

from slo.web.app import create_app
from slo.web.csrf import field_for
from tests.support.logins import add_user, field_of, logged_in, site_of
from tests.web.world import NOW

FORM = re.compile(r'<form\b[^>]*method="post".*?</form>', re.DOTALL | re.IGNORECASE)


def test_every_form_that_changes_something_holds_its_token(client):
    folder = Path(client.application.jinja_loader.searchpath[0])
    forms = [
        (path.name, form)
        for path in folder.rglob("*.html")
        for form in FORM.findall(path.read_text())
    ]
    assert len(forms) > 20
    assert [name for name, form in forms if "csrf" not in form] == []


def test_the_token_of_one_session_is_none_of_another(engine):
    add_user(engine)
    app = create_app(engine, clock=lambda: NOW, loaded=site_of())
    mine, theirs = (logged_in(app.test_client(), engine, "ada", NOW) for _ in range(2))
    token = field_of(theirs.get("/account").text)
    assert token != field_of(mine.get("/account").text)
    assert mine.post("/logout", data={"csrf": token}).status_code == 403
    assert mine.get("/account").status_code == 200


def test_the_token_does_not_tell_the_session():
    assert "a secret" not in field_for("a secret")


def test_an_empty_cookie_has_no_token(engine):
    add_user(engine)
    client = create_app(engine, clock=lambda: NOW, loaded=site_of()).test_client()
    form = {"name": "ada", "password": "x", "csrf": field_of(str(field_for("")))}
    assert client.post("/login", data=form).status_code == 403
    assert "is not one of ours" in client.post("/login", data=form).text
