"""Faults between the parts of slo.yaml: names that are not declared, or declared twice.

Reads the raw data, so that a fault elsewhere hides none of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from slo.config.document import KEY
from slo.config.readers import NAME
from slo.config.scalars import hint, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.document import Path
    from slo.config.shape import Complaint

_NAME = re.compile(NAME, re.ASCII)
DEFAULT_SERVICE = "default"
DEFAULT_SOURCE = "prometheus"


def reference_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """The faults between services, SLOs, sources, receivers and routes."""
    yield from _name_complaints(data)
    yield from _source_complaints(data)
    yield from _objective_complaints(data)
    yield from _id_complaints(data)
    yield from _route_complaints(data)
    yield from _fallback_complaints(data)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _services(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, service in _mapping(data.get("services")).items():
        yield ("services", name), _mapping(service)


def _slos(data: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path, service in _services(data):
        for name, slo in _mapping(service.get("slos")).items():
            yield (*path, "slos", name), _mapping(slo)


def _ids(data: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """Every SLO's id and path, those of short forms last."""
    for path, _ in _slos(data):
        yield f"{path[1]}/{path[3]}", path
    for path, service in _services(data):
        for name in _mapping(service.get("SLO")):
            yield f"{path[1]}/{name}", (*path, "SLO", name)
    for name in _mapping(data.get("SLO")):
        yield f"{DEFAULT_SERVICE}/{name}", ("SLO", name)


def _name_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    for kind in ("services", "sources", "receivers"):
        for name in _mapping(data.get(kind)):
            yield from _name_complaint((kind, name), kind.removesuffix("s"))
    for path, _ in _slos(data):
        yield from _name_complaint(path, "SLO")


def _name_complaint(path: Path, kind: str) -> Iterator[Complaint]:
    if not _NAME.fullmatch(str(path[-1])):
        article = "an" if kind == "SLO" else "a"
        yield (
            (*path, KEY),
            (
                f"is not a name for {article} {kind}; "
                "use letters, digits, `_`, `.` and `-`, beginning with a letter or digit"
            ),
        )


def _source_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    sources = list(_mapping(data.get("sources"))) or [DEFAULT_SOURCE]
    if "sources" in data and "prometheus" in data:
        yield ("sources", KEY), "cannot stand beside prometheus; write all servers under sources"
        sources.append(DEFAULT_SOURCE)
    for path, shape in (*_services(data), *_slos(data)):
        name = shape.get("source")
        if isinstance(name, str) and name not in sources:
            yield (
                (*path, "source"),
                f"{shown(name)} is not a declared source{hint(name, sources, 'declared')}",
            )
    if len(sources) > 1:
        yield from _sourceless(data, sources)


def _sourceless(data: dict[str, Any], sources: list[str]) -> Iterator[Complaint]:
    services = dict(_services(data))
    for _, path in _ids(data):
        slo = _mapping(services.get(path[:2], {}).get("slos")).get(str(path[-1]))
        own = _mapping(slo) if "slos" in path else {}
        if "source" not in own and "source" not in services.get(path[:2], {}):
            yield path, f"needs source, one of {', '.join(sources)}"


def _objective_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    services = dict(_services(data))
    for path, slo in _slos(data):
        if "objective" not in slo and "objective" not in services[path[:2]]:
            yield path, "needs objective, such as 99.9%, here or for the whole service"


def _id_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    ids: dict[str, Path] = {}
    for id_, path in _ids(data):
        if id_ in ids:
            yield (*path, KEY), f"{id_} is declared already; give one of them another name"
        ids.setdefault(id_, path)
    former: dict[str, str] = {}
    for path, slo in _slos(data):
        was, id_ = slo.get("was"), f"{path[1]}/{path[3]}"
        if not isinstance(was, str):
            continue
        if was in ids:
            yield (*path, "was"), f"{shown(was)} still is an SLO; was names one that is no more"
        elif was in former:
            yield (*path, "was"), f"{shown(was)} was renamed to {former[was]} already"
        former.setdefault(was, id_)


def _route_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    receivers = list(_mapping(data.get("receivers")))
    for path, names in _routes(data.get("routes")):
        for index, name in enumerate(names if isinstance(names, list) else ()):
            yield from _undeclared((*path, index), name, receivers, "receiver")
    services = [*_mapping(data.get("services")), *([DEFAULT_SERVICE] if "SLO" in data else [])]
    routes = data.get("routes")
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        service = _mapping(route).get("service")
        yield from _undeclared(("routes", index, "service"), service, services, "service")


def _routes(routes: object) -> Iterator[tuple[Path, object]]:
    """The lists of receivers in both forms of routes."""
    for severity, names in _mapping(routes).items():
        yield ("routes", severity), names
    for index, route in enumerate(routes if isinstance(routes, list) else ()):
        yield ("routes", index, "receivers"), _mapping(route).get("receivers")


def _undeclared(path: Path, name: object, known: list[str], kind: str) -> Iterator[Complaint]:
    if isinstance(name, str) and name not in known:
        rest = hint(name, known, "declared") if known else "; none is declared"
        yield path, f"{shown(name)} is not a declared {kind}{rest}"


def _fallback_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """A fallback is another receiver, and falls back to none that falls back to it."""
    receivers = {name: _mapping(r) for name, r in _mapping(data.get("receivers")).items()}
    told: set[str] = set()
    for name, receiver in receivers.items():
        path: Path = ("receivers", name, "fallback")
        yield from _undeclared(path, receiver.get("fallback"), list(receivers), "receiver")
        chain = [name]
        while isinstance(following := receivers.get(chain[-1], {}).get("fallback"), str):
            if following == name and not told & set(chain):
                told |= set(chain)
                circle = " -> ".join([*chain, name])
                text = (
                    "is the receiver itself" if len(chain) == 1 else f"goes in a circle: {circle}"
                )
                yield path, f"{text}; name another receiver"
            if following in chain:
                break
            chain.append(following)
