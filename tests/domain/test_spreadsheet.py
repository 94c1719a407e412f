from __future__ import annotations

import csv
import io

import pytest

from slo.domain.spreadsheet import cell, csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=x"])
def test_what_a_spreadsheet_would_run_is_quoted(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (-3, "-3"), (1.5, "1.5"), ("a=b", "a=b"), ("", "")]
)
def test_everything_else_stays_as_it_is(value, shown):
    assert cell(value) == shown


def test_a_table_is_read_back_as_it_was_written():
    rows = [("a,b", 'say "hi"', "two\nlines"), ("ü", -1, None)]
    read = list(csv.reader(io.StringIO(csv_text(("x", "y", "z"), rows), newline="")))
    assert read == [["x", "y", "z"], ["a,b", 'say "hi"', "two\nlines"], ["ü", "-1", ""]]
