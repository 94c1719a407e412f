"""Users, tokens and browsers that are logged in, for tests of who may do what."""

from __future__ import annotations

import re

from slo.access import logins, tokens, users
from slo.access.logins import Caller
from slo.config.settings import Settings, SiteSettings
from slo.loaded import Loaded
from slo.store import audit
from slo.store import users as kept
from slo.store.engine import reading, writing

PASSWORD = "correct horse battery"
HASHED = users.new_password("nobody", PASSWORD)
"""Hashed once: it takes long on purpose."""
OWN = {"Sec-Fetch-Site": "same-origin"}


def add_user(engine, name="ada", role="admin", now=0, **more):
    """A user with the password `PASSWORD`."""
    with writing(engine) as session:
        options = {"password": HASHED, **more}
        return users.add_user(session, name, role, who="tests", now=now, **options)


def add_token(engine, scope="read", now=0, **more):
    """The text of a token."""
    with writing(engine) as session:
        return tokens.add_token(session, scope, scope, who="tests", now=now, **more)[1]


def begin(engine, name, now):
    """The id of a new session of a user, as after a login."""
    with writing(engine) as session:
        user = kept.named(session, name)
        return logins.begin_session(session, user, Caller("127.0.0.1", "tests"), now, how="tests")


def logged_in(client, engine, name, now):
    """The client, which is logged in then."""
    client.set_cookie("session", begin(engine, name, now))
    return client


def field_of(page):
    """The token against CSRF in the first form of a page."""
    return re.search(r'name="csrf" value="(\w+)"', page)[1]


def log_in(client, name="ada", password=PASSWORD, to="/", **more):
    """What the login page answers to a name and a password."""
    page = client.get("/login", **more)
    form = {"name": name, "password": password, "next": to, "csrf": field_of(page.text)}
    return client.post("/login", data=form, **more)


def bearer(text):
    """The header of a token."""
    return {"Authorization": f"Bearer {text}"}


def site_of(url="", **site):
    """`Loaded` settings with that `site:`."""
    return Loaded(Settings((), (), url=url, site=SiteSettings(**site)))


def audited(engine, action):
    """The entries of the audit of one action, newest first."""
    with reading(engine) as session:
        return [e for e in audit.of(session) if e.action == action]
