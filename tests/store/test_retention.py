"""What is forgotten, and what stays because somebody may still need it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, update

from slo.domain.facts_json import facts_json
from slo.store import backlog, retention, schema
from slo.store.engine import reading, writing
from tests.support.outbox import NOW, add_incident, notice

DAY = 86_400
OLD = NOW - 100 * DAY
_n, _a = schema.notification, schema.attempt


def put(engine, kind="system-over", subject="source/x/1", state="delivered", ended=OLD, **fields):
    """A message in the outbox and an attempt; gives its id."""
    found = notice(kind, subject, **fields)
    row = {
        "receiver": "pager",
        "subject": subject,
        "transition": kind,
        "msg_id": f"{subject}{kind}",
        "incident_id": found.facts.incident,
        "kind": kind,
        "severity": "page",
        "facts": facts_json(found.facts),
        "state": state,
        "attempts": 1,
        "next_at": OLD,
        "created_at": OLD,
        "ended_at": None if state == "pending" else ended,
        "expires_at": OLD,
        "error": "",
    }
    with writing(engine) as session:
        number = session.execute(insert(_n).values(row).returning(_n.c.id)).scalar_one()
        attempt = {"started": OLD, "seconds": 1.0, "outcome": state, "error": "", "reply": ""}
        session.execute(insert(_a).values(notification_id=number, **attempt))
    return number


def blank(table):
    """A row with something in each column that must hold something."""
    return {c.name: c.type.python_type() for c in table.c if not c.nullable}


def forget(engine, limit=1000):
    with writing(engine) as session:
        count = retention.forget_notifications(session, NOW - 90 * DAY, NOW - 365 * DAY, limit)
    with reading(engine) as session:
        left = list(session.execute(select(_n.c.id).order_by(_n.c.id)).scalars())
        attempts = list(session.execute(select(_a.c.notification_id)).scalars())
    assert sorted(attempts) == left
    return count, left


def test_old_finished_messages_go_with_their_attempts_and_younger_ones_stay(engine):
    put(engine, "system", "source/x/1")
    put(engine, "system-over", "source/x/1")
    put(engine, "test", "test/1", state="cancelled")
    young = put(engine, "test", "test/2", ended=NOW - 89 * DAY)
    assert forget(engine) == (3, [young])


@pytest.mark.parametrize("state", ["dead", "pending"])
def test_dead_letters_stay_for_a_year_and_pending_ones_for_good(engine, state):
    kept = put(engine, "test", "test/1", state=state)
    assert forget(engine) == (0, [kept])
    with writing(engine) as session:
        session.execute(update(_n).values(ended_at=NOW - 366 * DAY))
    assert forget(engine)[0] == (state == "dead")


def test_what_is_not_over_stays_so_that_its_end_is_told(engine):
    begun = put(engine, "system", "source/x/1")
    assert forget(engine) == (0, [begun])


def test_messages_of_an_open_incident_stay(engine):
    add_incident(engine, 7)
    kept = put(engine, "opened", "incident/7", incident=7)
    assert forget(engine) == (0, [kept])
    with writing(engine) as session:
        session.execute(update(schema.incident).values(resolved_at=int(OLD)))
    assert forget(engine) == (1, [])


def test_a_subject_with_something_pending_stays(engine):
    kept = put(engine, "system-over", "source/x/1")
    waiting = put(engine, "system", "source/x/1", state="pending")
    assert forget(engine) == (0, [kept, waiting])


def test_what_is_deleted_still_counts_as_finished(engine):
    put(engine, "test", "test/1")
    for number in range(3):
        put(engine, "system-over", f"source/x/{number}")
    add_incident(engine, 7)
    put(engine, "opened", "incident/7", incident=7)
    with reading(engine) as session:
        before = backlog.count_finished(session)
    assert forget(engine, limit=3)[0] == 3
    assert forget(engine, limit=3)[0] == 1
    with reading(engine) as session:
        assert backlog.count_finished(session) == before == {("pager", "delivered"): 4}


def test_only_so_many_go_at_once(engine):
    numbers = [put(engine, "test", f"test/{n}") for n in range(5)]
    assert forget(engine, limit=2) == (2, numbers[2:])


def test_expired_sessions_and_old_failed_logins_go(engine):
    user = {"name": "mia", "role": "admin", "created_at": 1}
    with writing(engine) as session:
        number = session.execute(
            insert(schema.user).values(user).returning(schema.user.c.id)
        ).scalar_one()
        for digest, until in (("a", NOW - 1), ("b", NOW + 1)):
            row = {"digest": digest, "user_id": number, "expires_at": until}
            session.execute(insert(schema.user_session).values(blank(schema.user_session) | row))
        for key, at in (("old", NOW - 2 * DAY), ("new", NOW - 5)):
            session.execute(insert(schema.throttle).values(key=key, failures=1, at=at))
        assert retention.forget_logins(session, NOW, NOW - DAY) == 1
        left = session.execute(select(schema.user_session.c.digest)).scalars().all()
        slow = session.execute(select(schema.throttle.c.key)).scalars().all()
        users = session.execute(select(func.count()).select_from(schema.user)).scalar()
    assert (left, slow, users) == (["b"], ["new"], 1)
