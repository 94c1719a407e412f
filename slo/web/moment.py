"""Moments of a page: texts in UTC that a browser can read as times too."""

from __future__ import annotations

from markupsafe import Markup

from slo.domain.span import rfc3339, utc
from slo.web import format as fmt


def moment(at: float, now: float, *, seconds: bool = False) -> Markup:
    """Day and time, `7 Nov 20:41`, with the year where it is another than now."""
    text = stamp(at, now) + (f":{int(at) % 60:02d}" if seconds else "")
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(at), text)


def stamp(at: float, now: float) -> str:
    """The text of a moment."""
    year = utc(at).year
    if year == utc(now).year:
        return fmt.stamp(at)
    return f"{fmt.day(at)} {year} {fmt.clock(at)}"
