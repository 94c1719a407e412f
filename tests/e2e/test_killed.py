"""kill -9 at any moment, and several processes at once: the ledger is that of one quiet run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.books import everything, open_books
from tests.support.services import MIDNIGHT, settings_yaml
from tests.support.worker import Plan, plan_json, work

TOP = Path(__file__).parents[2]
NAMES = ("crashloop", "first-errors-15s", "old-exporter", "summary")
START, END = MIDNIGHT - 600, MIDNIGHT + 1200
SEED = int(os.environ.get("SLO_TEST_SEED", "20240301"))


@pytest.fixture(scope="module")
def undisturbed(loaded, few, tmp_path_factory):
    """All rows of a quiet run and how long it took, by whether it was a backfill."""
    found = {}
    for backwards in (False, True):
        file = tmp_path_factory.mktemp("quiet") / "slo.db"
        plan = Plan(settings_yaml(loaded.url, f"sqlite:///{file}", few), START, END, backwards)
        began = time.monotonic()
        work(plan)
        took = time.monotonic() - began
        with open_books(plan.yaml) as context:
            found[backwards] = everything(context.engine), took
    return found


def run(plan: Plan) -> dict:
    """The workers of a plan, in a process that has no threads and can fork."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.worker"],
        input=plan_json(plan),
        capture_output=True,
        text=True,
        cwd=TOP,
        env=os.environ | {"PYTHONPATH": str(TOP)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["codes"]) == {0}, done.stderr
    # Shown with a failure; with it in the environment the same moments come again.
    sys.stdout.write(f"SLO_TEST_SEED={SEED}\n")
    return result


def ensure_equal(plan: Plan, expected: dict) -> None:
    with open_books(plan.yaml) as context:
        found = everything(context.engine)
    for table, rows in expected.items():
        assert found[table] == rows, table


@pytest.mark.parametrize("backwards", [False, True], ids=["cycles", "backfill"])
@pytest.mark.parametrize(
    ("store", "kills"), [("sqlite_url", 50), ("postgresql_url", 10)], ids=["sqlite", "postgresql"]
)
def test_workers_killed_at_random_moments_leave_the_ledger_of_a_quiet_run(
    request, loaded, few, undisturbed, store, kills, backwards
):
    yaml = settings_yaml(loaded.url, request.getfixturevalue(store), few)
    expected, took = undisturbed[backwards]
    # So that all of them together live for about half of what there is to do.
    longest = took / kills
    plan = Plan(yaml, START, END, backwards, kills=kills, seed=SEED, longest=longest)
    result = run(plan)

    assert result["killed"] == kills, "the work was done before the last kill"
    assert 0 < result["left"] < 1, "the killed left nothing, or nothing was done"
    ensure_equal(plan, expected)


@pytest.mark.parametrize("backwards", [False, True], ids=["cycles", "backfill"])
@pytest.mark.parametrize("store", ["sqlite_url", "postgresql_url"], ids=["sqlite", "postgresql"])
def test_workers_side_by_side_leave_the_ledger_of_one(
    request, loaded, few, undisturbed, store, backwards
):
    yaml = settings_yaml(loaded.url, request.getfixturevalue(store), few)
    plan = Plan(yaml, START, END, backwards, at_once=2)
    run(plan)

    ensure_equal(plan, undisturbed[backwards][0])
