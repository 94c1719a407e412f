from __future__ import annotations

import re

import pytest

from slo.domain.token import Token, is_token, token_digest, token_id, token_text

ID, SECRET = "0123456789ab", "c" * 48
TEXT = token_text(ID, SECRET)


def test_a_token_says_what_it_is_and_ends_with_a_checksum():
    assert re.fullmatch(rf"slo_{ID}_{SECRET}_[0-9a-f]{{8}}", TEXT)
    assert token_id(TEXT) == ID


@pytest.mark.parametrize(
    "text",
    ["", "slo_", TEXT[:-1], TEXT + "0", TEXT.upper(), f" {TEXT}", TEXT.replace("cc", "cd", 1)],
)
def test_what_is_mistyped_is_no_token(text):
    assert token_id(text) is None


def test_a_token_is_known_by_its_digest_alone():
    digest = token_digest(TEXT)
    assert SECRET not in digest
    assert is_token(TEXT, digest)
    assert not is_token(token_text(ID, "d" * 48), digest)


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "now", "over"),
    [
        (None, None, 10**10, ""),
        (100, None, 99.9, ""),
        (100, None, 100, "expired"),
        (None, 50, 0, "revoked"),
        (100, 50, 200, "revoked"),
    ],
)
def test_when_a_token_is_over(expires_at, revoked_at, now, over):
    token = Token(ID, "ci", "read", "ada", 0, expires_at, "", revoked_at=revoked_at)
    assert token.over(now) == over


def test_a_token_does_not_show_its_digest():
    assert "secret digest" not in repr(Token(ID, "ci", "read", "ada", 0, None, "secret digest"))
