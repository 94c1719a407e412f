from __future__ import annotations

import pytest

from slo.domain.refusal import RefusedError
from slo.domain.user import ensure_password, name_from, parse_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ada", "ada"),
        ("  Ada ", "ada"),
        ("Ada.King+x@Example.com", "ada.king+x@example.com"),
        ("noël", "noël"),
        ("noe\u0308l", "noël"),
        ("\uff41da", "ada"),
        ("a" * 100, "a" * 100),
    ],
)
def test_names_are_kept_in_one_form(text, name):
    assert parse_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a/b",
        "a\nb",
        "<b>",
        "a" * 101,
        "a\u200bb",
        "slo.yaml",
        "Page",
        "api",
        "auto",
        "OIDC",
        "anonymous",
        "unknown",
    ],
)
def test_names_that_nobody_can_have(text):
    with pytest.raises(RefusedError) as caught:
        parse_name(text)
    assert caught.value.field == "name"


def test_a_claim_becomes_a_name_that_fits():
    assert name_from("Ada  King (SRE)") == "ada-king-sre"
    with pytest.raises(RefusedError):
        name_from("???")


@pytest.mark.parametrize("password", ["correct horse", "\u00e9" * 3 + "abcdefghi", "x1y2z3x1y2z3"])
def test_passwords_that_will_do(password):
    ensure_password("ada", password)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "elevenchars"),
        ("ada", "a" * 12),
        ("ada", "ababababababab"),
        ("ada-lovelace-1", "ADA-LOVELACE-1"),
        ("lovelace@example.com", "lovelacelovelace"),
        ("lovelace@example.com", "lovelace@example.com"),
        ("ada", "x" * 1001),
    ],
)
def test_passwords_that_will_not_do(name, password):
    with pytest.raises(RefusedError) as caught:
        ensure_password(name, password)
    assert caught.value.field == "password"
    assert password not in str(caught.value)
