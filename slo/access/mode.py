"""Who has to log in: everybody, nobody, or everybody but those on this machine."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from slo.config.settings import SiteSettings

Mode = Literal["login", "open", "loopback"]
"""`loopback`: nothing is said and nobody can log in, so this machine alone gets in."""


class OpenError(Exception):
    """An address would let others in, and nobody would have to log in; the message helps."""


def mode_of(site: SiteSettings, *, users: bool) -> Mode:
    """The mode that slo.yaml asks for; where it says nothing, whether there are `users` decides."""
    match site.auth:
        case "none":
            return "open"
        case "users" | "oidc":
            return "login"
        case _:
            return "login" if users or site.oidc is not None else "loopback"


def ensure_closed(site: SiteSettings, host: str, *, users: bool) -> None:
    """Raises `OpenError` where listening on `host` lets others in who need not log in."""
    if mode_of(site, users=users) == "loopback" and not only_loopback(host):
        raise OpenError(
            f"{host} lets other machines in, and nobody would have to log in: "
            "add an admin (`slo user add NAME --role admin`), or set site.oidc in slo.yaml, "
            "or write `site: {auth: none}` there to let everybody in"
        )


def only_loopback(host: str) -> bool:
    """Whether listening on `host` reaches this machine alone, whatever the name resolves to."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return False
    return bool(found) and all(is_loopback(str(address[0])) for *_, address in found)


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine's own to itself, `::ffff:127.0.0.1` among them."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def is_loopback_name(name: str) -> bool:
    """Whether a host's name, as a browser asks for it, means this machine and no other."""
    plain = name.rstrip(".").lower()
    return plain == "localhost" or plain.endswith(".localhost") or is_loopback(plain.strip("[]"))
