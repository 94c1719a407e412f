"""Moments of a page, and sentences that have some."""

from __future__ import annotations

import pytest

from slo.web.moment import moments
from tests.web.world import NOW


def test_times_of_a_sentence_are_told_as_moments():
    assert moments("Muted until 2026-11-21T04:24:20Z at most: a, 2025-01-02T03:04:05Z.", NOW) == (
        'Muted until <time datetime="2026-11-21T04:24:20Z">21\u202fNov 04:24</time> UTC at most: a,'
        ' <time datetime="2025-01-02T03:04:05Z">2\u202fJan 2025 03:04</time> UTC.'
    )


@pytest.mark.parametrize(
    "text", ["", "nothing", "2026-13-45T99:99:99Z", "0000-01-01T00:00:00Z", "12026-11-21T04:24:20"]
)
def test_what_only_looks_like_a_time_stays(text):
    assert moments(text, NOW) == text


def test_a_hostile_sentence_stays_text():
    found = moments("<b>2026-11-21T04:24:20Z</b>", NOW)
    assert found.startswith("&lt;b&gt;<time ")
    assert found.endswith("</time> UTC&lt;/b&gt;")
