"""The formats of a report's files: their media types, and how each is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slo.reports.markdown import to_markdown
from slo.reports.page import to_html
from slo.reports.record import report_csv, report_json
from slo.reports.view import view_of
from slo.status import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.report import Report

    Render = Callable[[Report, str], str]

_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_LONGEST = 60


def render_markdown(report: Report, url: str = "") -> str:
    """The report as Markdown, with links to the site where its address is known."""
    return to_markdown(view_of(report, url or None))


def render_html(report: Report, url: str = "") -> str:
    """The report as one HTML file, with links to the site where its address is known."""
    return to_html(view_of(report, url or None))


def render_csv(report: Report, _url: str = "") -> str:
    """The SLOs of the report for a spreadsheet."""
    return report_csv(report)


def render_json(report: Report, _url: str = "") -> str:
    """The report as JSON, as the API gives it."""
    return dumps(report_json(report)).decode() + "\n"


FILES: dict[str, tuple[str, Render]] = {
    "md": ("text/markdown; charset=utf-8", render_markdown),
    "csv": ("text/csv; charset=utf-8", render_csv),
    "json": ("application/json", render_json),
    "html": ("text/html; charset=utf-8", render_html),
}
"""By the file's ending."""


def file_name(report: Report, ending: str) -> str:
    """A name of plain letters and digits: `slo-report-2026-10-shop.csv`."""
    parts = ("slo-report", report.period.name, report.service, report.owner)
    safe = [_UNSAFE.sub("-", part)[:_LONGEST].strip("-") for part in parts]
    return f"{'-'.join(part for part in safe if part)}.{ending}"
