"""The audit: old and new, what narrows it, and what slo.yaml writes into it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slo.store import audit, slos
from slo.store.audit import Wanted
from slo.store.engine import reading, writing


@pytest.fixture
def entries(engine):
    """Four entries; gives a function that finds their numbers."""
    with writing(engine) as session:
        audit.add(session, 100, "ada", "do", "svc/a", {"n": 1})
        audit.add(session, 200, "bo", "do", "svc/b", {}, old={"x": 1}, new={"x": 2})
        audit.add(session, 300, "ada", "undo", "svc_/c", {}, new={"x": "ä"})
        audit.add(session, 400, "ada", "undo", "user/ada", {}, old={})
        first = audit.of(session)[-1].id

    def find(limit=10, **wanted):
        if "before" in wanted:
            wanted["before"] += first - 1
        with reading(engine) as session:
            return [e.id - first + 1 for e in audit.found(session, Wanted(**wanted), limit)]

    return find


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"who": "ada"}, [4, 3, 1]),
        ({"action": "do"}, [2, 1]),
        ({"subject": "svc/"}, [2, 1]),
        ({"subject": "svc_"}, [3]),
        ({"subject": "%"}, []),
        ({"since": 200, "until": 400}, [3, 2]),
        ({"before": 3}, [2, 1]),
        ({"before": 3, "who": "ada"}, [1]),
        ({"limit": 2}, [4, 3]),
    ],
)
def test_what_is_wanted_is_found_newest_first(entries, wanted, numbers):
    assert entries(**wanted) == numbers


def test_old_and_new_are_kept_as_they_were(engine, entries):
    assert entries()
    with reading(engine) as session:
        found = [(e.old, e.new) for e in audit.of(session)]
        assert audit.actions(session) == ["do", "undo"]
    assert found == [({}, None), (None, {"x": "ä"}), ({"x": 1}, {"x": 2}), (None, None)]


@pytest.fixture
def declare(engine, make):
    """A function that declares `svc/one` as slo.yaml would."""

    def declared(at, **fields):
        with writing(engine) as session:
            slos.declare(session, [make.declared("svc/one", **fields)], at)

    return declared


def test_slo_yaml_writes_what_it_changes(engine, declare):
    declare(100, owner="mia")
    declare(200, owner="mia")
    declare(300, objective=Decimal("0.995"), owner="mia", labels=(("team", "a"),))
    with writing(engine) as session:
        slos.pause_absent(session, [], 400)
    declare(500, objective=Decimal("0.995"), owner="mia", labels=(("team", "a"),))
    with reading(engine) as session:
        found = [(e.at, e.who, e.action, e.old, e.new) for e in audit.of(session, "svc/one")]
    who = audit.CONFIG
    assert found == [
        (500, who, "resume", {"state": "paused"}, {"state": "declared"}),
        (400, who, "pause", {"state": "declared"}, {"state": "paused"}),
        (
            300,
            who,
            "revise",
            {"objective": "0.999", "labels": {}},
            {"objective": "0.995", "labels": {"team": "a"}},
        ),
        (100, who, "declare", None, {"objective": "0.999", "window": "30d", "owner": "mia"}),
    ]


def test_slo_yaml_says_what_it_counts_anew(engine, declare):
    declare(100)
    declare(200, bucket=30)
    declare(300, bucket=30, bad='code=~"4.."')
    declare(400, bucket=30, bad='code=~"4.."', source="other")
    declare(500, bucket=30, bad='code=~"4.."', source="other")
    with reading(engine) as session:
        found = [e for e in audit.of(session, "svc/one") if e.action == "remeter"]
    assert [e.at for e in found] == [400, 300, 200]
    source, indicator, interval = found
    assert (source.old, source.new) == ({}, {})
    assert indicator.old == {"bad": 'requests_total{code=~"5..",slo="x"}'}
    assert indicator.new == {"bad": 'requests_total{code=~"4..",slo="x"}'}
    assert (interval.old, interval.new) == ({"interval": "1m"}, {"interval": "30s"})
    assert {e.who for e in found} == {audit.CONFIG}
