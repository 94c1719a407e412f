from __future__ import annotations

import pytest

from slo.domain.instant import InstantError, parse_ago, parse_ahead, parse_instant

NOW = 1_795_204_800


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20T20:00:00Z", NOW),
        ("2026-11-20T21:00:00+01:00", NOW),
        ("2026-11-20 20:00:00.9z", NOW),
        ("2026-11-20", NOW - 20 * 3600),
        ("1795204800", NOW),
        ("1795204800.7", NOW),
    ],
)
def test_an_instant_is_rfc_3339_a_day_or_epoch_seconds(text, instant):
    assert parse_instant(text) == instant
    assert parse_ahead(text, 5) == instant
    assert parse_ago(text, 5) == instant


def test_a_duration_counts_from_now():
    assert parse_ahead("1h30m", NOW) == NOW + 5400
    assert parse_ago("7d", NOW) == NOW - 7 * 86_400


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-11-20T20:00:00", "has no time zone; write 2026-11-20T20:00:00Z for UTC"),
        ("1795204800000", "is in milliseconds"),
        ("yesterday", "is not a time; write for example"),
        ("1969-12-31", "lies before 1970"),
        ("0001-01-01T00:00:00+23:59", "lies before 1970"),
        ("5138-11-17", "lies too far ahead"),
        ("9999-12-31T23:59:59-23:59", "lies too far ahead"),
        ("-5", "is not a time"),
        ("9" * 400, "is not a time"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text, told):
    with pytest.raises(InstantError, match=told):
        parse_instant(text)
    for parse in (parse_ahead, parse_ago):
        with pytest.raises(InstantError, match="or a duration such as 2h or 7d"):
            parse(text, NOW)
