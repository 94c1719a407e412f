"""Explanations as the JSON of the API and of `slo explain --json`."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from slo.domain.meter import canonical
from slo.domain.span import rfc3339
from slo.status import standing_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.ledger import Reading
    from slo.domain.meter import Meter
    from slo.explain import Explanation, Piece


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The explanation as JSON values: times RFC 3339, readings as they are booked."""
    return {
        "standing": standing_json(found.standing),
        "definition": {
            "objective": str(found.slo.objective),
            "window": found.slo.window.label(),
            "source": found.slo.source,
            "bucket": found.meter.bucket,
            "indicator": canonical(found.indicator),
        },
        "window": _pieces_json(found.pieces),
        "corrections": [
            {**_plain(c), "end": rfc3339(c.end), "at": rfc3339(c.at)} for c in found.corrections
        ],
        "exclusions": [
            {
                **_plain(x),
                "span": {"start": rfc3339(x.span.start), "end": rfc3339(x.span.end)},
                "at": rfc3339(x.at),
            }
            for x in found.exclusions
        ],
        "burn_rates": [
            {
                "span": b.name,
                "rate": b.rate,
                "bad": b.events.bad,
                "total": b.events.total,
                "pieces": _pieces_json(b.pieces),
            }
            for b in found.burns
        ],
        "requests": [_plain(request) for request in found.requests],
        "worst_hour": None
        if found.worst is None
        else {
            "start": rfc3339(found.worst.start),
            "contributors": [
                {"labels": _labels(c.labels), "bad": c.bad, "total": c.total}
                for c in found.worst.contributors
            ],
        },
        "notes": [
            {**_plain(n), "first": _instant(n.first), "last": _instant(n.last)} for n in found.notes
        ],
        "revisions": [
            {
                "since": rfc3339(r.since),
                "objective": str(r.objective),
                "window": r.window.label(),
                "owner": r.owner,
                "recorded_at": rfc3339(r.recorded_at),
            }
            for r in found.revisions
        ],
        "meters": [_meter_json(meter) for meter in found.meters],
    }


def _labels(text: str) -> dict[str, str] | str:
    """The labels of a contribution; `other` stays a word."""
    if not text.startswith("{"):
        return text
    labels: dict[str, str] = json.loads(text)
    return labels


def _pieces_json(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    return [
        {
            "start": rfc3339(p.span.start),
            "end": rfc3339(p.span.end),
            "first": _reading_json(p.first),
            "last": _reading_json(p.last),
        }
        for p in pieces
    ]


def _reading_json(reading_: Reading | None) -> dict[str, Any] | None:
    return None if reading_ is None else {**_plain(reading_), "end": rfc3339(reading_.end)}


def _meter_json(meter: Meter) -> dict[str, Any]:
    instants = ("watch_from", "booked_from", "booked_to", "backfill_to")
    body = {**_plain(meter), **{name: _instant(getattr(meter, name)) for name in instants}}
    return {**body, "indicator": json.loads(meter.indicator)}


def _plain(value: Any) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def _instant(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
