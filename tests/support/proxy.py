"""What a proxy before Prometheus does: hands requests on, in turn, or with another clock.

Behaviours for `FaultServer`, so that a source can be broken and mended:

    with FaultServer(forward(prometheus.url)) as proxy:
        proxy.behaviour = hang()
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from itertools import cycle
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.support.fault_server import encoded

if TYPE_CHECKING:
    from collections.abc import Callable


def forward(*urls: str, clock: Callable[[], float] | None = None) -> Callable:
    """Hands each request to the next of `urls`; `clock` answers for the server's `time()`."""
    turn, lock = cycle(urls), threading.Lock()

    def behaviour(handler) -> None:
        with lock:
            url = next(turn)
        params = _params(handler)
        if clock is not None and params.get("query") == ["time()"]:
            now = f"{clock():.3f}"
            handler.send(200, encoded({"resultType": "scalar", "result": [float(now), now]}))
        else:
            handler.send(*fetch(url + handler.path.partition("?")[0], params))

    return behaviour


def fetch(address: str, params: dict[str, list[str]]) -> tuple[int, bytes]:
    """Prometheus's status and body for these parameters, errors too."""
    form = urlencode(params, doseq=True)
    posted = address.endswith(("/query", "/query_range", "/series"))
    request = (
        urllib.request.Request(address, form.encode())
        if posted
        else urllib.request.Request(f"{address}?{form}")
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def changed(url: str, change: Callable[[bytes], bytes]) -> Callable:
    """Hands requests on to `url`; `change` rewrites all answers but that to `time()`."""

    def behaviour(handler) -> None:
        params = _params(handler)
        status, body = fetch(url + handler.path.partition("?")[0], params)
        handler.send(status, body if params.get("query") == ["time()"] else change(body))

    return behaviour


def _params(handler) -> dict[str, list[str]]:
    """The parameters of the request that the handler is about: the last one of its connection."""
    seen = handler.server.fault.seen
    return next(s.params for s in reversed(seen) if s.client == handler.client_address)
