"""The outbox from notice to delivery, on both databases, by a clock that the test moves."""

from __future__ import annotations

import pytest

from slo.config.settings import Route
from slo.domain.delivery import Reply
from slo.notify.dispatcher import dispatch_once
from slo.notify.outbox import enqueue
from slo.store import outbox, receivers, timeline
from slo.store.engine import reading, writing
from tests.support.outbox import (
    DOWN,
    NOW,
    Sink,
    add_incident,
    notice,
    one,
    receiver,
    settings,
    states,
)

HOUR = 3600


def put(engine, declared, *notices, now=NOW):
    with writing(engine) as session:
        return [enqueue(session, declared, each, now) for each in notices]


def run(engine, declared, sink, start, end, step=10):
    """Looks into the outbox every `step` seconds of simulated time."""
    now = start
    while now <= end:
        dispatch_once(engine, declared, now, send=sink)
        now += step


def lines(engine, incident=1):
    with reading(engine) as session:
        return [(e.kind, e.text) for e in timeline.of(session, incident)]


def health(engine, name):
    with reading(engine) as session:
        return receivers.healths(session)[name]


def test_six_hours_of_failure_lose_nothing_and_keep_the_order(engine):
    hook = receiver("hook", "webhook")
    declared, sink = settings(hook), Sink(DOWN)
    number = add_incident(engine)
    put(engine, declared, notice(incident=number))
    run(engine, declared, sink, NOW, NOW + 2 * HOUR, 120)
    put(engine, declared, notice("resolved", incident=number), now=NOW + 2 * HOUR)
    run(engine, declared, sink, NOW + 2 * HOUR, NOW + 6 * HOUR, 120)
    assert sink.taken == []
    assert states(engine) == [("opened", "pending"), ("resolved", "pending")]
    sink.reply = Reply(status=204)
    run(engine, declared, sink, NOW + 6 * HOUR, NOW + 6 * HOUR + 120, 30)
    assert sink.order == ["opened", "resolved"]
    assert len({msg_id for _, _, msg_id in sink.taken}) == 2
    kinds = [kind for kind, _ in lines(engine)]
    assert kinds == ["delivered", "delivered"]
    assert "opened to hook: delivered after" in lines(engine)[0][1]


def test_a_pager_is_not_woken_for_what_was_over_before_it_could_be_told(engine):
    declared, sink = settings(receiver("pager")), Sink(DOWN)
    number = add_incident(engine)
    put(engine, declared, notice(incident=number))
    run(engine, declared, sink, NOW, NOW + HOUR, 120)
    put(engine, declared, notice("resolved", incident=number), now=NOW + HOUR)
    run(engine, declared, sink, NOW + HOUR, NOW + 6 * HOUR, 120)
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + 6 * HOUR, NOW + 6 * HOUR + 120, 30)
    assert sink.taken == []
    assert states(engine) == [("opened", "suppressed"), ("resolved", "suppressed")]
    assert [kind for kind, _ in lines(engine)] == ["suppressed", "suppressed"]
    assert one(engine).error == "it was over before pager could be told"


def test_a_young_pair_reaches_the_pager_in_order(engine):
    declared, sink = settings(receiver("pager")), Sink(DOWN)
    put(engine, declared, notice(), notice("resolved"))
    run(engine, declared, sink, NOW, NOW + 300, 10)
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + 310, NOW + 500, 10)
    assert sink.order == ["opened", "resolved"]


def test_the_end_is_still_sent_where_the_beginning_may_have_arrived(engine):
    declared, sink = settings(receiver("pager")), Sink(Reply(failure="timeout", error="timed out"))
    put(engine, declared, notice(), notice("resolved"))
    run(engine, declared, sink, NOW, NOW + HOUR, 30)
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + HOUR, NOW + HOUR + 180, 30)
    assert states(engine) == [("opened", "suppressed"), ("resolved", "delivered")]


