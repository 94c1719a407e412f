"""Receivers, notices and a clock for tests of the outbox."""

from __future__ import annotations

from sqlalchemy import insert, select

from slo.config.settings import Receiver, Route, Settings
from slo.domain.delivery import Reply
from slo.domain.notification import Facts, Notice
from slo.store import outbox, schema
from slo.store.engine import reading, writing

NOW = 1_795_206_000.0
"""2026-11-20 20:20 UTC."""
OK = Reply(status=202)
DOWN = Reply(status=500, error="answered 500")


def receiver(name="pager", kind="pagerduty", **fields):
    options = {"pagerduty": (("routing_key", "K" * 32),), "webhook": (("url", "https://x.test/h"),)}
    secret = (("url", "https://x.test/hook/SECRETPART"),)
    return Receiver(name, kind, options.get(kind, secret), **fields)


def settings(*receivers, routes=None, **fields):
    names = tuple(r.name for r in receivers)
    routes = (Route("page", names), Route("ticket", names)) if routes is None else routes
    return Settings((), (), receivers=receivers, routes=routes, **fields)


def notice(kind="opened", subject="incident/1", transition=None, **fields):
    given = {
        "kind": kind,
        "severity": "page",
        "dedup_key": f"here/{subject}",
        "title": "svc/one burns its error budget",
        "summary": "burned 15x",
        "at": int(NOW),
        "service": "svc",
    }
    return Notice(subject, transition or kind, Facts(**{**given, **fields}))


def add_incident(engine, number=1):
    """An incident that messages may name."""
    row = {
        "service": "svc",
        "title": "burns",
        "severity": "page",
        "status": "open",
        "started_at": int(NOW),
        "opened_at": int(NOW),
    }
    table = schema.incident
    required = {
        c.name: c.type.python_type()
        for c in table.c
        if not c.nullable and c.name not in {*row, "id"}
    }
    with writing(engine) as session:
        session.execute(insert(table).values(id=number, **required, **row))
    return number


def states(engine, name=None):
    """(transition, state) of each message, in order."""
    table = schema.notification
    query = select(table.c.transition, table.c.state).order_by(table.c.id)
    if name is not None:
        query = query.where(table.c.receiver == name)
    with reading(engine) as session:
        return [tuple(row) for row in session.execute(query)]


def one(engine, number=1):
    with reading(engine) as session:
        return outbox.by_id(session, number)


class Sink:
    """A receiver's far end: remembers what it took, and answers as it is told to."""

    def __init__(self, reply=OK):
        self.reply = reply
        self.asked = []
        self.taken = []

    def __call__(self, _settings, receiver, notification, now):
        self.asked.append((now, receiver.name, notification.transition))
        reply = self.reply(notification, now) if callable(self.reply) else self.reply
        if reply.status is not None and 200 <= reply.status < 300:
            self.taken.append((receiver.name, notification.transition, notification.msg_id))
        return reply

    @property
    def order(self):
        return [transition for _, transition, _ in self.taken]
