"""Trouble for a rich store: SLOs in every sorry state, and a service that itself needs help."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace

from sqlalchemy import delete

from slo.config.fault import Fault
from slo.domain.standing import FAULT, UNMATCHED, Note
from slo.store import cycles, facts, receivers, schema, slos, standings, verifications, watches
from slo.store.engine import writing
from slo.store.verifications import Verified
from slo.store.watches import Watch
from tests.support import rich
from tests.support.feed import MINUTE

DAY = 86_400
STATES = {
    "frozen": {},
    "late": {},
    "silent": {"notes": (Note(FAULT, "prometheus: connection refused"),)},
    "unmatched": {"data": "none", "last_data": None, "notes": (Note(UNMATCHED, "no series"),)},
    "doubtful": {"notes": (Note("skew", "bad events outnumber all events", 12.0),)},
    "caution": {"state": "caution"},
    "restricted": {"state": "restricted"},
    "gone": {"paused": True},
}
"""The SLOs of the service `mill`, by name, and what of their standings is not booked."""
AGES = {"late": 400, "silent": 3600}
"""How many seconds before the others' the newest data of some of them are."""
BURNT = [(0, 100)] * 60 + [(50, 100)] * 6 + [(0, 2, 0.1)] * 4
"""Calm, a burn whose alerts fire, and then nearly no data: they can be neither kept nor ended."""


@dataclass
class Troubled(rich.Rich):
    """The same store, under a slo.yaml that has since become faulty and also waits."""

    @property
    def loaded(self):
        found = super().loaded
        waiting = ("database.url: a restart brings it into force.",)
        found.put(found.settings, self.now - DAY, waiting=waiting)
        faults = [
            Fault("slo.yaml", line, 3, f"mill/{name}", "objective: '200%' is over 100%")
            for line, name in enumerate(STATES, 10)
        ]
        found.fail(tuple(faults), self.now - MINUTE)
        return found


def add(made: rich.Rich) -> Troubled:
    """Adds it; the rich store's own SLOs stay as they were."""
    found = Troubled(**{field.name: getattr(made, field.name) for field in fields(made)})
    feed = found.feed
    _book(feed)
    at = int(found.now)
    with writing(feed.engine) as session:
        _stand(session, feed)
        _run_cycles(session, at)
        why = "localhost:1: connection refused"
        watches.put(session, Watch("source/prometheus", at - 900, why, at - 300))
        day = at // DAY * DAY - DAY
        told = "bad: 12 more than the ledger"
        verifications.add(session, Verified(at - 3600, "mill/late", day, agrees=False, text=told))
        facts.put(session, "backup", {"at": at - 9 * DAY, "file": "/backups/slo.db", "bytes": 4096})
        health = receivers.lock(session, "hook", at, wait=True)
        paused = replace(health, failures=9, failing_since=at - 7200, paused_at=at - 60)
        receivers.put(session, health, replace(paused, paused_why="hook answered 410"))
    return found


def _book(feed):
    end, text = feed.at, json.loads(feed.yaml)
    text["services"]["mill"] = {
        "owner": "mill",
        "slos": {
            name: {
                "objective": "99.9%",
                "events": {"good": f"{name}_good_total", "total": f"{name}_total"},
            }
            for name in STATES
        },
    }
    begin = feed.at = end - len(BURNT) * MINUTE
    feed.change(json.dumps(text))
    feed.book(*BURNT, only={"mill/frozen"})
    feed.at = begin
    feed.book(*[(0, 100)] * len(BURNT), only={f"mill/{name}" for name in STATES} - {"mill/frozen"})
    assert feed.at == end
    del text["services"]["mill"]["slos"]["gone"]
    feed.change(json.dumps(text))


def _stand(session, feed):
    slos.pause_absent(session, [slo.id for slo in feed.context.settings.slos], feed.at)
    for name, changes in STATES.items():
        booked = standings.one(session, f"mill/{name}")
        aged = replace(booked, last_data=booked.last_data - AGES.get(name, 0))
        standings.put(session, [(replace(aged, **changes), None)])


def _run_cycles(session, at):
    """Enough for a line, the last of them with errors; the rich store's one is later than most."""
    session.execute(delete(schema.cycle))
    for age, errors in ((180, 0), (120, 0), (60, 0), (3, 2)):
        number = cycles.start(session, at - age)
        cycles.finish(
            session,
            number,
            at - age + 2,
            slos=11,
            booked=9,
            samples=36,
            requests=2,
            errors=errors,
            seconds=1.5 + age / 100,
        )
