"""The JSON API of alerts: what fires now, and every transition there was."""

from __future__ import annotations

from flask import Blueprint, Response, request

from slo.domain.instant import InstantError, parse_ago
from slo.domain.policy import SEVERE
from slo.silencing import RefusedError, known_ids
from slo.store.engine import reading
from slo.web.alert_json import MOST, Filter, alerts_json
from slo.web.operation import PREFIX, json_response
from slo.web.pages import nearby
from slo.web.permission import needs
from slo.web.site import current_site

blueprint = Blueprint("api_alerts", __name__, url_prefix=PREFIX)

_LIMIT = 200
_KEYS = ("slo", "service", "severity", "since", "until", "limit", "before")
_BIGGEST = 2**62


@blueprint.errorhandler(RefusedError)
def _show_refusal(error: RefusedError) -> Response:
    return json_response({"error": f"{error.field}: {error}"}, 400)


@blueprint.get("/alerts")
@needs("read")
def list_alerts() -> Response:
    """What fires, and the history newest first; `?slo=`, `?since=7d` and so on narrow it."""
    site = current_site()
    now = site.clock()
    for name in request.args:
        if name not in _KEYS:
            raise RefusedError(repr(name[:80]), f"is unknown; there are {', '.join(_KEYS)}")
    severity = request.args.get("severity")
    if severity is not None and severity not in SEVERE:
        raise RefusedError("severity", f"{severity[:40]!r} is unknown; one of {', '.join(SEVERE)}")
    wanted = Filter(
        slo=request.args.get("slo"),
        service=request.args.get("service"),
        severity=severity,
        since=_instant("since", int(now)),
        until=_instant("until", int(now)),
        limit=_number("limit", MOST) or _LIMIT,
        before=_number("before", _BIGGEST),
    )
    with reading(site.engine) as session:
        known = known_ids(session, site.settings)
        _ensure_known("slo", wanted.slo, known)
        _ensure_known("service", wanted.service, {one.partition("/")[0] for one in known})
        body = alerts_json(session, wanted, now)
    return json_response(body)


def _ensure_known(field: str, word: str | None, known: list[str] | set[str]) -> None:
    if word is None or word in known:
        return
    near = nearby(word[:200], known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"{PREFIX}/slos lists all"
    raise RefusedError(field, f"there is no {word[:100]!r}; {hint}")


def _instant(name: str, now: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return parse_ago(text, now)
    except InstantError as error:
        raise RefusedError(name, str(error)) from None


def _number(name: str, most: int) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 1 <= int(text) <= most):  # noqa: PLR2004 -- more digits than any number of a store.
        raise RefusedError(name, f"{text[:40]!r} must be a whole number from 1 to {most}")
    return int(text)
