"""Charts as SVG: what they show and mark, that they are well formed, that texts are escaped."""

from __future__ import annotations

import dataclasses
import math
import re
from xml.etree import ElementTree as ET

import pytest

from slo.domain.span import Span
from slo.web import format as fmt
from slo.web.charts import axes, marks
from slo.web.charts import svg as charts
from slo.web.charts.levels import Level
from slo.web.charts.marks import Mark
from slo.web.charts.series import Point


def draw(values, **changes):
    points = [Point(60 * (i + 1), v) for i, v in enumerate(values)]
    plot = {
        "id": "x",
        "title": "Errors",
        "subtitle": "per minute",
        "lines": [charts.Line("Errors", "red", points, area=True)],
        "span": Span(0, 60 * len(values)),
        "tell": fmt.percent,
        "tick": lambda v: f"{v:g}",
    }
    return charts.render_chart(charts.Plot(**(plot | changes)))


def test_a_chart_is_well_formed_and_says_what_it_shows():
    chart = draw([0.1, 0.2, 0.4])
    svg = ET.fromstring(str(chart.plot))
    assert svg.find("title").text == "Errors"
    assert "last 40.0\u202f%, lowest 10.0\u202f%, highest 40.0\u202f%" in svg.find("desc").text
    assert len(svg.findall(".//path[@class='line solid']")) == 1


def test_the_table_holds_every_point():
    rows = re.findall(r"<tr .*?</tr>", draw([0.1, None, 0.4]).rows)
    assert len(rows) == 3
    assert "<td>\u2013</td>" in rows[1]
    assert 'data-at="180"' in rows[2]


def test_a_line_breaks_where_there_is_no_value():
    svg = ET.fromstring(str(draw([0.1, 0.2, None, 0.4, math.nan, 0.1]).plot))
    assert len(svg.findall(".//path[@class='line solid']")) == 3


def test_a_chart_without_values_is_empty_and_says_so():
    chart = draw([None, None])
    assert chart.empty
    assert chart.summary == "No data in this range."
    ET.fromstring(str(chart.plot))


def test_texts_are_escaped():
    hostile = '<script>alert("x")</script>'
    mark = Mark("excluded", 60, 120, hostile, hostile, f"/{hostile}")
    chart = draw(
        [0.1, 0.2],
        title=hostile,
        subtitle=hostile,
        tell=lambda _: hostile,
        marks=[mark, dataclasses.replace(mark, kind="annotation", end=None)],
        levels=[Level(0.1, hostile)],
    )
    for part in (chart.under, chart.plot, chart.over, chart.rows):
        assert "<script" not in part
    for svg in (chart.under, chart.plot, chart.over):
        ET.fromstring(str(svg))


def test_nothing_needs_an_inline_style():
    marks_ = [Mark(kind, 30, 90, "x", "told") for kind in marks.LEGEND]
    chart = draw([0.1, 0.2], levels=[Level(0.15, "limit")], marks=marks_)
    for part in (chart.under, chart.plot, chart.over, chart.x_axis, chart.y_axis):
        assert "style=" not in part


def test_a_short_gap_can_be_seen_in_a_long_chart():
    svg = ET.fromstring(str(draw([0.1] * 5000, marks=[Mark("gap", 60, 61, "", "no data")]).under))
    assert float(svg.find("rect").get("width").rstrip("%")) >= 0.15


def test_every_line_has_a_name_a_column_and_a_stroke_of_its_own():
    points = [Point(60, 1.0), Point(120, 2.0)]
    lines = [
        charts.Line("1 h", "amber", points),
        charts.Line("6 h", "blue", [Point(120, 3.0)], "dashes"),
    ]
    chart = draw([], lines=lines, span=Span(0, 120), tell=lambda v: f"{v}x")
    svg = ET.fromstring(str(chart.plot))
    classes = [path.get("class") for path in svg.iter("path")]
    assert classes == ["line solid", "line dashes"]
    assert chart.columns == ("1 h", "6 h")
    assert "<td>1.0x</td><td>Nonex</td>" in chart.rows
    assert "1 h: last 2.0x, lowest 1.0x, highest 2.0x; 6 h: last 3.0x" in svg.find("desc").text


def test_every_mark_tells_its_time_and_what_it_is():
    chart = draw(
        [0.1] * 10,
        marks=[
            Mark("incident", 60, 240, "#41", "incident #41, it burns, open", "/incidents/41"),
            Mark("page", 120, 240, "", "page-1h fired (page)", lasts=True),
            Mark("annotation", 60, None, "\u25bc", "deploy, v2"),
        ],
    )
    texts = [title.text for part in (chart.under, chart.over) for title in titles(part)]
    assert "incident #41, it burns, open, 1\u202fJan 00:01 to 1\u202fJan 00:04 UTC" in texts
    assert "page-1h fired (page), 1\u202fJan 00:02 to now UTC" in texts
    assert "deploy, v2, 1\u202fJan 00:01 UTC" in texts
    link = ET.fromstring(str(chart.over)).find("a")
    assert link.get("href") == "/incidents/41"
    assert "".join(link.find("text").itertext()).startswith("#41")


def titles(part):
    return ET.fromstring(str(part)).iter("title")


