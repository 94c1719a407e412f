from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy

from slo.store import booking, migrations, readings
from slo.store.backup import backup
from slo.store.engine import StoreError, open_engine, reading, writing


def ends(engine, meter):
    with reading(engine) as session:
        return [r.end for r in readings.between(session, meter, -1, 1 << 40)]


def test_a_backup_made_while_booking_is_whole_and_usable(sqlite_engine, make, tmp_path):
    meter = make.meter(sqlite_engine)
    stop = threading.Event()

    def work():
        start = make.T0
        while not stop.is_set():
            with writing(sqlite_engine) as session:
                booking.book(session, [make.booking(meter, start, [(1, 1)] * 50)])
            start += 3000

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while len(ends(sqlite_engine, meter)) < 500:
            stop.wait(0.01)
        backup(sqlite_engine, tmp_path / "copy.db")
    finally:
        stop.set()
        worker.join()
    copy = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    migrations.ensure_current(copy)
    found = ends(copy, meter)
    # Whole transactions only, each of 50 buckets, and at least what was there before.
    assert len(found) % 50 == 1
    assert 500 <= len(found) <= len(ends(sqlite_engine, meter))
    with copy.connect() as connection:
        assert connection.execute(sqlalchemy.text("PRAGMA integrity_check")).scalar() == "ok"
    copy.dispose()
    assert sorted(p.name for p in tmp_path.iterdir() if "backup" in p.name) == []


def test_a_backup_has_the_rights_of_the_database(sqlite_engine, tmp_path):
    source, target = Path(sqlite_engine.url.database), tmp_path / "backup.db"
    source.chmod(0o600)
    backup(sqlite_engine, target)
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_backup_overwrites_nothing(sqlite_engine, tmp_path):
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        backup(sqlite_engine, target)
    assert target.read_text() == "precious"


def test_a_backup_into_no_folder_says_so(sqlite_engine, tmp_path):
    with pytest.raises(StoreError, match="no folder"):
        backup(sqlite_engine, tmp_path / "none" / "copy.db")


def test_a_backup_of_no_database_makes_none(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(StoreError, match="no database"):
        backup(engine, tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_postgresql_is_backed_up_by_its_own_tools(tmp_path):
    engine = open_engine("postgresql://slo:secret@db.example/ledger")
    with pytest.raises(StoreError, match="pg_dump") as caught:
        backup(engine, tmp_path / "copy.db")
    assert "secret" not in str(caught.value)
