"""What a reply calls for, and when a receiver may be told."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.breaker import DISABLED_AFTER, Health, after, leave, resumed, spend
from slo.domain.delivery import Reply, Verdict, judge
from slo.domain.facts_json import facts_from_json, facts_json
from slo.domain.notification import Contributor, Facts
from slo.domain.schedule import LONGEST_DELAY, Limit, lifetime, limit_of, retry_delay

NOW = 1_795_206_000.0
LIMIT = Limit(1.0, 3.0)
FAILED = Verdict("retry", "answered 500")
FULL = Health("pager", tokens=1e9, tokens_at=NOW)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_the_decision_of_the_policy(status):
    special = {
        **dict.fromkeys((400, 415, 422), "dead"),
        **dict.fromkeys((401, 403, 404), "refused"),
        410: "gone",
        413: "shorten",
    }
    expected = "delivered" if 200 <= status < 300 else special.get(status, "retry")
    assert judge(Reply(status=status)).action == expected


def test_a_redirect_says_what_to_do():
    assert "update the URL" in judge(Reply(status=302)).why


@pytest.mark.parametrize(
    ("failure", "action", "unclear"),
    [
        ("dns", "retry", False),
        ("refused", "retry", False),
        ("timeout", "retry", True),
        ("reset", "retry", True),
        ("tls", "retry", False),
        ("protocol", "retry", True),
        ("forbidden", "refused", False),
    ],
)
def test_every_network_failure_has_its_decision(failure, action, unclear):
    verdict = judge(Reply(failure=failure, error="no"))
    assert (verdict.action, verdict.unclear, verdict.why) == (action, unclear, "no")


@pytest.mark.parametrize(
    ("status", "accepted", "action"),
    [
        (200, False, "retry"),
        (200, True, "delivered"),
        (400, True, "delivered"),
        (400, None, "dead"),
    ],
)
def test_the_body_decides_where_it_says_something(status, accepted, action):
    assert judge(Reply(status=status, accepted=accepted)).action == action


@pytest.mark.parametrize(
    ("status", "action"),
    [(250, "delivered"), (421, "retry"), (451, "retry"), (535, "refused"), (550, "dead"),
     (552, "shorten"), (554, "dead")],
)  # fmt: skip
def test_smtp_is_judged_by_its_own_meaning(status, action):
    assert judge(Reply(status=status), smtp=True).action == action


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", 7.0),
        ("0", 1.0),
        ("86400", 3600.0),
        ("9" * 400, 3600.0),
        ("Fri, 20 Nov 2026 20:21:00 GMT", 60.0),
        ("Fri, 20 Nov 2026 20:21:00 -0000", 60.0),
        ("Fri, 20 Nov 2026 20:00:00 GMT", 1.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_bounds(header, wait):
    assert judge(Reply(status=429, retry_after=header), NOW).wait == wait


@given(st.text(max_size=60))
def test_no_retry_after_is_a_fault(header):
    wait = judge(Reply(status=503, retry_after=header), NOW).wait
    assert wait is None or 1.0 <= wait <= 3600.0


@pytest.mark.parametrize("kind", ["pagerduty", "slack", "webhook"])
def test_delays_grow_to_their_last_and_are_jittered_by_at_most_half(kind):
    spans = {
        "webhook": [5, 300, 1800, 7200, 18_000],
    }.get(kind, [2, 5, 15, 30, 60, 120, 300, 300])
    for attempts, whole in enumerate(spans, start=1):
        found = {retry_delay(kind, attempts, f"msg_{i}") for i in range(200)}
        assert min(found) >= max(1.0, whole / 2)
        assert max(found) <= whole
        assert len(found) > 100
    assert retry_delay(kind, 3, "msg_1") == retry_delay(kind, 3, "msg_1")


def test_lifetimes_are_those_of_the_types():
    hours = [lifetime(kind, "opened") / 3600 for kind in ("pagerduty", "slack", "webhook")]
    assert hours == [24, 4, 72]
    assert lifetime("opsgenie", "resolved") / 3600 == 48


def test_the_bucket_of_pagerduty_keeps_to_its_limit_in_any_minute():
    limit = limit_of("pagerduty")
    assert limit.burst + 60 * limit.rate <= 120


def test_a_bucket_gives_its_burst_and_then_its_rate():
    health = FULL
    assert leave(health, LIMIT, NOW).count == 3
    health = spend(health, LIMIT, 3, NOW)
    assert leave(health, LIMIT, NOW).count == 0
    assert leave(health, LIMIT, NOW + 2.5).count == 2
    assert leave(health, LIMIT, NOW - 100).count == 0
    assert leave(health, LIMIT, NOW + 1e6).count == 3


def test_while_one_probes_nobody_else_does():
    health = FULL
    for _ in range(5):
        health = after(health, FAILED, "pagerduty", NOW)
    assert health.state == "open"
    assert leave(health, LIMIT, NOW + 59).count == 0
    probe = leave(health, LIMIT, NOW + 60)
    assert (probe.count, probe.probe) == (1, True)
    assert leave(spend(health, LIMIT, 1, NOW + 60), LIMIT, NOW + 61).count == 0


def test_four_failures_do_not_open_the_breaker():
    health = FULL
    for _ in range(4):
        health = after(health, FAILED, "pagerduty", NOW)
    assert health.state == "failing"
    assert leave(health, LIMIT, NOW).count == 3


def test_refusals_that_are_not_in_a_row_do_not_pause():
    refused = Verdict("refused", "answered 403")
    health = after(after(FULL, refused, "slack", NOW), refused, "slack", NOW)
    health = after(after(health, FAILED, "slack", NOW), refused, "slack", NOW)
    assert health.paused_at is None
    health = after(after(health, refused, "slack", NOW), refused, "slack", NOW)
    assert health.state == "paused"
    assert after(health, Verdict("delivered"), "slack", NOW + 9).state == "ok"


def test_an_answer_to_a_bad_message_shows_that_the_receiver_works():
    health = after(after(FULL, FAILED, "slack", NOW), Verdict("dead", "answered 400"), "slack", NOW)
    assert health.state == "ok"


@pytest.mark.parametrize(("kind", "state"), [("webhook", "paused"), ("pagerduty", "open")])
def test_only_a_webhook_is_disabled_for_failing_long(kind, state):
    health = dataclasses.replace(FULL, failures=9, failing_since=NOW - DISABLED_AFTER)
    assert after(health, FAILED, kind, NOW).state == state


@given(
    st.lists(
        st.sampled_from(["delivered", "retry", "dead", "refused", "gone", "shorten"]), max_size=30
    ),
    st.sampled_from(["pagerduty", "slack", "webhook"]),
)
def test_a_receiver_is_always_tried_again_within_the_hour(actions, kind):
    health = FULL
    for action in actions:
        health = after(health, Verdict(action, "x"), kind, NOW)
    assert leave(health, LIMIT, NOW + LONGEST_DELAY).count > 0
    clean = resumed(health)
    assert leave(clean, LIMIT, NOW).count == 3


def test_facts_come_back_from_json_as_they_were():
    facts = Facts(
        kind="opened",
        severity="page",
        dedup_key="here/incident/1",
        title="Größe ☃",
        summary="why",
        at=1,
        service="svc",
        slos=("svc/a", "svc/b"),
        labels=(("team", "ml"),),
        burn_rates=(("1h", 14.9), ("5m", None)),
        contributors=(Contributor('{"code":"500"}', 1.0, 2.0),),
    )
    assert facts_from_json(facts_json(facts)) == facts
    later = facts_json(facts).replace('"at": 1', '"at": 1, "of a later version": 2')
    assert facts_from_json(later) == facts
