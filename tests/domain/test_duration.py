from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.duration import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30d", timedelta(days=30)),
        ("4w", timedelta(days=28)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        (" 5m ", timedelta(minutes=5)),
        ("200ms", timedelta(milliseconds=200)),
        ("0.2s", timedelta(milliseconds=200)),
        ("250us", timedelta(microseconds=250)),
        ("250\N{MICRO SIGN}s", timedelta(microseconds=250)),
        ("250\N{GREEK SMALL LETTER MU}s", timedelta(microseconds=250)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_durations_as_people_write_them(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "30",
        "d",
        "30x",
        "-5m",
        "1h30",
        "5 minutes",
        "30D",
        "1e3s",
        "1..5s",
        "\N{ARABIC-INDIC DIGIT THREE}d",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(DurationError, match="write for example 30d"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0d", "0.0000001s"])
def test_nothing_is_no_duration(text):
    with pytest.raises(DurationError, match="longer than zero"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["9999999999d", "1" + "0" * 400 + "s", "36501d"])
def test_an_endless_duration_is_refused(text):
    with pytest.raises(DurationError, match="too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(days=28), "28d"),
        (timedelta(milliseconds=200), "200ms"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(), "0s"),
    ],
)
def test_a_duration_is_written_in_its_largest_units(duration, text):
    assert format_duration(duration) == text


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=36500)))
def test_what_is_written_is_read_back(duration):
    assert parse_duration(format_duration(duration)) == duration


@given(
    st.integers(0, 999),
    st.sampled_from(
        [("ms", 1000), ("us", 1), ("s", 10**6), ("m", 60 * 10**6), ("h", 3600 * 10**6)]
    ),
    st.integers(1, 99),
)
def test_decimal_fractions_are_exact(whole, unit, hundredths):
    name, micros = unit
    exact = (whole * 100 + hundredths) * micros
    if exact % 100:
        return
    text = f"{whole}.{hundredths:02}{name}"
    assert parse_duration(text) == timedelta(microseconds=exact // 100)
