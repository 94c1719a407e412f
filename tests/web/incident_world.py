"""A shop whose availability burns, or did: what pages of alerts, incidents and postmortems show."""

from __future__ import annotations

import html
import re
import shutil
from contextlib import contextmanager

from slo.domain.access import ROLES, Identity
from slo.domain.incident import AUTO
from slo.loaded import Loaded
from slo.store import incidents, postmortems
from slo.store.engine import open_engine, writing
from slo.web.app import create_app
from tests.support.feed import START, Feed, yaml_of
from tests.support.stores import empty_store

HOOK = """receivers: {hook: {type: webhook, url: "https://hook.example/"}}
routes: {page: [hook], ticket: [hook]}
alerts: {ticket-1d: off, ticket-3d: off}
postmortems: {required_over: 5%}"""
YAML = yaml_of(more=HOOK)
UNROUTED = yaml_of(more="alerts: {ticket-1d: off, ticket-3d: off}")
HOSTILE = '<script>alert(1)</script> [x](javascript:alert(1)) "quotes"'
VIEWER = Identity("eve", "user", ROLES["viewer"])
BURNS, OVER = START + 66 * 60, START + 136 * 60
"""When the feed of each file was booked to."""


def write_files(folder):
    """The store while it burns, and once that is over; each is copied for a test."""
    path = folder / "burning.db"
    with _feed(path, START, fresh=True) as feed:
        feed.quiet(60)
        feed.run(6, bad=50)
        assert feed.at == BURNS
    shutil.copy(path, folder / "over.db")
    with _feed(folder / "over.db", BURNS) as feed:
        feed.run(70)
        assert feed.at == OVER
        assert [i.status for i in feed.incidents()] == ["resolved"]
    return folder


@contextmanager
def copy_of(files, name, folder):
    """A feed that goes on where a file ends, over a copy of it."""
    shutil.copy(files / f"{name}.db", folder / "slo.db")
    with _feed(folder / "slo.db", BURNS if name == "burning" else OVER) as feed:
        yield feed


@contextmanager
def _feed(path, at, *, fresh=False):
    engine = empty_store(path) if fresh else open_engine(f"sqlite:///{path}")
    try:
        yield Feed(engine, YAML, at)
    finally:
        engine.dispose()


def add_another(feed):
    """A second incident that is over, with a postmortem; without the cycles between."""
    with writing(feed.engine) as session:
        number = incidents.create(
            session,
            "shop/availability",
            feed.at - 120,
            {},
            title="it burns again",
            severity="page",
            started_at=feed.at - 180,
            late=False,
            status="resolved",
            resolved_at=feed.at - 60,
            resolved_by=AUTO,
        )
        postmortems.create(session, number, "Again", "Text.", "", "", feed.at)
    assert number == 2


def app_of(feed, identity=None):
    """The site over a feed; `identity` is whom its pages are drawn for, by default everybody."""
    app = create_app(
        feed.engine, loaded=Loaded(feed.context.settings), clock=lambda: feed.at + 20.0
    )
    if identity is not None:
        app.jinja_env.globals["identity"] = lambda: identity
    return app


def client(feed, identity=None):
    return app_of(feed, identity).test_client()


def text(response, status=200):
    """What a page says, without its elements."""
    assert response.status_code == status, response.text[:800]
    words = html.unescape(re.sub(r"<[^>]+>", " ", response.text))
    return re.sub(r"[\s\u202f]+", " ", words)


def section(response, ident, end="</section>"):
    """The part of a page from an element with this id on."""
    start = response.text.index(f'id="{ident}"')
    return response.text[start : response.text.index(end, start)]
