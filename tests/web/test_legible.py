"""Texts that no store keeps."""

from __future__ import annotations

import pytest

from tests.support.logins import add_user, field_of, log_in, logged_in
from tests.web.world import NOW


@pytest.mark.parametrize("path", ["/slo/a%00/b", "/audit?who=%00", "/?q=a%00b", "/login?next=%00"])
def test_a_nul_in_an_address_is_refused(client, path):
    answer = client.get(path)
    assert answer.status_code == 400
    assert "a NUL" in answer.text


def test_a_nul_in_a_form_is_refused(client, engine):
    add_user(engine)
    assert log_in(client, "a\0b").status_code == 400
    logged_in(client, engine, "ada", NOW)
    form = {"csrf": field_of(client.get("/account").text), "scope": "*", "why": "\0", "for": "2h"}
    assert client.post("/silences", data=form).status_code == 400
