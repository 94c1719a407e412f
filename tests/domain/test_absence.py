from __future__ import annotations

from slo.domain.absence import Absence, absences
from slo.domain.coverage import TargetSeen, Timeline

MINUTE = 60_000
ENDS = [MINUTE * n for n in range(1, 6)]
LAST = 30_000
"""The newest sample before the silence."""


def seen(*times, before=None):
    return TargetSeen(times, before, (15_000,) * 3)


def up(value, *, until=ENDS[-1]):
    times = list(range(15_000, until + 1, 15_000))
    return Timeline(times, [1.0 if t <= LAST else value for t in times])


def kinds(*targets, last_seen=None):
    found = absences(targets, ENDS, MINUTE, last_seen)
    return [(a.kind, a.end) for a in found]


def test_targets_that_are_all_down_are_dead_since_their_newest_sample():
    found = absences([(seen(15_000, LAST), up(0.0))], ENDS, MINUTE, None)

    # 90 s after the sample the target no longer covers.
    assert found == tuple(Absence("dead", 30, end // 1000) for end in ENDS[1:])


def test_one_target_that_answers_makes_the_slo_neither_dead_nor_gone():
    serving = seen(*range(15_000, ENDS[-1] + 1, 15_000))
    assert kinds((seen(LAST), up(0.0)), (serving, up(1.0))) == []


def test_a_target_that_is_up_without_its_series_is_neither():
    assert kinds((seen(LAST), up(1.0))) == []


def test_a_target_whose_up_ends_is_gone():
    assert kinds((seen(LAST), up(1.0, until=LAST)))[-1] == ("gone", ENDS[-1] // 1000)


def test_a_target_that_comes_back_without_its_series_is_gone_until_then():
    times = [15_000, LAST, *range(ENDS[3] + 15_000, ENDS[4] + 1, 15_000)]
    found = kinds((seen(LAST), Timeline(times, [1.0] * len(times))))
    assert found == [("gone", end // 1000) for end in ENDS[1:4]]


def test_down_beside_gone_is_dead():
    found = kinds((seen(LAST), up(0.0)), (seen(LAST), up(1.0, until=LAST)))
    assert {kind for kind, _ in found} == {"dead"}


def test_targets_that_left_long_ago_are_gone_since_then():
    assert absences([], ENDS[:1], MINUTE, -600_000) == (Absence("gone", -600, 60),)


def test_what_was_never_seen_is_not_absent():
    assert kinds() == []
