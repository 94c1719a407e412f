"""The guard: which addresses a notification may be sent to, and a connection to just those.

A name is looked up once, each of its addresses is checked, and the connection goes to an
address that was checked: what the name means a moment later does not matter.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from slo.config.settings import Outbound

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Lookup = Callable[[str, int], Sequence[str]]

USUAL_PORTS = frozenset({80, 443, 8080, 8443})
CONNECT_SECONDS = 3.0
"""For the look-up of a name, and for each address that is tried."""

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google, Oracle and others.
        "169.254.170.2",  # AWS ECS.
        "169.254.170.23",  # AWS EKS.
        "169.254.0.23",  # Tencent.
        "168.63.129.16",  # Azure's wire server; it is no private address.
        "100.100.100.200",  # Alibaba.
        "192.0.0.192",  # Oracle.
        "fd00:ec2::254",  # AWS.
        "fd00:ec2::23",  # AWS EKS.
        "fd20:ce::254",  # Google.
        "fe80::a9fe:a9fe",  # OpenStack.
    )
)
"""Where clouds hand out credentials: refused whatever slo.yaml allows."""

# What `is_global` of the supported Pythons lets pass, or changed its mind about.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_V4_AT_END = tuple(ipaddress.ip_network(text) for text in ("::/96", "64:ff9b::/96"))
_LOW = 0xFFFF_FFFF


class ForbiddenError(OSError):
    """The place may not be reached; the message says why and how it could be allowed."""


def address_fault(text: str, outbound: Outbound) -> str | None:
    """Why an address may not be reached; None: it may. Pure."""
    try:
        address = _plain(ipaddress.ip_address(text))
    except ValueError:
        return f"{text} is no address"
    if any(one in METADATA for one in (address, *_within(address))):
        return f"{address} is an address of cloud metadata, which is never reached"
    if any(address in ipaddress.ip_network(network) for network in outbound.allow):
        return None
    if _is_public(address):
        return None
    return (
        f"{address} is not a public address; if it is meant, write "
        f"outbound: {{allow: [{address}]}} in slo.yaml"
    )


def port_fault(port: int, outbound: Outbound) -> str | None:
    """Why a port may not be reached; None: it may. Pure."""
    if port in USUAL_PORTS or port in outbound.ports:
        return None
    return f"port {port} is not usual; if it is meant, write outbound: {{ports: [{port}]}}"


def _plain(address: Address) -> Address:
    """The address without a zone; IPv4 written as IPv6 is IPv4."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))


def _within(address: Address) -> Iterable[Address]:
    """The IPv4 addresses that an address leads to by way of a translator or a tunnel."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if any(address in network for network in _V4_AT_END):
        yield ipaddress.IPv4Address(int(address) & _LOW)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def _is_public(address: Address) -> bool:
    special = any(address.version == n.version and address in n for n in _SPECIAL)
    return address.is_global and not (special or address.is_multicast or address.is_reserved)


def addresses_of(host: str, port: int, deadline: float, lookup: Lookup | None = None) -> list[str]:
    """The addresses of a host, in the order in which to try them.

    `deadline` is of `time.monotonic()`. Raises `socket.gaierror` when there are none, or
    when no answer comes in time.
    """
    found: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            found.put((lookup or _look_up)(host, port))
        except Exception as error:  # noqa: BLE001 -- it is raised where somebody waits for it.
            found.put(error)

    # The system's look-up knows no deadline. A thread that it holds up ends after it.
    threading.Thread(target=run, name="look-up", daemon=True).start()
    left = min(CONNECT_SECONDS, deadline - time.monotonic())
    try:
        answer = found.get(timeout=max(left, 0.001))
    except queue.Empty:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from None
    if isinstance(answer, Exception):
        raise answer
    return list(answer)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(
    host: str,
    port: int,
    outbound: Outbound,
    deadline: float,
    lookup: Lookup | None = None,
) -> socket.socket:
    """A connection to one of the host's addresses that may be reached.

    Its timeout is what is left until `deadline` (of `time.monotonic()`). Raises
    `ForbiddenError`, `socket.gaierror`, or the `OSError` of the last address tried.
    """
    allowed, faults = [], []
    for address in addresses_of(host, port, deadline, lookup):
        fault = address_fault(address, outbound)
        if fault is None:
            allowed.append(address)
        else:
            faults.append(fault)
    if not allowed:
        raise ForbiddenError(faults[0] if faults else f"{host} has no address")
    last: OSError = TimeoutError("no time is left to connect")
    for address in allowed:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            # The address is a literal: nothing is looked up again.
            sock = socket.create_connection((address, port), timeout=min(CONNECT_SECONDS, left))
        except OSError as error:
            last = error
            continue
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        # Without this a short line may wait for 40 ms before it is sent.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise last
