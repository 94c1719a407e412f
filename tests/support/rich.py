"""A store with something of everything: what the site has pages for, by the real functions.

Every text that people or metrics can write goes through `say`, so that a test can
make all of them hostile at once; its second argument is how long the text may be.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slo import incidents as acting
from slo import silencing
from slo.domain.annotation import Annotation
from slo.domain.ledger import Contribution, Correction
from slo.domain.postmortem import ActionItem
from slo.domain.span import Span
from slo.domain.standing import Note
from slo.excluding import wanted as excluding
from slo.loaded import Loaded
from slo.store import (
    action_items,
    annotations,
    claims,
    corrections,
    cycles,
    postmortems,
)
from slo.store.engine import open_engine, writing
from slo.web.app import create_app
from tests.support.feed import MINUTE, START, Feed
from tests.support.stores import empty_store

HOUR = 3600
LONG = 10_000
"""Characters that a comment may have; names have 100."""
FRAUD = {"fraud-model/availability", "fraud-model/accuracy"}
RANKER = {"ranker/availability"}


@dataclass
class Rich:
    """The store's feed, and what of it pages are made."""

    feed: Feed
    resolved: int
    """The incident that is over and has a postmortem with action items."""
    open: int

    @property
    def now(self) -> float:
        return self.feed.at + 20.0

    @property
    def loaded(self) -> Loaded:
        return Loaded(self.feed.context.settings, self.feed.at)

    def app(self, **options):
        return create_app(self.feed.engine, loaded=self.loaded, clock=lambda: self.now, **options)


def yaml(say) -> str:
    """Two services of three SLOs; JSON is YAML, so any text can stand in it."""

    def events(metric):
        return {"good": f"{metric}_good_total", "total": f"{metric}_total"}

    def slo(metric, **more):
        return {
            "objective": "99.9%",
            "description": say("What it promises.", LONG),
            "labels": {"tier": say("one"), "team": say("risk")},
            "events": events(metric),
            **more,
        }

    runbook = "https://runbooks.example/?q=" + "".join(c for c in say("x") if c.isalnum())[:500]
    return json.dumps(
        {
            "prometheus": {"url": "http://localhost:1", "lag": "15s"},
            "name": "rich",
            "url": "https://slo.example",
            "receivers": {"hook": {"type": "webhook", "url": "https://hook.example/secret-path"}},
            "routes": {"page": ["hook"], "ticket": ["hook"]},
            "services": {
                "fraud-model": {
                    "owner": say("risk-ml"),
                    "runbook": runbook,
                    "slos": {
                        "availability": slo("fraud_requests"),
                        "accuracy": slo("fraud_right", objective="95%", window="month"),
                    },
                },
                "ranker": {
                    "owner": say("search"),
                    "slos": {"availability": slo("ranker_requests", window="7d")},
                },
            },
        }
    )


def plain(text, _most=100):
    """The text as it is."""
    return text


def make(path, say=plain) -> Rich:
    """The store at `path`, after two incidents: one over with all that follows, one open."""
    file, at, resolved, newest = _made(say)
    Path(path).write_bytes(file)
    return Rich(Feed(open_engine(f"sqlite:///{path}"), yaml(say), at), resolved, newest)


