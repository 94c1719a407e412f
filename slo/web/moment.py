"""Moments of a page: texts in UTC that a browser can read as times too."""

from __future__ import annotations

import re
from datetime import datetime

from markupsafe import Markup, escape

from slo.domain.span import rfc3339, utc
from slo.web import format as fmt

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)", re.ASCII)


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


def moments(text: str, now: float) -> Markup:
    """A sentence that the API and the CLI tell too, with its RFC 3339 times as moments in UTC."""
    parts = _RFC3339.split(text)
    return Markup("").join(_told(p, now) if n % 2 else escape(p) for n, p in enumerate(parts))


def _told(time: str, now: float) -> Markup:
    try:
        at = datetime.fromisoformat(time).timestamp()
    except ValueError:
        return escape(time)  # It only looks like a time.
    return moment(at, now) + " UTC"
