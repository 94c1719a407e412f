import pytest

from slo.domain.span import Span
from slo.prometheus.head import HEAD_QUERY, Head
from tests.support.fake_source import FakeSource

T0 = 1_790_000_040
SPAN = Span(T0, T0 + 300)


def head(now: float, up: float | None) -> Head:
    source = FakeSource()
    if up is not None:
        source.add({"__name__": "up"}, [(round(up * 1000), 1.0)])
    return Head(source, now)


@pytest.mark.parametrize(
    ("now", "up", "sample", "settled"),
    [
        (T0 + 315, None, T0 + 290, 300),  # A sample in the last bucket settles all.
        (T0 + 315, None, T0 + 130, 180),  # Empty ones after it wait.
        (T0 + 315, T0 + 310, T0 + 130, 300),  # The source shows newer.
        (T0 + 315, T0 + 250, None, 240),
        (T0 + 315, None, None, 0),
        (T0 + 800, None, None, 180),  # After ten minutes they are booked.
        (T0 + 900, None, T0 + 10, 300),
        (T0 + 315, None, T0 + 120, 120),  # A sample on a bucket's end belongs to it.
    ],
)
def test_empty_buckets_wait_until_newer_samples_or_ten_minutes(now, up, sample, settled):
    newest = None if sample is None else sample * 1000
    assert head(now, up).settled_end(SPAN, 60, newest) == T0 + settled


def test_the_source_is_asked_once():
    one = head(T0 + 315, T0 + 250)
    for _ in range(3):
        one.settled_end(SPAN, 60, None)
    assert len(one.client.requests) == 1


def ingested(*ups: int, within: float = 120) -> dict[int, float]:
    """When a source with samples at these seconds after T0 was ingesting, from T0 too."""
    source = FakeSource()
    source.add({"__name__": "up"}, [((T0 + at) * 1000, 1.0) for at in ups])
    found = Head(source, T0 + 1000).ingested(SPAN, 60, within)
    return {end - T0: newest - T0 for end, newest in found.items()}


def test_a_source_ingests_while_it_has_new_samples():
    assert ingested(*range(-30, 300, 30)) == {60: 60, 120: 120, 180: 180, 240: 240, 300: 270}
    assert ingested(-30, 0, 30, within=60) == {60: 30}
    assert ingested() == {}


def test_a_source_that_comes_back_ingests_from_the_second_bucket_on():
    assert ingested(-900, 170, 200, 230, 260, 290) == {240: 230, 300: 290}


def test_an_answer_without_a_number_is_none():
    source = FakeSource(answers={HEAD_QUERY: [{T0: float("nan"), T0 + 60: float("nan")}]})
    assert Head(source, T0 + 1000).ingested(SPAN, 60) == {}