def test_an_end_is_not_suppressed_when_its_beginning_arrived(engine):
    declared, sink = settings(receiver("pager")), Sink()
    put(engine, declared, notice())
    dispatch_once(engine, declared, NOW, send=sink)
    sink.reply = DOWN
    put(engine, declared, notice("raised"), notice("resolved"), now=NOW + 10)
    run(engine, declared, sink, NOW + 10, NOW + HOUR, 30)
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + HOUR, NOW + HOUR + 120, 30)
    assert sink.order == ["opened", "raised", "resolved"]


def test_the_same_notice_twice_is_one_message(engine):
    declared = settings(receiver("pager"), receiver("chat", "slack"))
    assert put(engine, declared, notice(), notice()) == [("pager", "chat"), ()]
    assert len(states(engine)) == 2


def test_a_rolled_back_transaction_leaves_no_message(engine):
    declared = settings(receiver("pager"))

    def fail():
        with writing(engine) as session:
            enqueue(session, declared, notice(), NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert states(engine) == []


def test_one_subject_waits_for_its_elder_and_others_do_not(engine):
    declared = settings(receiver("hook", "webhook"))
    poison = Reply(status=500)
    sink = Sink(lambda n, _: poison if n.subject == "incident/1" else Reply(status=200))
    put(engine, declared, notice(), notice("resolved"), notice(subject="incident/2"))
    dispatch_once(engine, declared, NOW, send=sink)
    assert [(s, t) for s, t, _ in sink.taken] == [("hook", "opened")]
    assert states(engine)[:2] == [("opened", "pending"), ("resolved", "pending")]


def test_the_breaker_opens_after_five_failures_and_probes_with_the_oldest(engine):
    declared, sink = settings(receiver("pager")), Sink(DOWN)
    put(engine, declared, *(notice(subject=f"incident/{i}") for i in range(8)))
    dispatch_once(engine, declared, NOW, send=sink)
    assert len(sink.asked) == 5
    assert health(engine, "pager").state == "open"
    sink.asked.clear()
    run(engine, declared, sink, NOW + 10, NOW + 190, 10)
    assert [at - NOW for at, *_ in sink.asked] == [60, 120, 180]
    assert one(engine, 1).attempts == 4
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + 200, NOW + 250, 10)
    assert len(sink.taken) == 8
    assert health(engine, "pager").state == "ok"


def test_retry_after_holds_the_whole_receiver(engine):
    declared = settings(receiver("pager"))
    sink = Sink(Reply(status=429, retry_after="120"))
    put(engine, declared, notice(), notice(subject="incident/2"))
    run(engine, declared, sink, NOW, NOW + 115, 5)
    assert len(sink.asked) == 1
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + 120, NOW + 130, 5)
    assert [at - NOW for at, *_ in sink.asked] == [0, 120, 120]


def test_a_token_bucket_spreads_a_storm(engine):
    declared, sink = settings(receiver("chat", "slack")), Sink(Reply(status=200))
    put(engine, declared, *(notice(subject=f"incident/{i}") for i in range(10)))
    dispatch_once(engine, declared, NOW, send=sink)
    assert len(sink.taken) == 3
    run(engine, declared, sink, NOW + 1, NOW + 7, 1)
    assert len(sink.taken) == 10


def test_three_refusals_pause_and_nothing_is_lost(engine):
    declared, sink = settings(receiver("pager")), Sink(Reply(status=403, error="answered 403"))
    put(engine, declared, notice())
    run(engine, declared, sink, NOW, NOW + 1800, 10)
    assert len(sink.asked) == 3
    paused = health(engine, "pager")
    assert paused.state == "paused"
    assert "403" in paused.paused_why
    run(engine, declared, sink, NOW + 1810, NOW + 3700, 10)
    assert len(sink.asked) == 4  # Once an hour it is tried.
    sink.reply = Reply(status=202)
    with writing(engine) as session:
        receivers.resume(session, "pager", NOW + 3710, "mia")
    dispatch_once(engine, declared, NOW + 3710, send=sink)
    assert states(engine) == [("opened", "delivered")]
    assert health(engine, "pager").state == "ok"


