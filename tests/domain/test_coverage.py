from slo.domain.coverage import TargetSeen, Timeline, covered_shares, is_silent

MIN = 60_000
UP = Timeline()


def seen(*minutes: float, before=None, intervals=()):
    return TargetSeen([round(m * MIN) for m in minutes], before, intervals)


def up(start: float, stop: float, value: float = 1.0):
    times = list(range(round(start * MIN), round(stop * MIN) + 1, MIN // 4))
    return Timeline(times, [value] * len(times))


def shares(*targets, minutes=10):
    return covered_shares(targets, range(MIN, minutes * MIN + 1, MIN), MIN)


def test_a_target_scraped_in_every_bucket_covers_all():
    assert shares((seen(*(n / 4 for n in range(1, 41))), UP)) == [1.0] * 10


def test_scrapes_every_five_minutes_cover_all():
    every = (300_000, 300_000, 300_000)
    assert shares((seen(4, 9, before=-MIN, intervals=every), UP)) == [1.0] * 10


def test_the_spacing_is_learned_within_the_span():
    assert shares((seen(0.5, 5.5, 10.5, 15.5), UP), minutes=20)[5:] == [1.0] * 15


def test_a_target_that_is_down_is_missing_from_the_share():
    steady = seen(*(n / 4 for n in range(1, 41)))
    down = seen(0.5, 0.75, 1.0)
    assert shares((steady, UP), (down, up(0, 10, 0.0)))[2:] == [0.5] * 8


def test_a_replaced_target_makes_no_dip_once_its_up_has_ended():
    new = seen(*(n / 4 for n in range(8, 41)))
    old = seen(*(n / 4 for n in range(1, 9)))
    assert shares((old, up(0, 2)), (new, up(2, 10))) == [1.0] * 10


def test_all_targets_down_cover_nothing():
    assert shares((seen(0.5, 1.0), up(0, 10, 0.0)))[2:] == [0.0] * 8


def test_a_silent_target_of_unknown_up_is_expected_for_five_minutes():
    steady = seen(*(n / 4 for n in range(1, 41)))
    assert shares((steady, UP), (seen(1.0), UP)) == [1.0, 1.0, *[0.5] * 4, *[1.0] * 4]


def test_a_gap_inside_the_span_is_silence_although_the_target_is_back():
    ends = range(MIN, 10 * MIN + 1, MIN)
    assert is_silent(seen(0.5, 1, 8, 8.5, 9, 9.5, 10), ends, MIN)
    assert not is_silent(seen(*(n / 2 for n in range(1, 21))), ends, MIN)
