"""Tracks against the plain tally of all exclusions and steps."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from slo.domain.exclusion import net_seconds, tally
from slo.domain.ledger import Reading
from slo.domain.span import Span, union
from slo.domain.track import Track

MINUTE = 60
LAST = 100
READINGS = [Reading(n * MINUTE, n * 90.0, n * 100.0, n * 60.0) for n in range(LAST + 1)]
ENDS = [r.end for r in READINGS]


def reading_at(instant):
    return READINGS[max(0, bisect_right(ENDS, instant) - 1)]


def moment_of(at, excluded=(), carried=(), begun=0):
    return Track(MINUTE, begun, reading_at, excluded, carried).moment(at, Decimal("0.9"))


HOLES = st.lists(st.tuples(st.integers(0, LAST), st.integers(1, 20)), max_size=12).map(
    lambda holes: union(Span(a * MINUTE, (a + n) * MINUTE) for a, n in holes)
)


@given(HOLES, st.integers(1, LAST), st.integers(1, LAST))
def test_it_looks_only_at_the_exclusions_of_the_span_and_misses_none(excluded, at, minutes):
    moment = moment_of(at * MINUTE, excluded)
    span = Span(max(0, at - minutes) * MINUTE, at * MINUTE)
    assert moment.tally(minutes * MINUTE) == tally(span, reading_at, excluded)
    assert moment.counted(minutes * MINUTE) == net_seconds(span, excluded)


def test_a_span_does_not_reach_back_before_the_ledger_began():
    moment = moment_of(50 * MINUTE, begun=40 * MINUTE)
    assert moment.counted(3600) == 600
    assert moment.tally(3600).total == 1000.0


def test_the_longest_carried_step_is_the_one_whose_bucket_ends_in_the_span():
    carried = [(40 * MINUTE, 900), (45 * MINUTE, 400)]
    assert moment_of(50 * MINUTE, carried=carried).carried(5 * MINUTE) == 0
    assert moment_of(50 * MINUTE, carried=carried).carried(6 * MINUTE) == 400
    assert moment_of(50 * MINUTE, carried=carried).carried(11 * MINUTE) == 900
    assert moment_of(44 * MINUTE, carried=carried).carried(5 * MINUTE) == 900


def test_what_is_asked_again_is_not_looked_up_again():
    asked = []

    def counting(instant):
        asked.append(instant)
        return reading_at(instant)

    moment = Track(MINUTE, 0, counting).moment(50 * MINUTE, Decimal("0.9"))
    first = moment.tally(600)
    assert moment.tally(600) is first
    assert len(asked) == 2
