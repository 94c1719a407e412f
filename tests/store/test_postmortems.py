from __future__ import annotations

import threading

import pytest

from slo.domain.incident import AUTO
from slo.domain.postmortem import (
    LONGEST_BODY,
    ActionItem,
    Conflict,
    PostmortemError,
    UnknownPostmortemError,
)
from slo.store import action_items, audit, postmortems, timeline
from slo.store.action_items import ItemChangedError
from slo.store.engine import reading, writing
from tests.postmortem.conftest import book, open_incident

NOW = 1_795_206_072  # 2026-11-20
WHY = "svc/one lost 31% of its error budget, over 20%"


@pytest.fixture
def incident(engine):
    with writing(engine) as session:
        book(session)
        return open_incident(session)


def create(engine, incident, why=""):
    with writing(engine) as session:
        postmortems.create(session, incident, "Title", "first", "<svg></svg>", why, NOW)


def save(engine, incident, body, version, who="mia", title="Title"):
    with writing(engine) as session:
        return postmortems.save(session, incident, title, body, version, who, NOW + 10)


def status(engine, incident, to, who="leo", version=None):
    with writing(engine) as session:
        return postmortems.set_status(session, incident, to, who, NOW + 20, version).about


def add(engine, incident, text="do it", who="mia", **fields):
    with writing(engine) as session:
        return action_items.add(session, incident, ActionItem(text, **fields), who, NOW)


def change(engine, item, version=1, who="mia", **fields):
    with writing(engine) as session:
        return action_items.change(session, item, fields, version, who, NOW + 30)


def test_two_editors_lose_nothing(engine, incident):
    create(engine, incident)
    assert save(engine, incident, "mine", 1).about.version == 2
    with pytest.raises(Conflict) as caught:
        save(engine, incident, "yours", 1, who="leo", title="Yours")
    conflict = caught.value
    assert (conflict.base.body, conflict.theirs.body, conflict.body) == ("first", "mine", "yours")
    assert (conflict.theirs.who, conflict.theirs.number, conflict.title) == ("mia", 2, "Yours")
    assert "mia saved version 2" in str(conflict)
    save(engine, incident, "mine and yours", 2, who="leo")
    with reading(engine) as session:
        saved = postmortems.versions(session, incident)
    assert [(v.number, v.body, v.who) for v in saved] == [
        (1, "first", AUTO),
        (2, "mine", "mia"),
        (3, "mine and yours", "leo"),
    ]


