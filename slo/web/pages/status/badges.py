"""Badges: an SLO or a service as a small SVG, for READMEs and wikis."""

from __future__ import annotations

from unicodedata import east_asian_width

from flask import Blueprint, Response, request
from markupsafe import Markup

from slo.store import standings
from slo.store.engine import reading
from slo.web import format as fmt
from slo.web import urgency
from slo.web.identity import current_identity
from slo.web.pages.status import public_text
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("badges", __name__, url_prefix="/badge")

SHOWN = ("budget", "state", "sli")
LONGEST_LABEL = 60
_SECONDS = 60
_COLOURS = {
    "healthy": "#17754a",
    "caution": "#935600",
    "exhausted": "#b3201f",
    "none": "#5f666e",
    "new": "#5f666e",
}
_NARROW, _WIDE = frozenset("ijl.,:;|!'()[]{}tf1Ir-/ \u202f"), frozenset("mwMW%@")
_PLAIN_WIDTH, _NARROW_WIDTH, _WIDE_WIDTH, _FULL_WIDTH = 7, 4, 10, 12
"""Pixels of letters at 11 px; the text is stretched to the sum, so fonts do not matter."""
_PADDING = 6

_SVG = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
    ' aria-label="{label}: {value}"><title>{label}: {value}</title>'
    '<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>'
    '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4048"/>'
    '<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="6" y="14" textLength="{left_text}">{label}</text>'
    '<text x="{value_at}" y="14" textLength="{right_text}">{value}</text></g></svg>\n'
)


@blueprint.get("/<service>/<name>.svg")
@needs("status")
def show_slo_badge(service: str, name: str) -> Response:
    """The badge of one SLO; `?show=` is `budget`, `state` or `sli`, `?label=` its left half."""
    return _answer(service, f"{service}/{name}")


@blueprint.get("/<service>.svg")
@needs("status")
def show_service_badge(service: str) -> Response:
    """The badge of a service: that of its SLO in the most trouble."""
    return _answer(service, service)


def render_badge(label: str, value: str, colour: str) -> str:
    """The SVG; its size follows from the texts alone."""
    left_text, right_text = text_width(label), text_width(value)
    left, right = left_text + 2 * _PADDING, right_text + 2 * _PADDING
    return _SVG.format(
        label=label,
        value=value,
        colour=colour,
        width=left + right,
        left=left,
        right=right,
        left_text=left_text,
        right_text=right_text,
        value_at=left + _PADDING,
    )


def text_width(text: str) -> int:
    """The pixels of a text."""
    return sum(map(_width, text))


def _width(letter: str) -> int:
    if letter in _NARROW:
        return _NARROW_WIDTH
    if letter in _WIDE:
        return _WIDE_WIDTH
    return _FULL_WIDTH if east_asian_width(letter) in {"W", "F"} else _PLAIN_WIDTH


def _answer(service: str, wanted: str) -> Response:
    site = current_site()
    label = _label(wanted)
    with reading(site.engine) as session:
        known = [
            s
            for s in standings.of_service(session, service, now=site.clock())
            if not s.paused and wanted in {service, s.slo}
        ]
    unlisted = service in site.settings.unlisted
    if unlisted and not current_identity().may("read"):
        known = []
    show = request.args.get("show", SHOWN[0])
    if not known or show not in SHOWN:
        what = "unknown" if not known else f"show is one of {', '.join(SHOWN)}"
        return _svg(render_badge(label, what, _COLOURS["none"]), 404 if not known else 400)
    worst = min(known, key=urgency.by_urgency)
    badge = public_text.slo_badge(worst)
    if wanted == service:
        badge = public_text.service_badge([public_text.slo_badge(s) for s in known])
    value = {
        "budget": f"{fmt.percent(worst.budget.remaining)} budget left",
        "state": badge.word,
        "sli": fmt.sli(worst.sli, worst.objective),
    }[show]
    response = _svg(render_badge(label, value, _COLOURS[badge.key]), unlisted=unlisted)
    response.add_etag()
    response.make_conditional(request)
    return response


def _label(wanted: str) -> str:
    """What the request wants on the left, else the name, both as one printable line."""
    said = " ".join(request.args.get("label", "").split())
    shown = "".join(filter(str.isprintable, said)) or "".join(filter(str.isprintable, wanted))
    return shown[:LONGEST_LABEL]


def _svg(text: str, status: int = 200, *, unlisted: bool = False) -> Response:
    response = Response(text, status, content_type="image/svg+xml; charset=utf-8")
    # Who may read sees what is unlisted; a cache that all share must not keep it for others.
    public = "status" in current_site().settings.site.public and not unlisted
    kept = "public" if public else "private"
    response.headers["Cache-Control"] = f"{kept}, max-age={_SECONDS}"
    return response
