"""Standings as the JSON of the API and of `slo status --json`.

One function makes both, so a gate may read either. The keys are the contract;
further ones may be added, none goes. Numbers that do not exist are null.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import orjson

from slo.domain.span import maybe_rfc3339, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slo.domain.standing import Forecast, Note, Standing, StandingAlert


def standing_json(standing: Standing) -> dict[str, Any]:
    """One SLO of the contract: shares as fractions, events unrounded, times RFC 3339 in UTC."""
    length, _, zone = standing.window_label.partition(" (")
    window = {
        "kind": standing.window_kind,
        "length": length,
        "start": rfc3339(standing.window.start),
        "end": rfc3339(standing.window.end),
    }
    if standing.window_kind == "calendar":
        window["zone"] = zone.removesuffix(")") or "UTC"
    return {
        "slo": standing.slo,
        "service": standing.service,
        "name": standing.name,
        "owner": standing.owner,
        "description": standing.description,
        "runbook": standing.runbook,
        "labels": dict(standing.labels),
        "at": rfc3339(standing.at),
        "objective": float(standing.objective),
        "indicator": standing.indicator,
        "counts": standing.indicator_text,
        "estimated": standing.estimated,
        "slices": standing.slices,
        "window": window,
        "events": {
            "good": events(standing.good),
            "bad": events(standing.bad),
            "total": events(standing.total),
        },
        "sli": finite(standing.sli),
        "budget": {
            "allowed": finite(standing.budget.allowed),
            "spent": events(standing.budget.spent),
            "remaining": finite(standing.budget.remaining),
        },
        "burn_rates": {span: finite(rate) for span, rate in standing.burn_rates},
        "coverage": finite(standing.coverage),
        "state": standing.state,
        "data": standing.data,
        "last_data": maybe_rfc3339(standing.last_data),
        "paused": standing.paused,
        "projected": standing.budget.projected,
        "notes": [note_json(note) for note in standing.notes],
        "exhausted_at": maybe_rfc3339(standing.exhausted_at),
        "forecasts": [_forecast_json(forecast) for forecast in standing.forecasts],
        "alerts": [_alert_json(alert) for alert in standing.alerts],
        "incident": standing.incident,
    }


def status_json(at: float, standings: Iterable[Standing]) -> dict[str, Any]:
    """The contract's whole object: the instant `at` (epoch seconds) and the SLOs given."""
    return {"at": rfc3339(at), "slos": [standing_json(standing) for standing in standings]}


def dumps(obj: Any) -> bytes:
    """`obj` as compact JSON in UTF-8; orjson writes NaN as null, and we never hand it one."""
    return orjson.dumps(obj)


def note_json(note: Note) -> dict[str, Any]:
    """What makes a number unsure."""
    return {
        "kind": note.kind,
        "text": note.text,
        "amount": finite(note.amount),
        "first": maybe_rfc3339(note.first),
        "last": maybe_rfc3339(note.last),
    }


def _alert_json(alert: StandingAlert) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "kind": alert.kind,
        "severity": alert.severity,
        "firing": alert.since is not None,
        "since": maybe_rfc3339(alert.since),
        "reason": alert.reason,
        "frozen": alert.frozen or None,
    }


def _forecast_json(forecast: Forecast) -> dict[str, Any]:
    return {"basis": forecast.basis, "exhausted_at": maybe_rfc3339(forecast.exhausted_at)}


def finite(value: float | None) -> float | None:
    """The number as JSON can have it: null for what is none."""
    return value if value is not None and math.isfinite(value) else None


def events(value: float | None) -> float | int | None:
    """Whole counts as JSON integers, as people write them; estimated ones keep their fraction."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value
