from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from slo.web.pages.asked import asked, time_range

NOW = 1_795_206_072  # 2026-11-20 20:21:12 UTC


def test_a_preset_reaches_back_from_now():
    found = time_range({"range": "1d"}, NOW)
    assert (found.since, found.until, found.own) == (NOW - 86_400, None, False)


def test_any_time_has_no_bounds():
    assert time_range({"range": "all"}, NOW).since is None


@pytest.mark.parametrize("text", ["2026-11-20T20:00", "2026-11-20T20:00:00Z", "1795204800"])
def test_times_of_ones_own_are_in_utc_and_shown_as_fields_want_them(text):
    found = time_range({"range": "1d", "from": text}, NOW)
    assert (found.since, found.start) == (1_795_204_800, "2026-11-20T20:00")


def test_a_duration_is_a_time_before_now():
    assert time_range({"from": "2h"}, NOW).since == NOW - 7200


@pytest.mark.parametrize("text", ["x", "2026-13-01", "20", "9" * 300, "\x00"])
def test_what_is_no_time_never_breaks_anything(text):
    found = time_range({"from": text, "to": text}, NOW)
    assert found.error or found.since is not None


def test_the_query_says_only_what_differs_from_the_usual():
    args = {"service": "a b", "severity": "nonsense", "range": "7d", "x": "y"}
    found = asked(args, ("service", "severity"), NOW, choices={"severity": ("page",)})
    assert found.query() == "service=a+b"
    assert found.query(before=7) == "service=a+b&before=7"
    assert found.get("severity") is None


def test_the_query_asks_for_the_same_again():
    args = {"q": "ä&=", "range": "30d", "from": "2026-11-20T20:00:01Z", "to": "2026-11-20T21:00"}
    found = asked(args, ("q",), NOW)
    assert asked(dict(parse_qsl(found.query())), ("q",), NOW) == found


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "x", "٣", "9" * 19, "9" * 25])
def test_a_page_that_there_cannot_be_is_the_first(text):
    assert asked({"before": text}, (), NOW).before is None
