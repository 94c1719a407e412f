from __future__ import annotations

import dataclasses
import threading

import pytest

from slo.domain.annotation import Annotation
from slo.store import annotations, audit
from slo.store.engine import reading, writing

NOW = 1_795_204_800


def make(title="release 2.4", scope="svc/*", at=NOW, **fields):
    fields = {"kind": "deploy", "end": None, "who": "ci", "created_at": NOW, **fields}
    return Annotation(0, scope=scope, at=at, title=title, **fields)


def put(engine, *wanted):
    with writing(engine) as session:
        return [annotations.add(session, one).annotation for one in wanted]


def titles(engine, start, end, scope=None):
    with reading(engine) as session:
        return [a.title for a in annotations.between(session, start, end, scope)]


def test_an_annotation_comes_back_as_it_was_added(engine):
    wanted = make(
        text="canary first",
        url="https://ci.example/42",
        labels=(("commit", "ab12"), ("version", "2.4")),
        end=NOW + 60,
        key="deploy-42",
    )
    (kept,) = put(engine, wanted)
    assert kept == dataclasses.replace(wanted, id=kept.id)
    with reading(engine) as session:
        assert annotations.one(session, kept.id) == kept
        assert annotations.one(session, kept.id + 1) is None
        assert annotations.between(session, NOW, NOW + 1) == [kept]


def test_the_same_key_twice_is_one_annotation(engine):
    with writing(engine) as session:
        first = annotations.add(session, make(key="k"))
        again = annotations.add(session, make("another title", key="k"))
        assert (first.new, again.new, again.removed) == (True, False, False)
        assert again.annotation == first.annotation
        annotations.add(session, make())
        annotations.add(session, make())
        assert len(annotations.listed(session)) == 3
        assert len(audit.of(session, "svc/*")) == 3


def test_one_that_runs_is_ended_once(engine):
    (runs,) = put(engine, make(key="k"))
    with writing(engine) as session:
        ended = annotations.end(session, runs.id, NOW + 60, NOW + 70, "mia")
        assert ended == dataclasses.replace(runs, end=NOW + 60)
        assert annotations.end(session, runs.id, NOW + 90, NOW + 90, "mia") is None
        assert annotations.of_key(session, "k") == annotations.Added(ended, new=False)
        assert annotations.of_key(session, "j") is None
        assert [e.action for e in audit.of(session, "svc/*")] == ["end-annotation", "annotate"]


def test_two_senders_of_one_key_at_once_make_one_annotation(engine):
    start, found = threading.Barrier(4), []

    def send():
        start.wait()
        with writing(engine) as session:
            found.append(annotations.add(session, make(key="k")))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added.new for added in found) == [False, False, False, True]
    assert len({added.annotation.id for added in found}) == 1


def test_a_removed_one_is_off_the_timeline_and_its_key_stays_used(engine):
    with writing(engine) as session:
        kept = annotations.add(session, make(key="k")).annotation
        assert annotations.remove(session, kept.id, NOW + 5, "mia") == kept
        assert annotations.remove(session, kept.id, NOW + 6, "mia") is None
        assert annotations.remove(session, 99, NOW, "mia") is None
        assert annotations.one(session, kept.id) is None
        assert annotations.listed(session) == []
        again = annotations.add(session, make(key="k"))
        assert (again.new, again.removed) == (False, True)


def test_adding_and_removing_are_audited(engine):
    with writing(engine) as session:
        kept = annotations.add(session, make(key="k", labels=(("version", "2.4"),))).annotation
        annotations.remove(session, kept.id, NOW + 5, "mia")
        removed, added = audit.of(session, "svc/*")
    assert (added.who, added.action, added.at) == ("ci", "annotate", NOW)
    assert added.detail["labels"] == {"version": "2.4"}
    assert added.detail["title"] == "release 2.4"
    assert (removed.who, removed.action, removed.at) == ("mia", "unannotate", NOW + 5)
    assert removed.detail == {"id": kept.id, "title": "release 2.4"}
    assert (added.old, removed.new) == (None, None)
    assert added.new == removed.old
    assert added.new == {
        "kind": "deploy",
        "at": NOW,
        "end": None,
        "title": "release 2.4",
        "text": "",
        "url": "",
        "labels": {"version": "2.4"},
        "key": "k",
    }


def test_between_gives_what_touches_the_span_in_order_of_time(engine):
    put(
        engine,
        make("later", at=NOW + 100),
        make("first", at=NOW),
        make("long ago", at=NOW - 500),
        make("reaches in", at=NOW - 500, end=NOW + 10),
        make("over", at=NOW - 500, end=NOW - 10),
    )
    assert titles(engine, NOW, NOW + 100) == ["reaches in", "first"]
    assert titles(engine, NOW, NOW + 101) == ["reaches in", "first", "later"]
    assert titles(engine, NOW + 1, NOW + 100) == ["reaches in"]


def test_an_experiment_without_an_end_runs_on_and_other_marks_do_not(engine):
    put(
        engine,
        make("runs", kind="experiment", at=NOW - 500),
        make("over", kind="experiment", at=NOW - 500, end=NOW - 10),
        make("of the service", "svc/*", NOW - 400, kind="experiment"),
        make("of another", "other/*", NOW - 400, kind="experiment"),
        make("a deploy", at=NOW - 500),
        make("to come", kind="experiment", at=NOW + 100),
    )
    assert titles(engine, NOW, NOW + 100, "svc/one") == ["runs", "of the service"]
    assert titles(engine, NOW - 600, NOW - 450, "svc/one") == ["runs", "over", "a deploy"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, ["all", "service", "slo", "other slo", "alike"]),
        ("*", ["all", "service", "slo", "other slo", "alike"]),
        ("a_b/one", ["all", "service", "slo"]),
        ("a_b/*", ["all", "service", "slo", "other slo"]),
        ("axb/one", ["all", "alike"]),
        ("none/one", ["all"]),
    ],
)
def test_a_scope_takes_what_is_about_it_and_no_other(engine, scope, expected):
    put(
        engine,
        make("all", "*", NOW),
        make("service", "a_b/*", NOW + 1),
        make("slo", "a_b/one", NOW + 2),
        make("other slo", "a_b/two", NOW + 3),
        make("alike", "axb/one", NOW + 4),
    )
    assert titles(engine, NOW, NOW + 10, scope) == expected


def test_a_list_goes_on_where_the_former_ended_though_times_are_equal(engine):
    put(engine, *[make(f"t{n}", at=NOW + n // 2) for n in range(7)])
    seen, before = [], None
    with reading(engine) as session:
        while found := annotations.listed(session, limit=2, before=before):
            seen += [a.title for a in found]
            before = (found[-1].at, found[-1].id)
        assert [a.title for a in annotations.listed(session, kind="config")] == []
    assert seen == [f"t{n}" for n in reversed(range(7))]


def test_one_that_ends_before_it_begins_is_refused(engine):
    with writing(engine) as session, pytest.raises(ValueError, match="end before it begins"):
        annotations.add(session, make(end=NOW - 1))
