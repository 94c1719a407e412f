from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slo.domain.span import Span, bucket_end, bucket_floor, overlapping, rfc3339, union, utc

instants = st.integers(0, 60)
spans = st.builds(Span, instants, instants)


def seconds_of(*some):
    """The seconds (t-1, t] inside the spans, each named by its end."""
    return {t for s in some for t in range(s.start + 1, s.end + 1)}


@given(spans)
def test_a_span_is_as_long_as_its_seconds(span):
    assert span.seconds == len(seconds_of(span))


@given(spans, spans)
def test_an_overlap_is_what_both_share(one, other):
    shared = one.overlap(other)
    assert (seconds_of(shared) if shared else set()) == seconds_of(one) & seconds_of(other)


@given(st.lists(spans, max_size=8))
def test_a_union_is_the_same_time_disjoint_and_in_order(some):
    merged = union(some)
    assert seconds_of(*merged) == seconds_of(*some)
    assert all(a.end < b.start for a, b in pairwise(merged))
    assert sum(s.seconds for s in merged) == len(seconds_of(*some))
    assert union(merged) == merged


@given(st.lists(spans, max_size=8), spans.filter(lambda span: span.seconds))
def test_those_that_overlap_are_found_among_many(some, span):
    merged = union(some)
    assert overlapping(merged, span) == [one for one in merged if one.overlap(span)]


def test_an_instant_on_an_edge_belongs_to_the_bucket_that_it_ends():
    assert bucket_end(120, 60) == 120
    assert bucket_end(121, 60) == 180
    assert bucket_floor(120, 60) == 120
    assert bucket_floor(119.999, 60) == 60


@given(st.integers(-(10**10), 10**10), st.integers(1, 86400))
def test_buckets_are_aligned_and_hold_their_instants(instant, bucket):
    end = bucket_end(instant, bucket)
    assert end % bucket == 0
    assert end - bucket < instant <= end
    floor = bucket_floor(instant, bucket)
    assert floor % bucket == 0
    assert floor <= instant < floor + bucket


def test_instants_are_written_in_utc():
    assert rfc3339(1795204800) == "2026-11-20T20:00:00Z"
    assert utc(0) == datetime(1970, 1, 1, tzinfo=UTC)
