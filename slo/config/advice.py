"""Warnings: what slo.yaml may say, and yet is likely a mistake."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slo.domain.indicator import FirstOf
from slo.domain.objective import format_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import Outbound, Receiver, Route, Settings
    from slo.domain.slo import SLO

_USUAL_PORTS = (80, 443, 8080, 8443)
_LOCAL = {"localhost": "127.0.0.1"}


def warnings_of(settings: Settings) -> Iterator[str]:
    """Sentences about what is declared and does nothing, or will be refused when it is used."""
    used = {slo.source for slo in settings.slos}
    if len(settings.sources) > 1:
        for source in settings.sources:
            if source.name not in used:
                yield f"sources/{source.name} is read by no SLO"
    named = {name for route in settings.routes for name in route.receivers}
    named |= {receiver.fallback for receiver in settings.receivers if receiver.fallback}
    for receiver in settings.receivers:
        if receiver.name not in named:
            yield f"receivers/{receiver.name} gets nothing, since no route names it"
        yield from _receiver_warnings(receiver, settings.outbound)
    fitting: dict[Route, bool] = {}
    for route in settings.routes:
        shown = _conditions(route)
        if shown and not fitting.setdefault(route, any(_fits(route, s) for s in settings.slos)):
            yield f"routes: no SLO fits the route to {', '.join(route.receivers)} by its {shown}"
    for slo in settings.slos:
        yield from _alternative_warnings(slo)
    if settings.heartbeat:
        yield from _address_warnings("heartbeat", settings.heartbeat, settings.outbound)


def _alternative_warnings(slo: SLO) -> Iterator[str]:
    """Changed alerts are made for the declared objective; another one has the default alerts."""
    if slo.policy is None or not isinstance(slo.indicator, FirstOf):
        return
    others = {o for o in slo.indicator.objectives if o is not None} - {slo.objective}
    for objective in sorted(others):
        yield (
            f"{slo.id}: alerts changes nothing where Prometheus has only what is judged at "
            f"{format_percent(objective)}; name the metric under metrics to be sure"
        )


def _conditions(route: Route) -> str:
    """The keys that a route asks for; values may come from variables, so they are not shown."""
    given = [("service", route.service), ("owner", route.owner), *route.labels]
    return " and ".join(key for key, value in given if value)


def _fits(route: Route, slo: SLO) -> bool:
    return (
        route.service in {"", slo.service}
        and route.owner in {"", slo.owner}
        and set(route.labels) <= set(slo.labels)
    )


def _receiver_warnings(receiver: Receiver, outbound: Outbound) -> Iterator[str]:
    where = f"receivers/{receiver.name}"
    if receiver.type == "email":
        if receiver.text("tls") == "none" and receiver.text("password"):
            yield f"{where} sends its password unencrypted; write tls: starttls or tls: tls"
        return
    if receiver.type == "apprise":  # Its schemes are its own, and so are its connections.
        return
    for url in (*receiver.texts("url"), *receiver.texts("urls")):
        yield from _address_warnings(where, url, outbound)


def _address_warnings(where: str, url: str, outbound: Outbound) -> Iterator[str]:
    """What the outbound rules will refuse, as far as the URL tells; names are not looked up."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port not in {*_USUAL_PORTS, *outbound.ports}:
        yield f"{where} is at port {port}, which is refused; add outbound: {{ports: [{port}]}}"
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(_LOCAL.get(host, host))
    except ValueError:
        return
    allowed = any(address in ipaddress.ip_network(network) for network in outbound.allow)
    if not address.is_global and not allowed:
        network = "127.0.0.1" if address.is_loopback else "10.0.0.0/8"
        yield (
            f"{where} is at an address that is not public, which is refused; "
            f"allow it, as in outbound: {{allow: [{network}]}}"
        )
