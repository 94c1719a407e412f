from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import text

from slo.store import booking, engine, readings, slos
from slo.store.engine import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreVersionError,
    glancing,
    open_engine,
    reading,
    writing,
    writing_at_once,
)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://db/slo", "no store for 'mysql'"),
        ("slo.db", "sqlite:///slo.db"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_other_urls_are_refused_with_an_example(url, sentence):
    with pytest.raises(StoreError, match=sentence):
        open_engine(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_name_of_postgresql_means_psycopg(scheme):
    assert open_engine(f"{scheme}://u@h/d").driver == "psycopg"


def test_a_refused_url_does_not_show_its_password():
    with pytest.raises(StoreError) as caught:
        open_engine("mysql://user:secret@db/slo")
    assert "secret" not in str(caught.value)


def test_a_reading_session_cannot_write(engine, make):
    with pytest.raises(StoreError), reading(engine) as session:
        slos.declare(session, [make.declared()], make.T0)
    with reading(engine) as session:
        assert slos.all_slos(session) == []


def test_a_reader_sees_one_state_while_others_write(engine, make):
    make.meter(engine, "svc/one")
    with reading(engine) as session:
        before = slos.all_slos(session)
        make.meter(engine, "svc/two")
        assert slos.all_slos(session) == before
    with reading(engine) as session:
        assert len(slos.all_slos(session)) == 2


def test_a_reader_does_not_wait_for_a_writer(engine, make):
    make.meter(engine, "svc/one")
    with writing(engine) as session:
        slos.declare(session, [make.declared("svc/two")], make.T0)
        with reading(engine) as other:
            assert len(slos.all_slos(other)) == 1


def test_each_look_of_a_glance_sees_what_is_committed_and_waits_for_no_writer(engine, make):
    make.meter(engine, "svc/one")
    with glancing(engine) as session:
        assert len(slos.all_slos(session)) == 1
        make.meter(engine, "svc/two")
        assert len(slos.all_slos(session)) == 2
        with writing(engine) as other:
            slos.declare(other, [make.declared("svc/three")], make.T0)
            assert len(slos.all_slos(session)) == 2


def test_a_connection_reads_and_writes_whatever_it_did_before(sqlite_engine, make):
    for look in (glancing, reading, glancing):
        with look(sqlite_engine) as session:
            known = len(slos.all_slos(session))
        make.meter(sqlite_engine, f"svc/after{known}")
        with pytest.raises(StoreError), look(sqlite_engine) as session:
            slos.declare(session, [make.declared("svc/never")], make.T0)
    with reading(sqlite_engine) as session:
        assert [one.id for one in slos.all_slos(session)] == [f"svc/after{n}" for n in range(3)]


def test_writers_that_read_first_lose_no_update(engine, make):
    meter = make.meter(engine)
    at = sqlalchemy.table("meter", sqlalchemy.column("id"), sqlalchemy.column("watch_from"))

    def add():
        for _ in range(25):
            with writing(engine) as session:
                query = sqlalchemy.select(at.c.watch_from).where(at.c.id == meter)
                before = session.execute(query.with_for_update()).scalar() or 0
                session.execute(at.update().where(at.c.id == meter).values(watch_from=before + 1))

    workers = [threading.Thread(target=add) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with reading(engine) as session:
        assert slos.meter_of(session, "svc/one").watch_from == 100


def test_a_full_disk_stops_writes_with_a_sentence_and_no_reads(sqlite_engine, make):
    meter = make.meter(sqlite_engine)
    with writing(sqlite_engine) as session:
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)])])
    full = make.booking(meter, make.T0 + 60, [(1, 1)] * 20_000)

    def book(pages):
        with writing(sqlite_engine) as session:
            session.execute(text(f"PRAGMA max_page_count = {pages}"))
            return booking.book(session, [full])

    with pytest.raises(StoreFull, match=r"only\.db is full.*can still be read"):
        book(1)  # SQLite takes the number of pages there are.
    with reading(sqlite_engine) as session:
        assert len(readings.between(session, meter, 0, 1 << 40)) == 2
    # Room again: the same booking goes through.
    assert book(1_000_000) == {meter}


_ON_A_FULL_DISK = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from slo.store import cycles, migrations, slos
from slo.store.engine import StoreFull, open_engine, reading, writing
# No file may grow by a byte, not even SQLite's index that processes share.
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
engine = open_engine(sys.argv[1])
for _ in range(2):
    migrations.ensure_current(engine)
    with reading(engine) as session:
        assert [one.id for one in slos.all_slos(session)] == ["svc/one"]
    try:
        with writing(engine) as session:
            cycles.start(session, 1)
    except StoreFull:
        continue
    raise SystemExit("a write went through")
