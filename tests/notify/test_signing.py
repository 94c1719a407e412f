"""Signatures: the vectors of Standard Webhooks 1.0.0, and its library as the judge."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from slo.notify.signing import signature, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


@pytest.mark.parametrize(
    ("secret", "msg_id", "at", "body", "expected"),
    [
        (SECRET, ID, AT, BODY, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (OTHER, ID, AT, BODY, "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI="),
        (SECRET, "msg_1", 1700000000, b"", "v1,gSiPCGkMwgBPwtqun+0WQGJwP7wCS5MuBHUR5RLZhOo="),
        (
            SECRET,
            "msg_1",
            1700000000,
            '{"t":"č€"}'.encode(),
            "v1,X/lbfamKrU0YiXA54NoYKCNbGpoSk4IynddtR0LXJQ4=",
        ),
    ],
)
def test_the_vectors_of_the_specification(secret, msg_id, at, body, expected):
    assert signature(secret, msg_id, at, body) == expected


def test_a_plain_secret_is_the_key_itself():
    # The 24 bytes of SECRET are no text, those of this key are.
    plain = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    assert signature("012345678901234567890123", ID, AT, BODY) == signature(
        f"whsec_{plain}", ID, AT, BODY
    )


@given(st.text(max_size=200), st.binary(min_size=24, max_size=64))
def test_the_library_accepts_what_we_sign(text, key):
    secret = "whsec_" + base64.b64encode(key).decode()
    body = json.dumps(text)
    now = int(datetime.now(UTC).timestamp())
    headers = dict(signed_headers((secret,), ID, now, body.encode()))
    assert Webhook(secret).verify(body, headers) == text


def test_each_secret_signs_while_keys_are_exchanged():
    now = int(datetime.now(UTC).timestamp())
    headers = dict(signed_headers((SECRET, OTHER), ID, now, BODY))
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(BODY.decode(), headers) == {"test": 2432232314}


def test_without_a_secret_the_message_still_has_its_id_and_time():
    assert dict(signed_headers((), ID, AT, BODY)) == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
    }
