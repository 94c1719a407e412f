"""The proxies that stand before the site: which are believed, and who comes through none."""

from __future__ import annotations

import ipaddress
import logging
import re
from functools import partial
from typing import TYPE_CHECKING

from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from slo.access.mode import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from slo.loaded import Loaded

_log = logging.getLogger(__name__)

_HERE = "slo.here"
_SAID = (
    "HTTP_FORWARDED",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
"""What a proxy adds to what it passes on."""
_HOST = re.compile(
    r"(?=[^:]{1,253}(:|$))[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\.?(:[0-9]{1,5})?"
    r"|\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?",
    re.IGNORECASE | re.ASCII,
)


class Proxied:
    """A WSGI app that believes as many proxies as slo.yaml says stand before it, and no more."""

    def __init__(self, app: WSGIApplication, loaded: Loaded) -> None:
        self._app = app
        self._loaded = loaded
        self._told = False

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The app's answer, to the one who asked the first of the proxies."""
        site = self._loaded.settings.site
        peer = str(environ.get("REMOTE_ADDR", ""))
        passed_on = any(name in environ for name in _SAID)
        environ[_HERE] = is_loopback(peer) and not passed_on
        hops = site.proxies if site.proxies and is_proxy(peer, site.proxy_addresses) else 0
        if "HTTP_X_FORWARDED_FOR" in environ and not hops:
            self._tell(peer)
        if not hops:
            return self._named(environ, start)
        whole = ProxyFix(partial(self._addressed, peer), x_for=hops, x_proto=hops, x_host=hops)
        return whole(environ, start)

    def _addressed(
        self, peer: str, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        """The app's answer to an address; where the proxy names none, to the proxy's own."""
        environ["REMOTE_ADDR"] = _address(str(environ.get("REMOTE_ADDR", ""))) or peer
        return self._named(environ, start)

    def _named(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The app's answer; what is no host's name is taken for none, and never half understood."""
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
            environ["HTTP_HOST"] = ""
        return self._app(environ, start)

    def _tell(self, peer: str) -> None:
        """Says once that a proxy is not believed, since throttling and audit see only the proxy."""
        if not self._told:
            self._told = True
            _log.warning(
                "a request from %s says that it comes through a proxy, which is not believed; "
                "if the proxy is yours, set site.proxies (and site.proxy_addresses) in slo.yaml",
                peer,
            )


def is_proxy(peer: str, addresses: Collection[str]) -> bool:
    """Whether `peer` may be a proxy of ours: one of the addresses.

    Where none are given, it may be any that is not of the public internet.
    """
    found = _parsed(peer)
    if found is None:
        return False
    if not addresses:
        return not found.is_global
    return any(found in ipaddress.ip_network(one) for one in addresses)


def _address(said: str) -> str:
    """The address that a proxy names, without the port, which differs at each connection.

    Empty: it names none, as with `unknown`.
    """
    host = said.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    return str(_parsed(host) or "")


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address of that text, without its zone; that of IPv4 where it is one in IPv6."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def comes_from_here() -> bool:
    """Whether a program on this machine asks, and nobody through it."""
    return bool(request.environ.get(_HERE))
