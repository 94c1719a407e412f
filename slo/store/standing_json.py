"""Standings as JSON text and back, exactly: decimals as text, floats as they are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from slo.domain.span import Span
from slo.domain.standing import Budget, Forecast, Note, SparkPoint, Standing, StandingAlert

_FIELDS = tuple(Standing.__dataclass_fields__)


def dump_standing(standing: Standing) -> str:
    """The standing as one JSON object with its fields as keys; a spark point is a pair."""
    body = {name: getattr(standing, name) for name in _FIELDS}
    body["sparkline"] = [(point.at, point.remaining) for point in standing.sparkline]
    return orjson.dumps(body, default=str).decode()


def load_standing(text: str, *, sparkline: bool = True) -> Standing:
    """The standing that `dump_standing` wrote; quicker without its sparkline.

    Keys that this version does not know are left out, those that it misses take
    their defaults: a standing written before an upgrade reads until the next cycle.
    """
    body: dict[str, Any] = {k: v for k, v in orjson.loads(text).items() if k in _FIELDS}
    body["objective"] = Decimal(body["objective"])
    body["window"] = Span(**body["window"])
    body["budget"] = Budget(**body["budget"])
    body["burn_rates"] = tuple([(name, rate) for name, rate in body["burn_rates"]])
    body["labels"] = tuple([(name, value) for name, value in body.get("labels", ())])
    body["forecasts"] = tuple([Forecast(**f) for f in body.get("forecasts", ())])
    body["notes"] = tuple([Note(**n) for n in body.get("notes", ())])
    body["alerts"] = tuple([StandingAlert(**a) for a in body.get("alerts", ())])
    points = body.get("sparkline", ()) if sparkline else ()
    body["sparkline"] = tuple([SparkPoint(*point) for point in points])
    return Standing(**body)
