"""Who is told of a notice, and from when on."""

from __future__ import annotations

import datetime as dt

import pytest

from slo.config.settings import QuietHours, Route
from slo.domain.delivery import Reply
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.notify.quiet import quiet_until
from slo.notify.trial import try_receiver
from slo.store import audit, outbox
from slo.store.engine import reading, writing
from tests.support.outbox import DOWN, NOW, Sink, notice, one, receiver, settings, states

NIGHT = QuietHours(22 * 60, 7 * 60, "Europe/Berlin")


def put(engine, declared, given, now=NOW):
    with writing(engine) as session:
        return enqueue(session, declared, given, now)


def epoch(text):
    return dt.datetime.fromisoformat(text).timestamp()


def test_routes_go_by_severity_service_owner_and_labels(engine):
    routes = (
        Route("page", ("pager",)),
        Route("page", ("chat",), service="svc"),
        Route("page", ("other",), service="elsewhere"),
        Route("page", ("mine",), owner="ml"),
        Route("page", ("labelled",), labels=(("tier", "1"),)),
        Route("ticket", ("mail",)),
    )
    names = ("pager", "chat", "other", "mine", "labelled", "mail")
    declared = settings(*(receiver(name, "webhook") for name in names), routes=routes)
    assert put(engine, declared, notice()) == ("pager", "chat")
    full = notice(subject="incident/2", owner="ml", labels=(("a", "b"), ("tier", "1")))
    assert put(engine, declared, full) == ("pager", "chat", "mine", "labelled")
    assert put(engine, declared, notice(subject="incident/3", severity="ticket")) == ("mail",)


def test_an_end_goes_to_those_who_were_told_whatever_the_routes_are_now(engine):
    chat, pager = receiver("chat", "slack"), receiver("pager")
    before = settings(chat, pager, routes=(Route("page", ("chat",)),))
    now = settings(chat, pager, routes=(Route("page", ("pager",)),))
    put(engine, before, notice())
    assert put(engine, now, notice("acknowledged")) == ("chat",)
    assert put(engine, now, notice("resolved")) == ("chat",)
    assert put(engine, now, notice("resolved", transition="resolved/2")) == ()
    assert put(engine, now, notice("reopened")) == ("pager",)
    assert put(engine, now, notice("resolved", transition="resolved/3")) == ("pager",)


def test_who_wants_no_ends_gets_none(engine):
    declared = settings(receiver("chat", "slack", send_resolved=False), receiver("pager"))
    put(engine, declared, notice())
    assert put(engine, declared, notice("acknowledged")) == ("chat", "pager")
    assert put(engine, declared, notice("resolved")) == ("pager",)


def test_who_hears_first_of_a_raised_incident_is_told_that_it_opened(engine):
    chat, pager = receiver("chat", "slack"), receiver("pager")
    routes = (Route("ticket", ("chat",)), Route("page", ("chat", "pager")))
    declared = settings(chat, pager, routes=routes)
    put(engine, declared, notice(severity="ticket"))
    raised = notice("raised", transition="raised/page")
    assert put(engine, declared, raised) == ("chat", "pager")
    assert [one(engine, n).facts.kind for n in (2, 3)] == ["raised", "opened"]
    assert put(engine, declared, raised) == ()


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-20T22:00:00+01:00", "2026-11-21T07:00:00+01:00"),
        ("2026-11-21T06:59:59+01:00", "2026-11-21T07:00:00+01:00"),
        ("2026-11-21T07:00:00+01:00", None),
        ("2026-11-20T21:59:59+01:00", None),
        # The night in which clocks go back is an hour longer.
        ("2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"),
    ],
)
def test_quiet_hours_end_on_the_local_clock(now, end):
    assert quiet_until(NIGHT, epoch(now)) == (None if end is None else epoch(end))


def test_quiet_hours_begin_on_their_days_only():
    friday = QuietHours(22 * 60, 7 * 60, "UTC", days=(4,))
    assert quiet_until(friday, epoch("2026-11-21T05:00:00Z")) == epoch("2026-11-21T07:00:00Z")
    assert quiet_until(friday, epoch("2026-11-21T23:00:00Z")) is None
    assert quiet_until(None, NOW) is None