def test_what_is_gone_pauses_at_once(engine):
    declared, sink = settings(receiver("hook", "webhook")), Sink(Reply(status=410))
    put(engine, declared, notice())
    dispatch_once(engine, declared, NOW, send=sink)
    assert health(engine, "hook").state == "paused"
    assert states(engine) == [("opened", "pending")]


def test_a_webhook_is_paused_after_five_days_of_failure_and_a_pager_never(engine):
    declared = settings(receiver("pager"), receiver("hook", "webhook"))
    sink = Sink(DOWN)
    found = []
    for day in range(7):
        begin = NOW + day * 24 * HOUR
        put(engine, declared, notice(subject=f"incident/{day}"), now=begin)
        run(engine, declared, sink, begin, begin + 24 * HOUR - 1, 4 * HOUR)
        found.append((health(engine, "hook").state, health(engine, "pager").state))
    assert found == [("open", "open")] * 5 + [("paused", "open")] * 2


def test_a_lost_lease_is_sent_again_under_the_same_id(engine):
    declared = settings(receiver("pager"))
    put(engine, declared, notice())
    sink = Sink()

    class Killed(BaseException):
        pass

    def die(*args):
        sink(*args)
        raise Killed

    with pytest.raises(Killed):
        dispatch_once(engine, declared, NOW, send=die)
    dispatch_once(engine, declared, NOW + 20, send=sink)
    assert len(sink.taken) == 1
    dispatch_once(engine, declared, NOW + 200, send=sink)
    assert len(sink.taken) == 2
    assert len({msg_id for *_, msg_id in sink.taken}) == 1
    with reading(engine) as session:
        outcomes = [a.outcome for a in outbox.attempts_of(session, 1)]
    assert outcomes == ["unclear", "delivered"]


def test_a_dispatcher_that_lost_its_lease_leaves_the_state_to_the_other(engine):
    declared = settings(receiver("pager"))
    put(engine, declared, notice())
    inner = Sink()

    def slow(*_):
        dispatch_once(engine, declared, NOW + 500, send=inner)
        return Reply(status=500)

    dispatch_once(engine, declared, NOW, send=slow)
    assert states(engine) == [("opened", "delivered")]


@pytest.mark.parametrize(
    ("kind", "hours"), [("pagerduty", 24), ("slack", 4), ("webhook", 72), ("alertmanager", 24)]
)
def test_each_type_expires_after_its_time_and_is_told(engine, kind, hours):
    declared, sink = settings(receiver("out", kind)), Sink(DOWN)
    number = add_incident(engine)
    put(engine, declared, notice(incident=number))
    run(engine, declared, sink, NOW, NOW + hours * HOUR - 600, 2 * HOUR - 50)
    assert states(engine) == [("opened", "pending")]
    run(engine, declared, sink, NOW + hours * HOUR, NOW + hours * HOUR + 1)
    assert states(engine) == [("opened", "dead")]
    assert lines(engine)[-1][0] == "dead"
    with reading(engine) as session:
        assert outbox.dead_ids(session) == [1]


@pytest.mark.parametrize(
    ("kind", "end"),
    [("pagerduty", "delivered"), ("webhook", "delivered"), ("slack", "cancelled")],
)
def test_the_end_of_a_dead_message_is_sent_where_it_does_no_harm(engine, kind, end):
    declared = settings(receiver("out", kind))
    sink = Sink(lambda n, _: Reply(status=400 if n.transition == "opened" else 200))
    put(engine, declared, notice(), notice("resolved"))
    dispatch_once(engine, declared, NOW, send=sink)
    assert states(engine) == [("opened", "dead"), ("resolved", end)]


