"""The marks of tables: a trend as a line, and what is left as a bar."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from slo.domain.standing import SparkPoint
from slo.web.charts import spark


def drawn(points):
    return ET.fromstring(str(spark.sparkline(points)))


def points(*values, step=60):
    return [SparkPoint(number * step, value) for number, value in enumerate(values)]


def test_a_sparkline_dips_below_zero_and_marks_it():
    svg = drawn(points(1.0, 0.5, 0.0, -1.0))
    zero, line = svg.findall("path")
    assert zero.get("d") == f"M0 24h{spark.WIDTH}"
    # 24 rows from 100 % to 0 %, over three equal thirds of the width.
    assert line.get("d") == "M0 0l37 12 36 12 37 24"


def test_a_sparkline_above_zero_has_one_line():
    svg = drawn(points(1.0, 0.4))
    assert [p.get("d") for p in svg.findall("path")] == [f"M0 0l{spark.WIDTH} 29"]


def test_a_line_is_not_drawn_across_a_hole():
    (line,) = drawn(points(1.0, 0.9, None, 0.5, 0.5)).findall("path")
    assert line.get("d").count("M") == 2


def test_points_on_a_straight_line_are_left_out():
    level = str(spark.sparkline(points(*[0.5] * 100)))
    assert f"M0 24l{spark.WIDTH} 0" in level


def test_a_step_down_stays_where_it_was():
    (line,) = drawn(points(1.0, 1.0, 0.5, 0.5, step=100)).findall("path")
    assert line.get("d") == "M0 0l37 0 36 24 37 0"


def test_no_data_is_no_drawing():
    assert spark.sparkline(()) == spark.sparkline(points(None, None)) == ""


def test_a_single_point_is_to_be_seen():
    (line,) = drawn(points(0.4)).findall("path")
    assert line.get("d") == "M0 29l2 0"


@pytest.mark.parametrize(("share", "width"), [(1.7, 84), (1.0, 84), (0.5, 42), (0.0001, 2)])
def test_a_meter_fills_to_its_share(share, width):
    fill = ET.fromstring(str(spark.meter(share))).find("path")
    assert fill.get("d") == f"M0 0h{width}"


@pytest.mark.parametrize("share", [None, 0.0, -0.3])
def test_a_meter_without_budget_is_empty(share):
    assert ET.fromstring(str(spark.meter(share))).find("path") is None
