"""A report as one HTML file that loads nothing, in the look of the site."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

import slo

if TYPE_CHECKING:
    from slo.reports.layout import View


def to_html(view: View) -> str:
    """The whole report for a mail or an archive; in light, dark and print."""
    page = _environment().get_template("report_file.html")
    return page.render(view=view, style=_style()).strip() + "\n"


@cache
def _environment() -> Environment:
    package = Path(slo.__file__).parent
    inside = package / "templates"
    folder = inside if inside.is_dir() else package.parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _style() -> Markup:
    """The site's own style sheet, which is no text of people's."""
    sheet = Path(slo.__file__).parent / "web" / "static" / "site.css"
    return Markup(sheet.read_text(encoding="utf-8"))  # noqa: S704 -- see above.
