import re
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.counter import Role
from slo.domain.indicator import Events, Latency
from slo.domain.reads import bound_pattern, created_name, reads_of
from slo.domain.selector import Selector
from slo.promql import parse_selector

bounds = st.decimals("0.000001", "9999999", places=6).filter(lambda d: d > 0) | st.integers(
    1, 10**9
).map(Decimal)


def spellings(number: float) -> set[str]:
    """As Python, Go (%g, %e, %f) and people write it."""
    found = {repr(number), f"{number:g}", f"{number:e}", f"{number:f}", f"{number:E}"}
    found.add(f"{number:.17g}")
    return {s for s in found if float(s) == number}


@given(bounds)
def test_every_spelling_of_a_bound_is_matched(bound):
    number = float(bound)
    for text in spellings(number):
        if "." in text and len(text.split("e")[0].replace(".", "").strip("0")) > 15:
            continue  # 17 digits show the float's own error.
        assert re.fullmatch(bound_pattern(bound), text), text


@given(bounds, bounds)
def test_no_other_number_is_matched(bound, other):
    if bound != other:
        for text in spellings(float(other)):
            assert not re.fullmatch(bound_pattern(bound), text) or float(text) == float(bound)


@pytest.mark.parametrize("text", ["0.2", "0.20", ".2", "2e-01", "2E-1", "2.0e-01", "00.200"])
def test_200_ms_is_found_however_it_is_written(text):
    assert re.fullmatch(bound_pattern(Decimal("0.2")), text)


@pytest.mark.parametrize("text", ["0.25", "0.02", "2", "20", "1.2", "2e-02", "2e1", "0x2"])
def test_a_neighbour_of_200_ms_is_not(text):
    assert not re.fullmatch(bound_pattern(Decimal("0.2")), text)


def test_a_part_of_the_total_is_read_with_it():
    total, bad = parse_selector("x_total"), parse_selector('x_total{code="500"}')
    (read,) = reads_of(Events(total=total, bad=bad))
    assert read.inside == (Role.BAD, bad)


def test_another_metric_is_a_read_of_its_own():
    reads = reads_of(Events(total=parse_selector("x_total"), good=parse_selector("y_total")))
    assert [r.roles for r in reads] == [Role.TOTAL, Role.GOOD]


def test_a_bucket_has_its_role_by_number():
    (read,) = reads_of(Latency(Selector("x_seconds"), timedelta(milliseconds=200)))
    told = {le: read.roles_by_bound({"le": le}) for le in ("0.20", "2e-01", "+Inf", "0.5", "", "x")}
    assert [told["0.20"], told["2e-01"], told["+Inf"]] == [Role.GOOD, Role.GOOD, Role.TOTAL]
    assert {told["0.5"], told[""], told["x"]} == {Role(0)}


@pytest.mark.parametrize("suffix", ["_total", "_bucket", "_count", "_sum", ""])
def test_the_created_metric_drops_the_suffix(suffix):
    assert created_name(f"http_requests{suffix}") == "http_requests_created"
