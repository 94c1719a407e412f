from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.web.pages.postmortems.text_diff import differences

texts = st.lists(st.sampled_from("abcd"), max_size=30).map("\n".join)


def told(before, after):
    return [f"{line.mark}{line.text}" for line in differences(before, after)]


def test_lines_that_differ_stand_among_three_that_do_not():
    before = "\n".join("1234567890")
    after = before.replace("6", "six")
    assert told(before, after) == ["@", " 3", " 4", " 5", "-6", "+six", " 7", " 8", " 9"]


def test_the_same_text_has_no_differences():
    assert told("a\nb", "a\nb") == []


def test_parts_far_apart_are_shown_apart():
    before = "\n".join(map(str, range(40)))
    after = before.replace("5\n", "five\n", 1).replace("39", "end")
    assert told(before, after).count("@") == 2


@pytest.mark.parametrize("mark", ["+", "-", "@@", "---", "+++"])
def test_lines_that_look_like_marks_are_lines(mark):
    assert told("a", f"a\n{mark}") == ["@", " a", f"+{mark}"]


@given(texts, texts)
def test_what_is_taken_out_and_added_makes_one_text_of_the_other(before, after):
    lines = differences(before, after)
    gone = sorted(line.text for line in lines if line.mark == "-")
    new = sorted(line.text for line in lines if line.mark == "+")
    kept = sorted([*before.split("\n"), *new])
    assert kept == sorted([*after.split("\n"), *gone])


def test_texts_too_long_to_compare_are_shown_whole():
    before, after = ("\n".join(f"{word} {n}" for n in range(3500)) for word in "ab")
    lines = differences(before, after)
    assert len([line for line in lines if line.mark == "-"]) == 3500
    assert len([line for line in lines if line.mark == "+"]) == 3500