"""


@pytest.mark.parametrize("served", [True, False])
def test_a_process_that_starts_on_a_full_disk_reads(sqlite_engine, make, served):
    make.meter(sqlite_engine)
    if not served:  # The last connection takes SQLite's shared files away with it.
        sqlite_engine.dispose()
    command = [sys.executable, "-c", _ON_A_FULL_DISK, str(sqlite_engine.url), str(Path.cwd())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with writing(sqlite_engine) as session:
        slos.declare(session, [make.declared("svc/two")], make.T0)


def test_postgresql_that_says_its_disk_is_full_is_a_full_store(postgresql):
    full = "DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"
    with pytest.raises(StoreFull, match="is full"), writing(postgresql) as session:
        session.execute(text(full))


def test_a_new_database_is_its_owners_alone(tmp_path):
    found = open_engine(f"sqlite:///{tmp_path / 'slo.db'}")
    with writing(found) as session:
        session.execute(text("CREATE TABLE t (x INTEGER)"))
        assert {path.name for path in tmp_path.iterdir()} > {"slo.db"}
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    found.dispose()


def test_a_database_keeps_the_rights_that_it_has(tmp_path):
    path = tmp_path / "slo.db"
    path.touch()
    path.chmod(0o640)
    found = open_engine(f"sqlite:///{path}")
    with reading(found) as session:
        session.execute(text("SELECT 1"))
    found.dispose()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_named(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/none/slo.db")
    with pytest.raises(StoreUnreachable, match=r"none/slo\.db.*folder"), reading(engine) as session:
        slos.all_slos(session)


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "slo.db").write_text("services: {}\n" * 100)
    engine = open_engine(f"sqlite:///{tmp_path}/slo.db")
    with pytest.raises(StoreError, match="not an SQLite database"), reading(engine) as session:
        slos.all_slos(session)


def test_a_store_without_tables_names_the_upgrade(store_url):
    engine = open_engine(store_url)
    with pytest.raises(StoreVersionError, match="slo db upgrade"), reading(engine) as session:
        slos.all_slos(session)
    engine.dispose()


def test_a_server_that_does_not_answer_is_unreachable_and_its_password_unsaid():
    engine = open_engine("postgresql://user:secret@127.0.0.1:1/slo")
    with (
        pytest.raises(StoreUnreachable, match="cannot be reached") as caught,
        reading(engine) as session,
    ):
        slos.all_slos(session)
    assert "secret" not in str(caught.value)


def test_a_missing_database_is_unreachable(postgresql):
    engine = open_engine(postgresql.url.set(database="none").render_as_string(hide_password=False))
    with pytest.raises(StoreUnreachable, match="none"), reading(engine) as session:
        slos.all_slos(session)


def test_a_store_that_is_locked_for_too_long_is_busy(sqlite_engine, make, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    impatient = open_engine(str(sqlite_engine.url))
    with writing(sqlite_engine) as session:
        slos.declare(session, [make.declared()], make.T0)
        with pytest.raises(StoreBusy, match="try again"), writing(impatient) as other:
            slos.all_slos(other)
    impatient.dispose()


def test_who_writes_at_once_waits_for_no_lock_and_later_writers_wait_as_ever(engine, make):
    meter = make.meter(engine)
    at = sqlalchemy.table("meter", sqlalchemy.column("id"), sqlalchemy.column("watch_from"))

    def put(session, value):
        session.execute(at.update().where(at.c.id == meter).values(watch_from=value))

    with writing(engine) as session:
        put(session, 1)
        began = time.monotonic()
        with pytest.raises(StoreBusy), writing_at_once(engine) as other:
            put(other, 2)
        assert time.monotonic() - began < 2
        later = threading.Thread(target=lambda: write(3))

        def write(value):
            with writing(engine) as waiting:
                put(waiting, value)

        later.start()
        later.join(0.2)
        assert later.is_alive()
    later.join()
    with reading(engine) as session:
        assert session.execute(sqlalchemy.select(at.c.watch_from)).scalar() == 3
    with writing_at_once(engine) as session:
        put(session, 4)
    with reading(engine) as session:
        assert session.execute(sqlalchemy.select(at.c.watch_from)).scalar() == 4


def test_an_error_of_the_caller_passes_unchanged_and_rolls_back(engine, make):

    def declare_and_fail():
        with writing(engine) as session:
            slos.declare(session, [make.declared()], make.T0)
            raise KeyError

    with pytest.raises(KeyError):
        declare_and_fail()
    with reading(engine) as session:
        assert slos.all_slos(session) == []


_WRITE_FOREVER = """
import sys
sys.path.insert(0, sys.argv[2])
from slo.domain.booking import Booking
from slo.domain.ledger import Increment
from slo.domain.span import Span
from slo.store import booking
from slo.store.engine import open_engine, writing
engine = open_engine(sys.argv[1])
meter, t = int(sys.argv[3]), int(sys.argv[4])
while True:
    steps = tuple(Increment(t + 60 * i, 1.0, 1.0, 60.0) for i in range(1, 6))
    with writing(engine) as session:
        assert booking.book(session, [Booking(meter, Span(t, t + 300), steps)])
    t += 300
    print(t, flush=True)
"""


def test_what_was_committed_outlives_a_killed_process(engine, make):
    meter, t = make.meter(engine), make.T0
    url = engine.url.render_as_string(hide_password=False)
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOREVER, url, str(Path.cwd()), str(meter), str(t)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(10):
            said = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        said = ([said] + [int(line) for line in child.stdout if line.endswith("\n")])[-1]
        child.wait()
        child.stdout.close()
        with writing(engine) as session:  # Waits until the server has ended what was killed.
            booking.book(session, [make.booking(meter, -60, [(0, 0)])])
            found = readings.between(session, meter, -1, 1 << 40)
        # All that was said to be committed is there, in whole transactions, without a hole.
        t = found[-1].end
        assert t in {said, said + 300}
        assert [r.end for r in found] == list(range(make.T0, t + 60, 60))
        assert found[-1].total == len(found) - 1
