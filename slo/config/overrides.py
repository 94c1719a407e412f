"""Faults between `alerts` and `no_data` and the SLOs that they hold for.

Reads the raw data, so that a fault elsewhere hides none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from slo.config.alerts import sort_alerts
from slo.config.document import Plain
from slo.config.policies import Judged, Layer, make_policy
from slo.config.readers import interval_of, read_objective
from slo.config.short_form import MetricsShape, ShortShape, short_slos
from slo.config.windows import WindowValue, usual_length
from slo.domain.indicator import Slices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from slo.config.document import Path
    from slo.config.shape import Complaint
    from slo.domain.policy import NoData
    from slo.domain.window import Window

NO_DATA = ("page", "ticket", "bad", "ignore")
_WINDOW: TypeAdapter[Window] = TypeAdapter(WindowValue)
_DEFAULT_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Place:
    """One SLO: the mappings that say things of it, widest first, with their paths."""

    id: str
    mappings: tuple[tuple[Path, dict[str, Any]], ...]
    objective: Decimal | None
    kind: str
    """Its indicator's key, `first` where Prometheus decides; empty where there is none."""

    def last(self, key: str) -> tuple[Path, Any, int] | None:
        """The nearest value of a key: its path, itself, and how near it is."""
        for depth, (path, mapping) in reversed(list(enumerate(self.mappings))):
            if key in mapping:
                return (*path, key), mapping[key], depth
        return None


def override_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """The faults of alerts and no_data, each told once for all the SLOs that it concerns."""
    found: dict[Complaint, list[str]] = {}
    layers: dict[int, dict[str, Any]] = {}
    interval = timedelta(seconds=interval_of(data.get("interval", "60s")) or 60)
    for place in _places(data):
        for complaint in (*_no_data(place), *_alerts(place, interval, layers)):
            found.setdefault(complaint, []).append(place.id)
    for (path, message), ids in found.items():
        if path[:1] == ("services",) and "slos" in path:  # The fault's place names the SLO.
            yield path, message
            continue
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        yield path, f"{message} (of {ids[0]}{more})"


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _places(data: dict[str, Any]) -> Iterator[_Place]:
    """Every SLO that lies under `alerts` or `no_data`; the others can have no such faults."""
    top = ((), data)
    yield from _short_places("default", data, (top,))
    for name, raw in _mapping(data.get("services")).items():
        service = _mapping(raw)
        wide = (top, (("services", name), service))
        for slo_name, slo in _mapping(service.get("slos")).items():
            own = _mapping(slo)
            mappings = (*wide, (("services", name, "slos", slo_name), own))
            if _is_touched(mappings):
                objective = _objective(own.get("objective", service.get("objective")))
                kinds = [key for key in _INDICATORS if key in own]
                yield _Place(f"{name}/{slo_name}", mappings, objective, "".join(kinds[:1]))
        yield from _short_places(name, service, wide)


_INDICATORS = ("events", "latency", "mean", "slices", "freshness", "query")


def _short_places(
    service: str, holder: dict[str, Any], mappings: tuple[tuple[Path, dict[str, Any]], ...]
) -> Iterator[_Place]:
    if "SLO" not in holder or not _is_touched(mappings):
        return
    try:
        short = ShortShape.model_validate(holder["SLO"])
        metrics = MetricsShape.model_validate(holder.get("metrics", {}))
    except ValidationError:
        return  # Told at its own place.
    for slo in short_slos(short, metrics):
        kind = "slices" if isinstance(slo.indicator, Slices) else slo.indicator.kind
        yield _Place(f"{service}/{slo.name}", mappings, slo.objective, kind)


def _is_touched(mappings: tuple[tuple[Path, dict[str, Any]], ...]) -> bool:
    return any("alerts" in mapping or "no_data" in mapping for _, mapping in mappings)


def _objective(value: object) -> Decimal | None:
    text = value.text if isinstance(value, Plain) else value
    try:
        return read_objective(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _no_data(place: _Place) -> Iterator[Complaint]:
    last = place.last("no_data")
    if last is None or last[1] != "bad" or place.kind in {"slices", "freshness", ""}:
        return
    yield (
        last[0],
        (
            "bad books the slices that have no data, so it needs the indicator slices; where "
            "events are counted, no data are no events: write page, ticket or ignore"
        ),
    )


def _alerts(place: _Place, interval: timedelta, read: dict[int, dict[str, Any]]) -> list[Complaint]:
    if place.objective is None:
        return []
    layers = [
        Layer(_readable(mapping["alerts"], read), depth, (*path, "alerts"))
        for depth, (path, mapping) in enumerate(place.mappings)
        if "alerts" in mapping
    ]
    window, no_data = place.last("window"), place.last("no_data")
    word: NoData = no_data[1] if no_data and no_data[1] in NO_DATA else "page"
    judged = Judged(
        place.objective,
        _DEFAULT_WINDOW if window is None else _length(window[1]),
        interval,
        word,
        no_data[2] if no_data else 0,
    )
    return make_policy(layers, judged)[1]


def _readable(raw: object, read: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The rules without those that have faults of their own; read once for all their SLOs."""
    if id(raw) not in read:
        read[id(raw)] = sort_alerts(_mapping(raw))[0]
    return read[id(raw)]


def _length(raw: object) -> timedelta:
    try:
        return usual_length(_WINDOW.validate_python(raw))
    except ValidationError:
        return timedelta.max  # Told at its own place.