@cache
def _made(say):
    """Its file, made once for each `say`; the end of its ledger, and the two incidents."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slo.db"
        feed = Feed(empty_store(path), yaml(say))
        resolved, newest = _fill(feed, say)
        feed.engine.dispose()
        return path.read_bytes(), feed.at, resolved, newest


def _fill(feed, say):
    feed.quiet(180)
    labels = json.dumps({"region": say("eu"), "version": say("v2")}, sort_keys=True)
    rest = json.dumps({"region": "us", "version": "v1"}, sort_keys=True)
    hour = feed.at // HOUR * HOUR
    note = Note("birth-uncounted", say("114 events of a new series", LONG), 114.0, START, feed.at)
    sets = (Contribution(hour, labels, 40, 80), Contribution(hour, rest, 10, 20))
    _minute(feed, 50, contributions=sets, notes=(note,))
    for _ in range(8):
        _minute(feed, 50)
    (first,) = feed.incidents()
    _work_on(feed, first.id, say)
    feed.quiet(75)
    _after(feed, first.id, say)
    feed.quiet(25)
    for _ in range(12):
        _minute(feed, 70)
    newest = max(i.id for i in feed.incidents())
    assert newest != first.id, "the second burst must open an incident of its own"
    _around(feed, newest, say)
    return first.id, newest


def _minute(feed, bad, **more):
    """A minute in which the fraud model fails and the ranker does not."""
    feed.book((bad, 100), only=FRAUD, **more)
    feed.at -= MINUTE
    feed.book((0, 100), only=RANKER)


def _work_on(feed, incident, say):
    settings, now = feed.context.settings, feed.at + 20
    with writing(feed.engine) as session:
        acting.acknowledge(session, settings, incident, say("mia"), now)
        acting.assign(session, settings, incident, say("mia"), say("joe"), now)
        acting.comment(
            session, settings, incident, say("joe"), say("Looks like the deploy.", LONG), now
        )


def _after(feed, incident, say):
    settings, now = feed.context.settings, feed.at + 20
    with writing(feed.engine) as session:
        if postmortems.one(session, incident) is None:
            acting.resolve(session, settings, incident, say("mia"), say("rolled back", LONG), now)
        found = postmortems.one(session, incident)
        body = f"{found.body}\n\n{say('Test before.', LONG)}\n\n[{say('x')}](javascript:alert(1))\n"
        version = found.about.version
        postmortems.save(session, incident, say("Bad deploy"), body, version, say("mia"), now)
        for number, due in enumerate(("2026-11-01", "2027-01-31", None)):
            item = ActionItem(say(f"Canary {number}"), owner=say("joe"), due=due)
            action_items.add(session, incident, item, say("mia"), now)


def _around(feed, incident, say):
    settings, now = feed.context.settings, feed.at + 20
    with writing(feed.engine) as session:
        acting.comment(session, settings, incident, say("joe"), say("Again.", LONG), now)
        silencing.silence(
            session,
            settings,
            scope="ranker/*",
            until="2h",
            who=say("mia"),
            why=say("load test"),
            now=now,
        )
        away = Span(START + 600, START + 1200)
        asked = excluding.wanted(
            session,
            settings,
            away,
            scope="fraud-model/*",
            category="maintenance",
            who=say("mia"),
            why=say("a move"),
            now=now,
        )
        excluding.add(session, asked, now)
        corrections.add(
            session,
            Correction(
                "fraud-model/accuracy", START + 3600, 5, 5, say("mia"), say("late"), "key", now
            ),
        )
        for kind, at in (("deploy", START + HOUR * 3), ("experiment", feed.at - 900)):
            annotations.add(
                session,
                Annotation(
                    id=0,
                    kind=kind,
                    scope="fraud-model/*",
                    at=at,
                    end=None if kind == "deploy" else feed.at,
                    title=say("v2"),
                    text=say("Model of November.", LONG),
                    url="https://ci.example/run/1",
                    labels=(("version", say("v2")),),
                    who=say("ci"),
                    created_at=now,
                ),
            )
        number = cycles.start(session, feed.at + 16)
        cycles.finish(
            session, number, feed.at + 17, slos=3, booked=3, samples=36, requests=2, errors=0
        )
        _deliver(session, say, now)


def _deliver(session, say, now):
    """The first message arrived, the next was given up after a refusal."""
    (sent,) = claims.claim(session, "hook", 1, now, 60)
    claims.complete(session, [claims.Result(sent, "delivered", "ok", now, 0.02, now, 202)], now)
    (dead,) = claims.claim(session, "hook", 1, now, 60)
    refused = claims.Result(
        dead,
        "dead",
        "refused",
        now,
        0.02,
        now,
        400,
        say("answered 400"),
        say("no such channel"),
    )
    claims.complete(session, [refused], now)