def test_marks_that_began_before_the_chart_stay_inside_it():
    svg = ET.fromstring(
        str(draw([0.1] * 10, marks=[Mark("incident", -900, 9000, "#1", "x")]).under)
    )
    box = svg.find("rect")
    assert (box.get("x"), box.get("width")) == ("0.00%", "100.00%")


def test_an_annotation_is_shaded_for_as_long_as_it_lasts():
    marks = [Mark("annotation", 60, 120, "\u25bc", "a"), Mark("annotation", 240, None, "", "b")]
    svg = ET.fromstring(str(draw([0.1] * 10, marks=marks).under))
    assert [rect.get("class") for rect in svg.iter("rect")] == ["annotation"]
    assert len([line for line in svg.iter("line") if line.get("class") == "at-annotation"]) == 2


def test_of_labels_too_near_to_each_other_the_first_is_drawn():
    near = [Mark("incident", 60 * n, 60 * n + 30, f"#{n}", "x") for n in range(1, 4)]
    over = draw([0.1] * 100, marks=near).over
    assert [f"#{n}" in over for n in (1, 2, 3)] == [True, False, False]


def test_marks_that_cannot_be_told_apart_are_drawn_once():
    deploys = [Mark("annotation", 60 + n, None, "\u25bc", f"deploy, v{n}") for n in range(50_000)]
    under = draw([0.1] * 1000, marks=deploys).under
    assert 100 < under.count("<line") <= 500


def test_a_long_span_is_drawn_beside_a_short_one_that_began_with_it():
    away = [Mark("excluded", 0, 6, "", "short"), Mark("excluded", 1, 600, "", "long")]
    assert "long" in draw([0.1] * 20, marks=away).under


def test_the_legend_names_only_what_is_marked():
    found = marks.legend([Mark("gap", 0, 60, "", "no data"), Mark("page", 0, 60, "", "x")])
    assert [kind for kind, _, _ in found] == ["page", "gap"]


def test_limits_whose_texts_would_meet_stand_at_both_ends():
    levels = [Level(2.0, "one"), Level(2.0, "two"), Level(2.0, "three")]
    over = ET.fromstring(str(draw([10.0, 0.0], levels=levels).over))
    assert [(t.text, t.get("text-anchor")) for t in over.findall("text")] == [
        ("one", "end"),
        ("two", "start"),
    ]


@pytest.mark.parametrize(
    ("values", "levels", "named"),
    [
        ([150.0], {"page": 14.4, "slow": 6.0, "day": 3.0, "days": 1.0}, ["page"]),
        ([100.0], {"page": 30.0, "slow": 10.0}, ["page", "slow"]),
        ([100.0], {"page": 14.0, "slow": 1.0}, ["page"]),
        ([100.0], {"top": 99.0, "next": 96.0}, ["next"]),
    ],
    ids=["the default policy", "far apart", "moved up above the bars", "below the upper edge"],
)
def test_a_text_stands_at_its_own_line_alone_and_the_others_are_listed(values, levels, named):
    chart = draw(values, levels=[Level(value, name) for name, value in levels.items()])
    over = ET.fromstring(str(chart.over))
    assert [text.text for text in over.findall("text")] == named
    listed = [name for name in levels if name not in named]
    tail = f"; not named there, from the top: {'; '.join(listed)}" if listed else ""
    assert chart.subtitle == f"per minute{tail}"
    assert chart.subtitle in chart.summary


def test_a_limit_of_a_part_of_the_time_is_told_by_its_mark_and_not_listed():
    levels = [Level(1.0, "now", Span(0, 60)), Level(1.1, "then", Span(0, 60))]
    assert draw([10.0], levels=levels).subtitle == "per minute"


def test_of_limits_that_follow_each_other_the_latest_has_the_room():
    levels = [
        Level(0.5, "the first objective", Span(0, 240)),
        Level(0.52, "the second objective", Span(240, 540)),
        Level(0.9, "one far above", Span(0, 540)),
        Level(0.51, "the objective now", Span(540, 600)),
    ]
    over = ET.fromstring(str(draw([1.0] * 10, levels=levels).over))
    assert {t.text: t.get("x") for t in over.findall("text")} == {
        "the objective now": "100.00%",
        "one far above": "90.00%",
        "the first objective": "40.00%",
    }


def test_a_limit_of_a_part_of_the_time_is_drawn_there_alone():
    svg = ET.fromstring(str(draw([1.0] * 10, levels=[Level(0.5, "then", Span(0, 300))]).plot))
    limit = next(line for line in svg.iter("line") if "limit" in line.get("class"))
    assert (limit.get("x1"), limit.get("x2")) == ("0", "500")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-0.289, 1), (0, 0.00013), (0, 1500), (-3, -1), (0, 7e6), (5, 5.1)]
)
def test_ticks_are_round_and_hold_all_values(low, high):
    ticks = axes.nice_ticks(low, high)
    assert ticks[0] <= low + 1e-9
    assert ticks[-1] >= high - 1e-9
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize("seconds", [3600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000])
def test_time_ticks_are_few_and_inside(seconds):
    span = Span(1_795_206_060 - seconds, 1_795_206_060)
    ticks = axes.time_ticks(span)
    assert 2 <= len(ticks) <= 7
    assert all(span.start < at < span.end for at in ticks)