def test_of_many_editors_at_once_one_saves_and_the_others_are_told(engine, incident):
    create(engine, incident)
    together, results = threading.Barrier(6), []

    def edit(name):
        together.wait()
        try:
            save(engine, incident, f"by {name}", 1, who=name)
            results.append((name, None))
        except Conflict as conflict:
            results.append((name, conflict))

    threads = [threading.Thread(target=edit, args=(f"e{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [name for name, conflict in results if conflict is None]
    others = [(name, c) for name, c in results if c is not None]
    assert len(others) == 5
    assert all(c.theirs.body == f"by {winner}" and c.body == f"by {n}" for n, c in others)
    with reading(engine) as session:
        assert postmortems.one(session, incident).body == f"by {winner}"


def test_the_same_text_again_is_no_new_version(engine, incident):
    create(engine, incident)
    save(engine, incident, "mine", 1)
    assert save(engine, incident, "mine", 1).about.version == 2
    assert save(engine, incident, "a\r\nb\x1b[2Jc\0", 2).body == "a\nb[2Jc"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": " "}, "title: is empty"),
        ({"title": "x" * 301}, "title: has 301"),
        ({"title": "a\nb"}, "title: has more than one line"),
        ({"body": "x" * (LONGEST_BODY + 1)}, "body: has 200,001"),
        ({"who": ""}, "who: is empty"),
        ({"who": AUTO}, "who: 'SLO Ledger' is the service itself"),
        ({"who": "a\nb"}, "who: must be one line"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_with_its_place(engine, incident, fields, said):
    create(engine, incident)
    given = {"body": "b", "version": 1, **fields}
    with pytest.raises(PostmortemError, match=said):
        save(engine, incident, **given)


def test_it_is_reviewed_then_published_and_may_go_back(engine, incident):
    create(engine, incident)
    with pytest.raises(PostmortemError, match="cannot become 'published'; it can become review"):
        status(engine, incident, "published")
    assert status(engine, incident, "review").status == "review"
    assert save(engine, incident, "better", 1).about.status == "review"
    with pytest.raises(Conflict):
        status(engine, incident, "published", version=1)
    done = status(engine, incident, "published", version=2)
    assert (done.reviewed_by, done.reviewed_at, done.published_at) == ("leo", NOW + 20, NOW + 20)
    with pytest.raises(PostmortemError, match="is published; set it back to draft"):
        save(engine, incident, "later", 2)
    back = status(engine, incident, "draft")
    assert (back.status, back.reviewed_by, back.published_at) == ("draft", None, None)
    with reading(engine) as session:
        told = [e.text for e in timeline.of(session, incident) if e.kind == "postmortem"]
        entries = audit.of(session, f"incident/{incident}")
    assert told[1] == "The postmortem went from review to published."
    assert {e.action for e in entries} == {"postmortem-save", "postmortem-status"}


def test_a_required_one_is_published_only_with_an_urgent_action_item(engine, incident):
    create(engine, incident, WHY)
    status(engine, incident, "review")
    add(engine, incident, priority="P1")
    dropped = add(engine, incident, priority="P0", state="dropped")
    with pytest.raises(PostmortemError, match="needs at least one action item of priority P0"):
        status(engine, incident, "published")
    change(engine, dropped.id, state="open")
    assert status(engine, incident, "published").status == "published"
    with pytest.raises(PostmortemError, match="priority P0"):
        change(engine, dropped.id, version=2, priority="P3")
    assert change(engine, dropped.id, version=2, state="done").state == "done"


def test_items_come_overdue_first_then_by_due_date(engine, incident):
    create(engine, incident)
    with writing(engine) as session:
        other = open_incident(session, slo="svc/one", share=0.1)
        postmortems.create(session, other, "Other", "b", "", "", NOW)
    wanted = [
        add(engine, other, "older", due="2026-11-01", owner="leo"),
        add(engine, incident, "late", due="2026-11-19", priority="P3"),
        add(engine, incident, "today", due="2026-11-20", priority="P0"),
        add(engine, incident, "today too", due="2026-11-20", priority="P1"),
        add(engine, other, "some day", priority="P0"),
        add(engine, incident, "done", due="2026-10-01", state="done"),
    ]
    with reading(engine) as session:
        assert action_items.listed(session, NOW) == wanted
        assert [i.text for i in action_items.listed(session, NOW, overdue=True)] == [
            "older",
            "late",
        ]
        assert [i.text for i in action_items.listed(session, NOW, owner="leo")] == ["older"]
        about = next(s for s in postmortems.listed(session) if s.incident == other)
    assert (about.items, about.items_left, about.title) == (2, 2, "Other")


def test_an_item_is_done_and_opened_again(engine, incident):
    create(engine, incident)
    item = add(engine, incident, " do it ", owner=" mia ", due="")
    assert (item.text, item.owner, item.due, item.done_at) == ("do it", "mia", None, None)
    done = change(engine, item.id, state="done", due="2026-12-24")
    assert (done.done_at, done.version, done.due) == (NOW + 30, 2, "2026-12-24")
    assert change(engine, item.id, version=2, state="open").done_at is None


def test_two_who_change_an_item_are_told(engine, incident):
    create(engine, incident)
    item = add(engine, incident)
    change(engine, item.id, state="done")
    with pytest.raises(ItemChangedError, match="at version 2, not 1") as caught:
        change(engine, item.id, state="dropped", who="leo")
    assert caught.value.item.state == "done"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": " "}, "text: is empty"),
        ({"text": "x" * 2001}, "text: must be at most 2,000"),
        ({"owner": "a\nb"}, "owner: must be one line"),
        ({"priority": "P4"}, "priority: 'P4' is unknown; one of P0, P1, P2, P3"),
        ({"kind": "x"}, "kind: 'x' is unknown; one of mitigate, prevent, process, other"),
        ({"state": "x"}, "state: 'x' is unknown; one of open, in progress, done, dropped"),
        ({"due": "tomorrow"}, "due: 'tomorrow' is not a date; write for example 2026-12-31"),
        ({"due": "2026-02-30"}, "due: '2026-02-30' is not a date"),
        ({"due": "20261231"}, "due: '20261231' is not a date"),
    ],
)
def test_a_bad_field_of_an_item_is_refused_with_its_name(engine, incident, fields, said):
    create(engine, incident)
    with pytest.raises(PostmortemError, match=said):
        add(engine, incident, **{"text": "t", **fields})
    item = add(engine, incident)
    with pytest.raises(PostmortemError, match=said):
        change(engine, item.id, **fields)


def test_what_there_is_not_is_told(engine, incident):
    with reading(engine) as session:
        assert postmortems.one(session, incident) is None
    with pytest.raises(UnknownPostmortemError, match=f"incident {incident} has no postmortem"):
        save(engine, incident, "b", 1)
    with pytest.raises(UnknownPostmortemError, match="has no postmortem"):
        add(engine, incident)
    with pytest.raises(UnknownPostmortemError, match="no action item 77"):
        change(engine, 77, state="done")
    create(engine, incident)
    with pytest.raises(PostmortemError, match="done_at: cannot be set"):
        change(engine, add(engine, incident).id, done_at=1)


def test_a_required_one_that_is_published_while_its_item_is_dropped_keeps_one(engine, incident):
    create(engine, incident, WHY)
    status(engine, incident, "review")
    item = add(engine, incident, priority="P0")
    together, refused = threading.Barrier(2), []

    def run(step):
        together.wait()
        try:
            step()
        except PostmortemError as error:
            refused.append(error)

    steps = (
        lambda: status(engine, incident, "published"),
        lambda: change(engine, item.id, state="dropped"),
    )
    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert "priority P0" in str(refused[0])


def test_a_draft_that_another_process_made_first_stays(engine, incident):
    create(engine, incident)
    with writing(engine) as session:
        postmortems.create(session, incident, "Other", "other", "", "", NOW)
    with reading(engine) as session:
        assert postmortems.one(session, incident).body == "first"
        assert len(postmortems.versions(session, incident)) == 1
