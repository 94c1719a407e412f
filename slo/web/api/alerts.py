"""The JSON API of alerts: what fires now, and every transition there was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from slo.sent import known_ids
from slo.store.engine import reading
from slo.web.alert_filter import Filter
from slo.web.api.alert_json import alerts_json
from slo.web.api.cursor import make_cursor, read_cursor
from slo.web.api.models.alerts import AlertQuery, Alerts
from slo.web.api.operation import PREFIX, operation
from slo.web.near import nearby
from slo.web.problem import Complaint, ProblemError
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Collection

blueprint = Blueprint("api_alerts", __name__, url_prefix=PREFIX)


@operation(blueprint, "GET", "/alerts", permission="read", query=AlertQuery, answer=Alerts)
def list_alerts(query: AlertQuery) -> dict[str, Any]:
    """Lists what fires, which rules are frozen, and the history of transitions, newest first."""
    site = current_site()
    position = read_cursor(query.cursor, int)
    wanted = Filter(
        **query.model_dump(exclude={"cursor", "start", "to"}),
        since=query.start,
        until=query.to,
        before=None if position is None else position[0],
    )
    with reading(site.engine) as session:
        known = known_ids(session, site.settings)
        _ensure_known("slo", wanted.slo, known)
        _ensure_known("service", wanted.service, {one.partition("/")[0] for one in known})
        body = alerts_json(session, wanted, site.clock())
    last = body["next"]
    return body | {"next": None if last is None else make_cursor(last)}


def _ensure_known(field: str, word: str | None, known: Collection[str]) -> None:
    if word is None or word in known:
        return
    near = nearby(word[:200], known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"{PREFIX}/slos lists all"
    text = f"there is no {word[:100]!r}; {hint}"
    raise ProblemError(400, f"{field}: {text}", (Complaint(f"query.{field}", text),), near=near)
