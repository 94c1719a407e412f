from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from slo.store import migrations
from slo.store.engine import StoreVersionError, open_engine, writing


@pytest.fixture
def empty(store_url):
    engine = open_engine(store_url)
    yield engine
    engine.dispose()


def config(connection):
    config = Config()
    config.set_main_option("script_location", str(migrations.folder()))
    config.attributes["connection"] = connection
    return config


def set_version(engine, version):
    with writing(engine) as session:
        statement = sqlalchemy.text("UPDATE alembic_version SET version_num = :v")
        session.execute(statement, {"v": version})


def test_an_upgraded_store_has_just_the_tables_of_the_schema(engine):
    with engine.begin() as connection:
        command.check(config(connection))


def test_an_upgrade_goes_through_every_revision_from_the_first(empty):
    scripts = ScriptDirectory(str(migrations.folder()))
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions[0] == "0001"
    for revision in revisions:
        with empty.begin() as connection:
            command.upgrade(config(connection), revision)
        assert migrations.current(empty) == revision
    assert migrations.upgrade(empty) == revisions[-1] == migrations.head()
    with empty.begin() as connection:
        command.check(config(connection))


def test_the_ledger_and_its_exclusions_go_through_the_second_revision_unchanged(empty):
    rows = {
        "slo": {"service": "shop", "name": "availability", "created_at": 1},
        "exclusion": {
            "scope": "shop/*",
            "start": 60,
            "end": 120,
            "category": "maintenance",
            "who": "ada",
            "why": "a move",
            "at": 1,
        },
    }
    with writing(empty) as session:
        command.upgrade(config(session.connection()), "0001")
        for table, values in rows.items():
            names = ", ".join(f'"{name}"' for name in values)
            places = ", ".join(f":{name}" for name in values)
            statement = sqlalchemy.text(f"INSERT INTO {table} ({names}) VALUES ({places})")
            session.execute(statement, values)
    migrations.upgrade(empty)
    with writing(empty) as session:
        for table, values in rows.items():
            names = ", ".join(f'"{name}"' for name in values)
            found = session.execute(sqlalchemy.text(f"SELECT {names} FROM {table}")).all()
            assert found == [tuple(values.values())]
        schedules = session.execute(sqlalchemy.text("SELECT schedule_id FROM exclusion"))
        assert schedules.scalars().all() == [None]


def test_the_third_revision_finds_the_meter_of_each_correction(empty):
    """Of three meters, of which the second is backfilled over the bucket of the first."""
    with writing(empty) as session:
        command.upgrade(config(session.connection()), "0002")
        tables = sqlalchemy.MetaData()
        tables.reflect(session.connection())

        def insert(table, **values):
            session.execute(tables.tables[table].insert().values(**values))

        for slo in (1, 2):
            insert("slo", id=slo, service="shop", name=f"n{slo}", created_at=1)
        same = {"indicator": "{}", "source": "prometheus", "bucket": 60}
        for number, slo, start, end, booked in (
            (1, 1, 0, 6000, (60, 6000)),
            (2, 1, 6000, 9000, (600, 9000)),
            (3, 1, 9000, None, (8940, 12000)),
            (4, 2, 0, None, (None, None)),
        ):
            insert("meter", id=number, slo_id=slo, fingerprint=f"f{number}", started_at=start,
                   ended_at=end, booked_from=booked[0], booked_to=booked[1], **same)  # fmt: skip
        kept = {"good": -1.0, "total": 0.0, "who": "ada", "why": "late"}
        for key, slo, end, at in (
            ("only the first holds it", 1, 120, 8000),
            ("the first ran", 1, 1200, 5000),
            ("the second ran", 1, 1200, 7000),
            ("the third", 1, 12000, 12060),
            ("nothing booked", 2, 1200, 5000),
        ):
            insert("correction", slo_id=slo, end=end, at=at, key=key, **kept)
    migrations.upgrade(empty)
    with writing(empty) as session:
        query = sqlalchemy.text("SELECT key, meter_id FROM correction ORDER BY id")
        assert [tuple(row) for row in session.execute(query)] == [
            ("only the first holds it", 1),
            ("the first ran", 1),
            ("the second ran", 2),
            ("the third", 3),
            ("nothing booked", 4),
        ]


def test_an_upgrade_twice_changes_nothing(empty):
    assert migrations.upgrade(empty) == migrations.upgrade(empty) == migrations.head()
    migrations.ensure_current(empty)


def test_a_store_without_tables_is_refused_with_the_remedy(empty):
    with pytest.raises(StoreVersionError, match="no ledger yet; run `slo db upgrade`"):
        migrations.ensure_current(empty)


def test_an_older_store_is_refused_with_the_remedy(engine, monkeypatch):
    monkeypatch.setattr(migrations, "_known", lambda: ["0001", "0002", "0003", "9999"])
    with pytest.raises(StoreVersionError, match=r"older.*0003.*9999.*`slo db upgrade`"):
        migrations.ensure_current(engine)


@pytest.mark.parametrize("use", [migrations.ensure_current, migrations.upgrade])
def test_a_newer_store_is_refused_and_left_alone(engine, use):
    set_version(engine, "9999")
    expected = re.escape(
        "was written by a newer SLO Ledger (revision 9999); "
        "install that version or restore a backup"
    )
    with pytest.raises(StoreVersionError, match=expected):
        use(engine)
    assert migrations.current(engine) == "9999"


def test_a_failed_upgrade_leaves_nothing_behind(empty, monkeypatch):
    def upgrade_then_fail(config, revision):
        original(config, revision)
        raise RuntimeError

    original = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_then_fail)
    with pytest.raises(RuntimeError):
        migrations.upgrade(empty)
    assert sqlalchemy.inspect(empty).get_table_names() == []


def _upgrade(url, gate):
    engine = open_engine(url)
    gate.wait()
    migrations.upgrade(engine)
    migrations.ensure_current(engine)
    engine.dispose()


def test_three_processes_that_upgrade_at_once_all_succeed(store_url):
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    workers = [context.Process(target=_upgrade, args=(store_url, gate)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0


def test_migrations_are_found_in_a_checkout_and_inside_an_installed_package(monkeypatch, tmp_path):
    package = tmp_path / "slo"
    package.mkdir()
    monkeypatch.setattr(migrations.slo, "__file__", str(package / "__init__.py"))
    assert migrations.folder() == tmp_path / "migrations"
    (package / "migrations").mkdir()
    assert migrations.folder() == package / "migrations"


def test_alembic_is_not_imported_where_nothing_is_to_be_done(sqlite_engine):
    code = (
        "import sys; from slo.store import migrations, engine; "
        f"e = engine.open_engine({str(sqlite_engine.url)!r}); "
        "migrations.upgrade(e); migrations.ensure_current(e); "
        "sys.exit('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
