import pytest

from slo.domain.span import Span
from slo.prometheus.head import Head
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
