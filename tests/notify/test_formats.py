"""What each receiver is sent, and that it stays within the receiver's limits."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import unquote

import pytest

from slo.domain.delivery import Reply, judge
from slo.domain.slo import SLO
from slo.notify.receivers import alertmanager, opsgenie, pagerduty, slack, teams, webhook
from slo.notify.sending import send
from slo.notify.wording import ACTS, headline, is_link, one_line

KINDS = tuple(ACTS)
BEGINNING = tuple(k for k, act in ACTS.items() if act == "trigger")
ENDING = ("resolved", "budget-over", "system-over")
FORMATS = {
    "pagerduty": pagerduty,
    "alertmanager": alertmanager,
    "slack": slack,
    "teams": teams,
    "opsgenie": opsgenie,
    "webhook": webhook,
}


def made(make, kind, of=None, settings=None, **fields):
    """The requests that a notification becomes."""
    receiver = make.receiver(kind, "https://there.example.com", **fields)
    settings = make.settings() if settings is None else settings
    return FORMATS[kind].requests(settings, receiver, make.notification(of), make.NOW)


def body_of(make, kind, of=None, **fields):
    return json.loads(made(make, kind, of, **fields)[0].body)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("notice", KINDS)
@pytest.mark.parametrize("size", [0, 1, 200, 10_000])
def test_any_facts_make_requests_of_json(kind, notice, size, make):
    for request in made(make, kind, make.hostile(notice, size)):
        assert json.loads(request.body)
        assert request.url.startswith("https://there.example.com")
        assert all("\n" not in value and value.isascii() for _, value in request.headers)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_second_attempt_says_the_same_but_for_its_time(kind, make):
    receiver = make.receiver(kind, "https://there.example.com")
    both = [
        FORMATS[kind].requests(make.settings(), receiver, make.notification(), at)[0]
        for at in (make.NOW, make.NOW + 60)
    ]
    if kind == "alertmanager":
        first, second = (json.loads(one.body)[0] for one in both)
        assert first["labels"] == second["labels"]
        assert first["startsAt"] == second["startsAt"]
    else:
        assert both[0].body == both[1].body


class TestPagerDuty:
    def test_a_trigger_tells_all_that_is_known(self, make):
        event = body_of(make, "pagerduty")
        assert event["routing_key"] == make.SECRETS["pagerduty"]
        assert event["event_action"] == "trigger"
        assert event["dedup_key"] == "slo-prod-eu/incident/142"
        assert event["client_url"] == "https://slo.example.com/incidents/142"
        assert {"href": "https://runbooks.example.com/checkout", "text": "Runbook"} in event[
            "links"
        ]
        payload = event["payload"]
        assert payload["summary"] == (
            "#142 checkout/availability burns its error budget: "
            "burned 16.2x over 1h and 15.8x over 5m; pages at 14.4x"
        )
        assert (payload["source"], payload["severity"]) == ("slo-prod-eu", "critical")
        assert payload["timestamp"] == "2026-11-20T20:15:00Z"
        assert (payload["component"], payload["group"]) == ("checkout", "payments")
        assert payload["class"] == "slo-incident"
        details = payload["custom_details"]
        assert details["burn_rate"] == "16.2x over 1h, 15.8x over 5m"
        assert details["budget_left"] == "61.3 %"
        assert details["labels"] == {"team": "pay", "tier": "1"}
        assert details["most_bad_events"] == ["code=500: 812 of 20,000 bad", "other: 3 of 9 bad"]

    @pytest.mark.parametrize("notice", KINDS)
    def test_each_kind_has_its_action(self, notice, make):
        event = body_of(make, "pagerduty", make.facts(notice))
        action = "resolve" if notice in ENDING else "trigger"
        action = "acknowledge" if notice == "acknowledged" else action
        assert event["event_action"] == action
        assert set(event) >= {"routing_key", "event_action", "dedup_key"}
        assert ("payload" in event) == (action == "trigger")

    def test_a_ticket_is_a_warning_and_a_test_harmless(self, make):
        ticket = body_of(make, "pagerduty", make.facts(severity="ticket"))
        assert ticket["payload"]["severity"] == "warning"
        test = body_of(make, "pagerduty", make.facts("test", dedup_key="x/test/1"))
        assert (test["payload"]["severity"], test["dedup_key"]) == ("info", "x/test/1")

    @pytest.mark.parametrize("notice", BEGINNING)
    @pytest.mark.parametrize("size", [1000, 1100, 10_000, 300_000])
    def test_it_stays_within_the_lengths(self, notice, size, make):
        request = made(make, "pagerduty", make.hostile(notice, size))[0]
        event = json.loads(request.body)
        assert len(event["payload"]["summary"]) <= 1024
        assert len(event["dedup_key"]) <= 255
        assert len(request.body) <= 512_000

    def test_details_that_are_too_long_are_left_out(self, make):
        labels = tuple((f"label{i}", "ğ" * 1000) for i in range(1000))
        request = made(make, "pagerduty", make.facts(labels=labels))[0]
        assert len(request.body) <= 512_000
        details = json.loads(request.body)["payload"]["custom_details"]
        assert details == {"note": "left out, since they are too long"}

    def test_long_keys_that_differ_stay_different_and_the_end_has_the_key_of_the_beginning(
        self, make
    ):
        a, b = ("slo/" + "x" * 300 + end for end in "ab")
        keys = [
            body_of(make, "pagerduty", make.facts(kind, dedup_key=key))["dedup_key"]
            for key in (a, b)
            for kind in ("opened", "resolved")
        ]
        assert keys[0] == keys[1] != keys[2] == keys[3]

    def test_its_usual_address_is_that_of_the_events_api(self, make):
        receiver = make.replace(
            make.receiver("pagerduty", "https://x"), options=(("routing_key", "K"),)
        )
        request = pagerduty.requests(make.settings(), receiver, make.notification(), 0)[0]
        assert request.url == "https://events.pagerduty.com/v2/enqueue"

    def test_the_reply_names_the_dedup_key(self):
        body = '{"status":"success","message":"Event processed","dedup_key":"abc"}'
        assert pagerduty.understood(Reply(202, body=body)).ref == "abc"
        for odd in ("", "[]", "null", '{"dedup_key":1}', "<html>", "[" * 4096):
            assert pagerduty.understood(Reply(202, body=odd)).ref is None


class TestOpsgenie:
    def test_an_alert_is_created_under_its_alias(self, make):
        request = made(make, "opsgenie")[0]
        assert request.url == "https://there.example.com/v2/alerts"
        assert dict(request.headers)["Authorization"] == f"GenieKey {make.SECRETS['opsgenie']}"
        alert = json.loads(request.body)
        assert alert["alias"] == "slo-prod-eu/incident/142"
        assert alert["priority"] == "P1"
        assert alert["responders"] == [{"type": "team", "name": "payments"}]
        assert alert["tags"] == ["slo", "burn"]
        assert (alert["entity"], alert["source"]) == ("checkout", "slo-prod-eu")
        assert all(isinstance(value, str) for value in alert["details"].values())

    @pytest.mark.parametrize(
        ("notice", "verb"),
        [("acknowledged", "acknowledge"), *((kind, "close") for kind in ENDING)],
    )
    def test_what_follows_names_the_alias_in_the_address(self, notice, verb, make):
        (request,) = made(make, "opsgenie", make.facts(notice))
        path, _, query = request.url.partition("?")
        assert path == (f"https://there.example.com/v2/alerts/slo-prod-eu%2Fincident%2F142/{verb}")
        assert query == "identifierType=alias"
        assert set(json.loads(request.body)) == {"user", "source", "note"}

    def test_a_raised_alert_gets_its_new_priority(self, make):
        create, priority = made(make, "opsgenie", make.facts("raised"))
        assert json.loads(create.body)["priority"] == "P1"
        assert priority.method == "PUT"
        assert priority.url.endswith("/slo-prod-eu%2Fincident%2F142/priority?identifierType=alias")
        assert json.loads(priority.body) == {"priority": "P1"}

    def test_a_ticket_is_p3_and_a_test_p5(self, make):
        assert body_of(make, "opsgenie", make.facts(severity="ticket"))["priority"] == "P3"
        assert body_of(make, "opsgenie", make.facts("test"))["priority"] == "P5"

    @pytest.mark.parametrize("base", ["/jsm/ops/integration", "/jsm/ops/integration/v2/alerts/"])
    def test_one_base_url_serves_jsm_operations(self, base, make):
        receiver = make.receiver("opsgenie", f"https://api.atlassian.com{base}")
        request = opsgenie.requests(make.settings(), receiver, make.notification(), 0)[0]
        assert request.url == "https://api.atlassian.com/jsm/ops/integration/v2/alerts"

    @pytest.mark.parametrize("notice", KINDS)
    def test_it_stays_within_the_lengths(self, notice, make):
        options = {"tags": tuple("t" * 80 for _ in range(30))}
        facts = make.hostile(notice, 100_000)
        for request in made(make, "opsgenie", facts, options=options):
            alert = json.loads(request.body)
            assert len(alert.get("message", "")) <= 130
            assert len(alert.get("alias", "")) <= 512
            assert len(alert.get("description", "")) <= 15_000
            assert len(alert.get("entity", "")) <= 512
            assert len(alert.get("source", "")) <= 100
            assert len(alert.get("note", "")) <= 25_000
            assert sum(len(k) + len(v) for k, v in alert.get("details", {}).items()) <= 8000
            tags = alert.get("tags", [])
            assert len(tags) <= 20
            assert all(len(tag) <= 50 for tag in tags)
            alias = request.url.removeprefix("https://there.example.com/v2/alerts/")
            assert len(unquote(alias.partition("/")[0])) <= 512

    def test_the_reply_names_the_request(self):
        body = '{"result":"Request will be processed","took":0.3,"requestId":"43a29c5c"}'
        assert opsgenie.understood(Reply(202, body=body)).ref == "43a29c5c"

    def test_a_raised_alert_whose_priority_is_not_taken_is_tried_again(self, make, server):
        def answer(connection, seen):
            number = 500 if seen.method == "PUT" else 202
            reply = b'{"requestId":"one"}'
            head = f"HTTP/1.1 {number} X\r\nContent-Length: {len(reply)}\r\n\r\n".encode()
            connection.sendall(head + reply)

        server.answer = answer
        receiver = make.receiver("opsgenie", server.url)
        message = make.notification(make.facts("raised"))
        reply = send(make.settings(server.port), receiver, message, make.NOW)
        assert (reply.status, reply.ref) == (500, "one")
        assert [seen.method for seen in server.seen] == ["POST", "PUT"]


class TestSlack:
    def test_a_message_has_blocks_and_a_text(self, make):
        message = body_of(make, "slack")
        assert message["text"].startswith(
            "[page] #142 checkout/availability burns its error budget"
        )
        kinds = [block["type"] for block in message["blocks"]]
        assert kinds == ["header", "section", "section", "actions", "context"]
        buttons = message["blocks"][3]["elements"]
        assert [b["url"] for b in buttons] == [
            "https://slo.example.com/incidents/142",
            "https://runbooks.example.com/checkout",
        ]

    @pytest.mark.parametrize("notice", KINDS)
    @pytest.mark.parametrize("size", [0, 5000, 10_000])
    def test_it_stays_within_the_limits_of_blocks(self, notice, size, make):
        request = made(make, "slack", make.hostile(notice, size))[0]
        message = json.loads(request.body)
        assert 0 < len(message["text"]) <= 40_000
        assert len(request.body.decode()) < 40_000
        for block in message["blocks"]:
            text = block.get("text", {}).get("text", "x")
            assert 0 < len(text) <= (150 if block["type"] == "header" else 3000)
            assert len(block.get("fields", [])) <= 10
            for part in (*block.get("fields", []), *block.get("elements", [])):
                shown = part["text"]["text"] if part["type"] == "button" else part["text"]
                assert 0 < len(shown) <= (75 if part["type"] == "button" else 2000)
        told = sum(len(json.dumps(block, ensure_ascii=False)) for block in message["blocks"])
        assert told < 13_000

    def test_markup_in_names_is_only_text(self, make):
        facts = make.facts(summary="<!here> & <http://evil|x>", owner="<@U1>")
        message = body_of(make, "slack", facts)
        text = json.dumps([b for b in message["blocks"] if b["type"] == "section"])
        assert "<" not in text
        assert "&lt;!here&gt; &amp; &lt;http://evil|x&gt;" in text
        assert "<" not in message["text"]

    def test_an_escape_is_never_cut_in_two(self):
        for limit in range(2, 40):
            cut = slack.escaped("&" * 100, limit)
            assert len(cut) <= limit
            assert cut.rstrip("…").replace("&amp;", "") == ""

    def test_a_200_must_say_ok(self):
        assert judge(slack.understood(Reply(200, body="ok\n"))).action == "delivered"
        odd = judge(slack.understood(Reply(200, body="<html>")))
        assert (odd.action, odd.unclear) == ("retry", True)
        assert "ok" in odd.why


class TestTeams:
    def test_a_card(self, make):
        message = body_of(make, "teams")
        card = message["attachments"][0]["content"]
        assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
        assert card["body"][0]["text"] == "#142 checkout/availability burns its error budget"
        assert {"title": "Budget left", "value": "61.3 %"} in card["body"][2]["facts"]
        assert [action["url"] for action in card["actions"]] == [
            "https://slo.example.com/incidents/142",
            "https://runbooks.example.com/checkout",
        ]

    @pytest.mark.parametrize("notice", KINDS)
    @pytest.mark.parametrize("letter", ["x", "ğ", "😀", '"'])
    def test_it_is_never_larger_than_20_kb_and_keeps_its_title(self, notice, letter, make):
        text = letter * 20_000
        facts = make.facts(
            notice,
            title=text,
            summary=text,
            service=text,
            owner=text,
            slos=(text,),
            installation=text,
            runbook="https://x.example/" + "r" * 1900,
        )
        request = made(make, "teams", facts)[0]
        assert len(request.body) <= 20_000
        card = json.loads(request.body)["attachments"][0]["content"]
        assert card["body"][0]["text"]
        assert card["actions"]

    def test_items_are_dropped_from_the_end(self, make):
        card = body_of(
            make, "teams", make.facts(summary="😀" * 3000, slos=("😀" * 900,) * 9, owner="😀" * 999)
        )
        body = card["attachments"][0]["content"]["body"]
        assert [item["type"] for item in body[:2]] == ["TextBlock", "TextBlock"]
        assert len(body) == 2

    def test_a_name_makes_no_link(self, make):
        request = made(make, "teams", make.facts(summary="[click](https://evil.example)"))[0]
        assert b"](" not in request.body


class TestWebhook:
    def test_an_event_is_a_cloud_event_signed_by_standard_webhooks(self, make):
        request = made(make, "webhook", settings=make.settings(url="https://slo.example.com"))[0]
        headers, event = dict(request.headers), json.loads(request.body)
        assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert headers["webhook-id"] == event["id"] == make.notification().msg_id
        assert headers["webhook-timestamp"] == str(int(make.NOW))
        assert headers["webhook-signature"].startswith("v1,")
        assert event["specversion"] == "1.0"
        assert event["source"] == "https://slo.example.com/"
        assert event["type"] == "dev.slo-ledger.incident.opened.v1"
        assert event["subject"] == "incident/142"
        assert event["time"] == "2026-11-20T20:15:00Z"
        data = event["data"]
        assert data["labels"] == {"team": "pay", "tier": "1"}
        assert data["burn_rates"] == {"1h": 16.2, "5m": 15.8, "3d": None}
        assert data["contributors"][0] == {"labels": {"code": "500"}, "bad": 812, "total": 20_000}
        assert data["resolved_at"] is None

    def test_each_kind_has_its_type(self, make):
        types = {body_of(make, "webhook", make.facts(kind))["type"] for kind in KINDS}
        assert len(types) == len(KINDS)
        assert "dev.slo-ledger.incident.resolved.v1" in types

    def test_a_new_attempt_is_signed_anew(self, make):
        receiver = make.receiver("webhook", "https://there.example.com")
        first, second = (
            dict(webhook.requests(make.settings(), receiver, make.notification(), at)[0].headers)
            for at in (make.NOW, make.NOW + 5)
        )
        assert first["webhook-id"] == second["webhook-id"]
        assert first["webhook-timestamp"] != second["webhook-timestamp"]
        assert first["webhook-signature"] != second["webhook-signature"]

    def test_several_secrets_sign_each(self, make):
        options = {"secret": (make.SIGNING, "a plain secret of letters")}
        headers = dict(made(make, "webhook", options=options)[0].headers)
        assert len(headers["webhook-signature"].split(" ")) == 2

    def test_headers_of_the_user_change_none_of_ours(self, make):
        options = {"headers": (("X-Team", "risk"), ("Webhook-Id", "x"), ("Content-Type", "x"))}
        request = made(make, "webhook", options=options)[0]
        headers = dict(request.headers)
        assert headers["x-team"] == "risk"
        assert headers["webhook-id"] == make.notification().msg_id
        assert headers["content-type"].startswith("application/cloudevents+json")
        assert len(request.headers) == len(headers)

    def test_a_template_makes_the_body(self, make, tmp_path):
        path = tmp_path / "body.json.j2"
        path.write_text('{"id": {{ event.id|tojson }}, "text": {{ data.title|tojson }}}')
        options = {"body": str(path), "content_type": "application/vnd.x+json"}
        request = made(make, "webhook", make.facts(title='"</script>\n'), options=options)[0]
        assert dict(request.headers)["content-type"] == "application/vnd.x+json"
        assert json.loads(request.body) == {
            "id": make.notification().msg_id,
            "text": '"</script>\n',
        }
        options.pop("content_type")
        request = made(make, "webhook", options=options)[0]
        assert dict(request.headers)["content-type"] == "application/json"

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("{{", "wrong on line 1"),
            ("\n{% if %}", "wrong on line 2"),
            ("{{ data.nothing.at_all }}", "fails: UndefinedError"),
            ("{{ 1 // 0 }}", "fails: ZeroDivisionError"),
            ("{{ data.__class__.__mro__ }}", "fails: SecurityError"),
            ("{{ data.update({'a': 1}) }}", "fails: SecurityError"),
            ("{% include 'x' %}", "fails: TypeError"),
            ("{{ 'a' * 60000 }}", "writes over 50,000"),
            ("{% for i in range(100000) %}x{% endfor %}", "writes over 50,000"),
            ("x" * 50_001, "over 50,000"),
            (b"\xff\xfe", "UTF-8"),
            (None, "cannot be read"),
        ],
    )
    def test_a_faulty_template_is_dead_with_its_reason(self, text, why, make, tmp_path, server):
        path = tmp_path / "own.j2"
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        receiver = make.receiver("webhook", server.url, options={"body": str(path)})
        reply = send(make.settings(server.port), receiver, make.notification(), make.NOW)
        assert judge(reply).action == "dead"
        assert "own.j2" in reply.error
        assert why in reply.error
        assert server.seen == []

    def test_what_is_misspelt_in_a_template_leaves_a_hole_and_not_a_lost_page(self, make, tmp_path):
        (tmp_path / "own.j2").write_text("<{{ data.titel }}>")
        request = made(make, "webhook", options={"body": str(tmp_path / "own.j2")})[0]
        assert request.body == b"<>"


class TestAlertmanager:
    def test_an_alert_begins_when_it_opened_and_ends_if_it_is_not_repeated(self, make):
        (alert,) = body_of(make, "alertmanager")
        assert alert["labels"] == {
            "alertname": "SLOBurn",
            "severity": "page",
            "service": "checkout",
            "slo": "checkout/availability",
            "installation": "slo-prod-eu",
            "subject": "incident/142",
            "owner": "payments",
            "team": "pay",
            "tier": "1",
            "cluster": "eu",
        }
        assert alert["startsAt"] == "2026-11-20T20:15:00Z"
        assert alert["endsAt"] == "2026-11-20T20:24:00.250Z"
        assert alert["annotations"]["runbook_url"] == "https://runbooks.example.com/checkout"
        assert alert["generatorURL"] == "https://slo.example.com/incidents/142"

    @pytest.mark.parametrize("notice", ENDING)
    def test_its_end_lies_in_the_past(self, notice, make):
        opened = body_of(make, "alertmanager")[0]
        (alert,) = body_of(make, "alertmanager", make.facts(notice, at=1_795_205_900))
        assert alert["endsAt"] == "2026-11-20T20:18:20Z"
        assert alert["labels"] == opened["labels"]

    def test_what_was_raised_ends_the_ticket_that_it_was(self, make):
        page, ticket = body_of(make, "alertmanager", make.facts("raised"))
        assert (page["labels"]["severity"], ticket["labels"]["severity"]) == ("page", "ticket")
        ticket["labels"]["severity"] = "page"
        assert ticket["labels"] == page["labels"]
        assert ticket["endsAt"] == "2026-11-20T20:20:00.250Z"

    def test_labels_are_those_of_the_first_slo_whichever_burns_most(self, make):
        first = SLO(
            "checkout",
            "availability",
            Decimal("0.999"),
            window=None,
            indicator=None,
            source="default",
            owner="shop",
            labels=(("team", "a"),),
        )
        settings = make.settings(slos=(first,))
        slos = ("checkout/availability", "checkout/latency")
        found = [
            body_of(make, "alertmanager", facts, settings=settings)[0]["labels"]
            for facts in (
                make.facts(slos=slos[:1], owner="shop", labels=(("team", "a"),)),
                make.facts(slos=slos, owner="other", labels=(("team", "b"),)),
            )
        ]
        assert found[0] == found[1]
        assert found[0]["team"] == "a"

    def test_names_of_labels_are_made_valid_and_empty_values_left_out(self, make):
        labels = (("a-b.c", "1"), ("9", "2"), ("empty", ""), ("ğ", "3"))
        found = body_of(make, "alertmanager", make.facts(labels=labels, owner=""))[0]["labels"]
        assert (found["a_b_c"], found["_9"], found["_"]) == ("1", "2", "3")
        assert "empty" not in found
        assert "owner" not in found

    def test_an_acknowledgement_is_not_sent(self, make):
        assert made(make, "alertmanager", make.facts("acknowledged")) == ()

    @pytest.mark.parametrize("path", ["", "/", "/api/v2/alerts", "/am"])
    def test_the_base_url_is_completed(self, path, make):
        receiver = make.receiver("alertmanager", f"https://am.example.com{path}")
        request = alertmanager.requests(make.settings(), receiver, make.notification(), 0)[0]
        prefix = "/am" if path == "/am" else ""
        assert request.url == f"https://am.example.com{prefix}/api/v2/alerts"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a.example/x?y=1#z", True),
        ("http://a", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://[", False),
        ("https://a.example/\n", False),
        ("https://a.example/ b", False),
        ('https://a.example/"', False),
        ("https://a.example/" + "x" * 2000, False),
        ("", False),
    ],
)
def test_only_web_addresses_become_links(url, good):
    assert is_link(url) is good


def test_one_line_holds_its_limit_and_has_no_control_characters():
    assert one_line("  a\r\n\tb\x00c \u2028d ", 100) == "a b c d"
    assert one_line("x" * 11, 10) == "x" * 9 + "…"
    assert one_line("", 10) == ""


def test_the_headline_says_what_happened(make):
    assert headline(make.facts("resolved")).startswith("Resolved: #142 checkout/availability")
    assert headline(make.facts("test", incident=None, title="Hello")) == "Test: Hello"
