"""docs/receivers.md says what is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from slo.config.loader import load
from slo.domain.notification import Contributor
from slo.notify.receivers import webhook
from slo.notify.wording import ACTS

PAGE = (Path(__file__).parents[2] / "docs" / "receivers.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENV = {
    "PAGERDUTY_KEY": "K" * 32,
    "AM_TOKEN": "token-of-am",
    "SLACK_URL": "https://hooks.slack.com/services/T/B/X",
    "TEAMS_URL": "https://x.logic.azure.com/workflows/1?sig=x",
    "OPSGENIE_KEY": "genie-key",
    "JSM_KEY": "jsm-key",
    "SMTP_PASSWORD": "smtp-password",
    "HOOK_SECRET": SECRET,
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_every_receiver_of_the_page_is_valid(text, tmp_path):
    names = re.findall(r"^  ([a-z-]+):", text, re.MULTILINE)
    path = tmp_path / "slo.yaml"
    path.write_text(f"SLO: {{availability: 99.9%}}\n{text}routes: {{page: {json.dumps(names)}}}\n")
    settings = load(path, ENV)
    assert [receiver.name for receiver in settings.receivers] == names


def test_the_event_of_the_page_is_what_is_sent(make):
    shown = json.loads(blocks("json")[0])
    facts = make.facts(
        dedup_key=shown["data"]["dedup_key"],
        labels=(("team", "pay"),),
        burn_rates=(("1h", 16.2), ("5m", 15.8)),
        exhausted_at=None,
        contributors=(Contributor('{"code":"500"}', 812, 20_000),),
    )
    message = make.notification(facts, msg_id=shown["id"])
    assert webhook.cloud_event(message, shown["source"]) == shown


def test_the_code_of_the_page_verifies_what_is_sent(make):
    code: dict = {}
    exec(blocks("python")[0], code)
    receiver = make.receiver("webhook", "https://x.example.com")
    (request,) = webhook.requests(
        make.settings(), receiver, make.notification(), code["time"].time()
    )
    headers = dict(request.headers)
    code["verify"](SECRET, headers, request.body)
    with pytest.raises(ValueError, match="not signed"):
        code["verify"](SECRET, headers, request.body + b" ")
    with pytest.raises(ValueError, match="too old"):
        code["verify"](SECRET, {**headers, "webhook-timestamp": "1700000000"}, request.body)


def test_the_template_of_the_page_makes_json(make, tmp_path):
    path = tmp_path / "own.j2"
    path.write_text(blocks("jinja")[0])
    receiver = make.receiver("webhook", "https://x.example.com", options={"body": str(path)})
    facts = make.facts("resolved", title='"quoted"\n')
    (request,) = webhook.requests(make.settings(), receiver, make.notification(facts), make.NOW)
    made = json.loads(request.body)
    assert (made["text"], made["over"]) == ('"quoted"\n', True)


def test_every_type_of_event_is_on_the_page(make):
    for kind in ACTS:
        event = webhook.cloud_event(make.notification(make.facts(kind)), "x")
        short = event["type"].removeprefix("dev.slo-ledger.").removesuffix(".v1")
        if kind != "fallback":  # Nothing sends it; a fallback gets the notices themselves.
            assert short in PAGE or f"`.{short.partition('.')[2]}`" in PAGE
