"""Charts as SVG: what they show, that they are well formed, and that texts are escaped."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest

from slo.domain.span import Span
from slo.domain.standing import SparkPoint
from slo.web import charts
from slo.web import format as fmt
from slo.web.series import Point


def draw(values, **changes):
    points = [Point(60 * (i + 1), v) for i, v in enumerate(values)]
    plot = {
        "id": "x",
        "title": "Errors",
        "subtitle": "per minute",
        "unit": "Errors",
        "tone": "red",
        "points": points,
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
    assert len(svg.findall("path[@class='line']")) == 1


def test_the_table_holds_every_point():
    rows = re.findall(r"<tr .*?</tr>", draw([0.1, None, 0.4]).rows)
    assert len(rows) == 3
    assert "<td>\u2013</td>" in rows[1]
    assert 'data-at="180"' in rows[2]


def test_a_line_breaks_where_there_is_no_value():
    svg = ET.fromstring(str(draw([0.1, 0.2, None, 0.4, math.nan, 0.1]).plot))
    assert len(svg.findall("path[@class='line']")) == 3


def test_a_chart_without_values_is_empty_and_says_so():
    chart = draw([None, None])
    assert chart.empty
    assert chart.summary == "No data in this range."
    ET.fromstring(str(chart.plot))


def test_texts_are_escaped():
    hostile = '<script>alert("x")</script>'
    shade = charts.Shade("excluded", Span(60, 120), hostile)
    chart = draw(
        [0.1, 0.2], title=hostile, subtitle=hostile, tell=lambda _: hostile, shades=[shade]
    )
    for part in (chart.plot, chart.rows):
        assert "<script" not in part
    ET.fromstring(str(chart.plot))


def test_nothing_needs_an_inline_style():
    chart = draw([0.1, 0.2], limit=0.15, shades=[charts.Shade("gap", Span(0, 60), "no data")])
    for part in (chart.plot, chart.x_axis, chart.y_axis, charts.meter(0.5, "healthy")):
        assert "style=" not in part


def test_a_short_gap_can_be_seen_in_a_long_chart():
    shade = charts.Shade("gap", Span(60, 61), "no data")
    svg = ET.fromstring(str(draw([0.1] * 5000, shades=[shade]).plot))
    assert float(svg.find("rect").get("width")) >= 1.5


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-0.289, 1), (0, 0.00013), (0, 1500), (-3, -1), (0, 7e6), (5, 5.1)]
)
def test_ticks_are_round_and_hold_all_values(low, high):
    ticks = charts.nice_ticks(low, high)
    assert ticks[0] <= low + 1e-9
    assert ticks[-1] >= high - 1e-9
    assert 2 <= len(ticks) <= 6


@pytest.mark.parametrize("seconds", [3600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000])
def test_time_ticks_are_few_and_inside(seconds):
    span = Span(1_795_206_060 - seconds, 1_795_206_060)
    ticks = charts.time_ticks(span)
    assert 2 <= len(ticks) <= 7
    assert all(span.start < at < span.end for at in ticks)


def test_a_sparkline_dips_below_zero_and_marks_it():
    points = [SparkPoint(0, 1.0), SparkPoint(60, None), SparkPoint(120, 0.5), SparkPoint(180, -1.0)]
    svg = ET.fromstring(str(charts.sparkline(points, "exhausted")))
    line = svg.find("path[@class='line']").get("d")
    assert line.count("M") == 2
    assert line.endswith("240 200")
    assert svg.find("path[@class='zero']").get("d") == "M0 100H240"


@pytest.mark.parametrize("points", [(), (SparkPoint(0, None),), (SparkPoint(0, 0.4),)])
def test_a_sparkline_of_nearly_nothing_is_well_formed(points):
    ET.fromstring(str(charts.sparkline(points, "new")))


@pytest.mark.parametrize(("share", "width"), [(1.7, 84), (1.0, 84), (0.5, 42), (0.0001, 2)])
def test_a_meter_fills_to_its_share(share, width):
    fill = ET.fromstring(str(charts.meter(share, "healthy"))).find("rect[@class='fill']")
    assert float(fill.get("width")) == width


@pytest.mark.parametrize("share", [None, 0.0, -0.3])
def test_a_meter_without_budget_is_empty(share):
    svg = ET.fromstring(str(charts.meter(share, "exhausted")))
    assert svg.find("rect[@class='fill']") is None
