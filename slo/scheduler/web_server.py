"""The site's HTTP server, which ends in order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from waitress.trigger import trigger
from waitress.wasyncore import close_all, loop

from slo.web.app import MOST_BYTES

if TYPE_CHECKING:
    from flask import Flask

WEB_THREADS = 4
"""Only one of them computes at a time; with more of them each answer takes longer."""
_MOST_IDLE = 1.0
"""Seconds; idle connections are looked for at least so often."""


class WebServer:
    """Answers at an address from the moment it is run; port 0 is any free one.

    It is told to end by a flag, not by an exception out of a signal's handler: that could
    strike anywhere, as between a connection's arrival and whatever is to close it.
    """

    def __init__(self, app: Flask, host: str, port: int) -> None:
        """Bind the address; OSError where it is taken or not this machine's."""
        # Listening sockets, connections, and the pipes that wake the loop.
        self._sockets: dict[int, Any] = {}
        self._ended = False
        # None is closed while another thread wakes the loop; a handler may come in between.
        self._pipes = threading.RLock()
        self._server = create_server(
            app,
            map=self._sockets,
            host=host,
            port=port,
            threads=WEB_THREADS,
            max_request_body_size=MOST_BYTES,
            # No header says which server this is.
            ident=None,
            # The site itself knows from slo.yaml how many proxies it may believe.
            clear_untrusted_proxy_headers=False,
        )

    @property
    def port(self) -> int:
        """Where it listens; of several addresses the first one's."""
        listening = (each for each in self._sockets.values() if each.accepting)
        return int(next(listening).socket.getsockname()[1])

    def run(self) -> None:
        """Answer until `end`, then until what is being answered is, for seconds at most."""
        while not self._ended:
            loop(_MOST_IDLE, map=self._sockets, count=1)
        self.close()

    def end(self) -> None:
        """Have `run` return at once; safe from a signal's handler and from any thread."""
        with self._pipes:
            if self._ended:
                return
            self._ended = True
            for each in list(self._sockets.values()):
                if isinstance(each, trigger):
                    each.pull_trigger()

    def close(self) -> None:
        """Let go of the address and of each connection; more than once is fine."""
        self._ended = True
        threads = self._server.task_dispatcher
        threads.shutdown()
        # One that has not come to its end would write to a pipe whose number may by then be
        # another file's; the process ends soon, and all that is open with it.
        if not threads.threads:
            with self._pipes:
                close_all(self._sockets)
