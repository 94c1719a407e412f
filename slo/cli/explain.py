"""`slo explain`: how an SLO's number came about."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any

import click

from slo.cli.command import command as make
from slo.cli.explained import print_explanation
from slo.cli.opening import open_store
from slo.cli.parameters import INSTANT, choose_one
from slo.cli.status import subject_of
from slo.domain.meter import canonical
from slo.domain.span import rfc3339
from slo.explain import explain, unmetered
from slo.status import dumps, standing_json
from slo.store import slos
from slo.store import standings as stored
from slo.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.config import Settings
    from slo.domain.ledger import Reading
    from slo.domain.meter import Meter
    from slo.explain import Explanation, Piece


@make(
    "explain",
    "slo explain fraud-model/availability",
    "slo explain fraud-model/availability --at 2026-11-01T00:00:00Z",
)
@click.argument("slo_id", metavar="SLO")
@click.option("--at", type=INSTANT, help="As of a past time: RFC 3339, a day, or epoch seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(settings: Settings, slo_id: str, at: int | None, *, as_json: bool) -> int:
    """Tell how an SLO's number came about, with every figure it rests on.

    The definition in force, the window's readings and their subtraction, the
    budget's arithmetic, burn rates, the requests of a cycle, the contributors of
    the worst hour, exclusions, corrections, notes, revisions, and meters. Reads
    only the store, so it tells about any past time, long after Prometheus forgot.
    Where nothing could be booked yet, the notes tell why.
    """
    declared = [slo.id for slo in settings.slos]
    if slo_id not in declared:
        _ensure_not_gone(settings, slo_id)
    choose_one(declared, slo_id)
    slo = next(slo for slo in settings.slos if slo.id == slo_id)
    source = next(source for source in settings.sources if source.name == slo.source)
    now = int(time.time())
    if at is not None and at > now:
        raise click.UsageError(f"--at {rfc3339(at)} lies in the future")
    with open_store(settings) as engine, reading(engine) as session:
        meter = slos.running_meters(session).get(slo_id)
        if meter is None and stored.one(session, slo_id) is None:
            raise click.ClickException(
                f"nothing is booked of {slo_id} yet; run `slo serve`, or `slo evaluate` once"
            )
        found = explain(
            session,
            subject_of(session, settings, slo, meter or unmetered(slo), at),
            at,
            scrape_interval=int(source.scrape_interval.total_seconds()),
        )
    if as_json:
        click.echo(dumps(explanation_json(found)))
    else:
        print_explanation(found)
    return 0


def _ensure_not_gone(settings: Settings, slo_id: str) -> None:
    """Tell where the last numbers are of an SLO that slo.yaml no longer declares."""
    with open_store(settings) as engine, reading(engine) as session:
        known = {known.id for known in slos.all_slos(session)}
    if slo_id in known:
        raise click.UsageError(
            f"{slo_id} is no longer in slo.yaml, so it is paused; `slo status {slo_id}` shows"
            " what it had last"
        )


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
                {"labels": labels_of(c.labels), "bad": c.bad, "total": c.total}
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


def labels_of(text: str) -> dict[str, str] | str:
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