def test_a_ticket_waits_for_the_morning_and_does_not_expire_in_its_sleep(engine):
    declared = settings(receiver("chat", "slack"), quiet_hours=NIGHT)
    night, morning = epoch("2026-11-20T22:30:00+01:00"), epoch("2026-11-21T07:00:00+01:00")
    put(engine, declared, notice(severity="ticket"), night)
    put(engine, declared, notice("resolved", severity="ticket"), night + 60)
    sink = Sink(Reply(status=200))
    dispatch_once(engine, declared, morning - 1, send=sink)
    assert sink.taken == []
    dispatch_once(engine, declared, morning, send=sink)
    assert sink.order == ["opened", "resolved"]


def test_a_page_wakes_people_and_takes_the_held_ticket_with_it(engine):
    declared = settings(receiver("chat", "slack"), quiet_hours=NIGHT)
    night = epoch("2026-11-20T22:30:00+01:00")
    put(engine, declared, notice(severity="ticket"), night)
    put(engine, declared, notice("raised", transition="raised/page"), night + 60)
    sink = Sink(Reply(status=200))
    dispatch_once(engine, declared, night + 60, send=sink)
    assert sink.order == ["opened", "raised/page"]


def test_the_installation_keeps_one_name(engine):
    with writing(engine) as session:
        first = outbox.installation_id(session)
    with writing(engine) as session:
        assert outbox.installation_id(session) == first
    assert len(first) == 16


def test_a_msg_id_is_no_other_and_holds_no_dot():
    ids = {outbox.new_msg_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(i) == 30 and i.startswith("msg_") and i[4:].isalnum() for i in ids)


def dead_letter(engine, declared):
    put(engine, declared, notice())
    dispatch_once(engine, declared, NOW, send=Sink(Reply(status=400)))
    assert states(engine) == [("opened", "dead")]


def test_a_dead_letter_is_sent_again_under_its_old_id_and_audited(engine):
    declared = settings(receiver("pager"))
    dead_letter(engine, declared)
    later = NOW + 90 * 3600
    with writing(engine) as session:
        before = outbox.by_id(session, 1)
        outbox.resend(session, 1, later, "mia")
    sink = Sink()
    dispatch_once(engine, declared, later, send=sink)
    assert sink.taken == [("pager", "opened", before.msg_id)]
    assert one(engine).attempts == 2
    with reading(engine) as session:
        assert [a.outcome for a in outbox.attempts_of(session, 1)] == ["dead", "delivered"]
        entry = audit.of(session, "notification/1")[0]
    assert (entry.who, entry.action) == ("mia", "resend")


def test_what_ended_is_not_opened_again_where_it_would_stay_open(engine):
    declared = settings(receiver("pager"))
    dead_letter(engine, declared)
    put(engine, declared, notice("resolved"))
    dispatch_once(engine, declared, NOW, send=Sink())
    with writing(engine) as session, pytest.raises(outbox.ResendError, match="stay open"):
        outbox.resend(session, 1, NOW, "mia", stateful={"pager"})
    with writing(engine) as session:
        assert outbox.resend(session, 1, NOW, "mia").state == "pending"


@pytest.mark.parametrize("number", [1, 7])
def test_pending_and_unknown_messages_are_not_resent(engine, number):
    put(engine, settings(receiver("pager")), notice())
    with writing(engine) as session, pytest.raises(outbox.ResendError):
        outbox.resend(session, number, NOW, "mia")


def test_a_test_is_sent_once_and_never_again(engine):
    pager = receiver("pager")
    declared = settings(pager)
    sent = try_receiver(engine, declared, pager, Sink(DOWN), lambda: NOW)
    assert sent.verdict.action == "retry"
    assert states(engine) == [("test", "dead")]
    sink = Sink()
    dispatch_once(engine, declared, NOW + 3600, send=sink)
    assert sink.taken == []
    with reading(engine) as session:
        assert outbox.dead_ids(session) == []
        assert len(outbox.attempts_of(session, 1)) == 1