def test_too_long_is_tried_once_with_less_text(engine):
    declared = settings(receiver("hook", "webhook"))
    lengths = []

    def limited(_settings, _receiver, notification, _now):
        lengths.append(len(notification.facts.summary))
        return Reply(status=413 if lengths[-1] > 300 else 200)

    put(engine, declared, notice(summary="x" * 5000))
    dispatch_once(engine, declared, NOW, send=limited)
    assert lengths == [5000, 300]
    assert states(engine) == [("opened", "delivered")]
    put(engine, declared, notice(subject="incident/2", summary="x" * 5000))
    dispatch_once(engine, declared, NOW, send=Sink(Reply(status=413)))
    assert states(engine)[1] == ("opened", "dead")


def test_a_failing_pager_tells_its_fallback_after_five_minutes(engine):
    pager = receiver("pager", fallback="phone")
    routes = (Route("page", ("pager",)),)
    declared = settings(pager, receiver("phone", "opsgenie"), routes=routes)
    number = add_incident(engine)
    sink = Sink(lambda n, _: DOWN if n.receiver == "pager" else Reply(status=202))
    put(engine, declared, notice(incident=number))
    run(engine, declared, sink, NOW, NOW + 290, 10)
    assert sink.taken == []
    run(engine, declared, sink, NOW + 300, NOW + 400, 10)
    assert [name for name, *_ in sink.taken] == ["phone"]
    assert health(engine, "pager").fallback_told
    put(engine, declared, notice("resolved", incident=number), now=NOW + 400)
    run(engine, declared, sink, NOW + 400, NOW + 600, 10)
    assert [(name, t) for name, t, _ in sink.taken] == [("phone", "opened"), ("phone", "resolved")]
    assert ("notified", "opened to pager: pager fails; phone is told instead") in lines(engine)


def test_a_ticket_does_not_reach_the_fallback(engine):
    pager = receiver("pager", fallback="phone")
    routes = (Route("ticket", ("pager",)),)
    declared = settings(pager, receiver("phone", "opsgenie"), routes=routes)
    sink = Sink(DOWN)
    put(engine, declared, notice(severity="ticket"))
    run(engine, declared, sink, NOW, NOW + 900, 10)
    assert {name for _, name, _ in sink.asked} == {"pager"}


def test_alertmanager_is_told_again_until_it_is_over(engine):
    declared, sink = settings(receiver("am", "alertmanager")), Sink(Reply(status=200))
    put(engine, declared, notice())
    run(engine, declared, sink, NOW, NOW + 299, 10)
    assert sink.order == ["opened"] * 5
    put(engine, declared, notice("resolved"), now=NOW + 300)
    sink.taken.clear()
    run(engine, declared, sink, NOW + 300, NOW + 3000, 10)
    assert set(sink.order) == {"resolved"}
    assert len(sink.taken) == 15
    assert one(engine).attempts == 1


def test_mail_to_a_receiver_that_is_gone_waits_and_then_expires(engine):
    declared, sink = settings(receiver("pager"), receiver("old", "slack")), Sink()
    put(engine, declared, notice())
    left = settings(receiver("pager"))
    run(engine, left, sink, NOW, NOW + 4 * HOUR - 600, 600)
    assert states(engine, "old") == [("opened", "pending")]
    run(engine, left, sink, NOW + 4 * HOUR, NOW + 4 * HOUR)
    assert states(engine, "old") == [("opened", "dead")]
    assert states(engine, "pager") == [("opened", "delivered")]


def test_what_opens_again_is_paged_even_if_its_first_pair_was_suppressed(engine):
    declared, sink = settings(receiver("pager")), Sink(DOWN)
    put(engine, declared, notice(), notice("resolved"))
    run(engine, declared, sink, NOW, NOW + HOUR, 30)
    put(engine, declared, notice("reopened", transition="reopened/1"), now=NOW + HOUR)
    sink.reply = Reply(status=202)
    run(engine, declared, sink, NOW + HOUR, NOW + HOUR + 120, 30)
    assert [s for _, s in states(engine)] == ["suppressed", "suppressed", "delivered"]
    assert sink.order == ["reopened/1"]
