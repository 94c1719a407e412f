from __future__ import annotations

from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from slo.domain.confidence import Z, wilson


@given(st.integers(1, 10_000), st.data())
def test_at_its_bounds_the_share_lies_just_z_standard_errors_away(total, data):
    """What defines the interval: |share - bound| = z * sqrt(bound * (1 - bound) / total)."""
    part = data.draw(st.integers(0, total))
    share = part / total
    for bound in wilson(part, total):
        if 1e-9 < bound < 1 - 1e-9:  # Beyond, rounding is all there is.
            distance = Z * sqrt(bound * (1 - bound) / total)
            assert isclose(abs(share - bound), distance, rel_tol=1e-6, abs_tol=1e-9)


@given(st.integers(1, 10_000), st.data())
def test_good_and_bad_are_each_others_mirror(total, data):
    part = data.draw(st.integers(0, total))
    low, high = wilson(part, total)
    other_low, other_high = wilson(total - part, total)
    assert isclose(low, 1 - other_high, abs_tol=1e-12)
    assert isclose(high, 1 - other_low, abs_tol=1e-12)


def test_more_parts_than_the_whole_and_fewer_than_none_are_taken_for_all_and_none():
    assert wilson(12, 10) == wilson(10, 10)
    assert wilson(-1, 10) == wilson(0, 10)
