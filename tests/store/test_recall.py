"""Answers are kept while the store does not change, and not a moment longer."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import sqlalchemy

from slo.store import recall as recalling
from slo.store.engine import StoreError, glancing, open_engine, reading, writing
from slo.store.recall import recall


@pytest.fixture
def number(engine):
    """A number in the store, and how often it was asked for."""
    return Number(engine)


class Number:
    def __init__(self, engine):
        self.engine, self.asked = engine, 0
        with writing(engine) as session:
            session.execute(sqlalchemy.text("CREATE TABLE number (value INTEGER)"))
            session.execute(sqlalchemy.text("INSERT INTO number VALUES (0)"))

    def seen(self, look=glancing, engine=None):
        with look(engine or self.engine) as session:
            return recall(session, "number", lambda: self._ask(session))

    def _ask(self, session):
        self.asked += 1
        return session.execute(sqlalchemy.text("SELECT value FROM number")).scalar()

    def put(self, value, engine=None):
        with writing(engine or self.engine) as session:
            session.execute(sqlalchemy.text("UPDATE number SET value = :v"), {"v": value})


def test_what_did_not_change_is_asked_once_on_sqlite_and_each_time_on_postgresql(engine, number):
    assert [number.seen() for _ in range(5)] == [0] * 5
    assert number.asked == (1 if engine.dialect.name == "sqlite" else 5)


def test_a_change_is_seen_whoever_makes_it(engine, number):
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with glancing(engine):
        # So the pool has two connections, and either may be the one that wrote.
        for value in range(1, 20):
            number.put(value, other if value % 3 == 0 else engine)
            assert number.seen() == value
            assert number.seen(engine=other) == value
    other.dispose()


def test_a_change_by_another_program_is_seen(sqlite_engine):
    number = Number(sqlite_engine)
    assert number.seen() == 0
    program = sqlite3.connect(sqlite_engine.url.database)
    program.execute("UPDATE number SET value = 7")
    assert number.seen() == 0
    program.commit()
    assert number.seen() == 7
    program.close()


def test_a_change_that_was_taken_back_changes_nothing(engine, number):
    assert number.seen() == 0

    def fail():
        with writing(engine) as session:
            session.execute(sqlalchemy.text("UPDATE number SET value = 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert number.seen() == 0


def test_what_is_recalled_needs_no_connection_of_the_session(sqlite_engine):
    number = Number(sqlite_engine)
    number.seen()
    opened = []
    sqlalchemy.event.listen(sqlite_engine, "engine_connect", opened.append)
    assert number.seen() == 0
    assert opened == []
    number.put(1)
    assert number.seen() == 1
    assert len(opened) == 2


@pytest.mark.parametrize(
    ("text", "says"), [(None, "cannot be opened"), (b"no database at all" * 100, "damaged")]
)
def test_a_store_that_does_not_answer_is_told_as_such(tmp_path, text, says):
    path = tmp_path / "folder" / "slo.db"
    if text is not None:
        path.parent.mkdir()
        path.write_bytes(text)
    engine = open_engine(f"sqlite:///{path}")
    with pytest.raises(StoreError, match=says), glancing(engine):
        raise AssertionError("it was let in")
    engine.dispose()


@pytest.mark.parametrize("look", [reading, writing])
def test_only_glances_keep_answers(number, look):
    assert [number.seen(look) for _ in range(3)] == [0] * 3
    assert number.asked == 3


def test_a_glance_tells_what_was_there_when_it_began_or_later(engine, number):
    with glancing(engine) as session:
        before = recall(session, "number", lambda: number._ask(session))
        number.put(1)
        assert recall(session, "number", lambda: number._ask(session)) in {before, 1}
    assert number.seen() == 1


def test_no_more_is_kept_than_is_worth_it(sqlite_engine, monkeypatch):
    monkeypatch.setattr(recalling, "_MOST_KEPT", 3)
    asked = []
    with glancing(sqlite_engine) as session:
        for key in [1, 2, 3, 4, 4, 1]:
            assert recall(session, key, lambda k=key: asked.append(k) or k) == key
    assert asked == [1, 2, 3, 4, 1]


def test_nobody_sees_an_older_number_than_one_that_was_there_before_the_question(number):
    """Threads look while others write; each may see what is being written, and nothing older."""
    done, wrong = [0], []

    def write():
        for value in range(1, 150):
            number.put(value)
            done[0] = value

    def look(writer):
        while writer.is_alive():
            least = done[0]
            if (found := number.seen()) < least:
                wrong.append((found, least))

    writer = threading.Thread(target=write)
    writer.start()
    readers = [threading.Thread(target=look, args=(writer,)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for each in (writer, *readers):
        each.join()
    assert wrong == []
    assert number.seen() == 149
