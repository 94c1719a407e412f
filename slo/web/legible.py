"""What is legible: a request with texts that no store keeps is refused before it is acted on."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import BadRequest

from slo.web.origin import SAFE

_NUL = "\0"


def ensure_legible() -> None:
    """Refuses a request with a NUL in its address or its form; PostgreSQL takes none in a text.

    The API says itself where such a text is, and how long a body may be.
    """
    if request.path.startswith("/api/"):
        return
    found = _NUL in request.path or any(_NUL in text for text in request.args.values())
    if not found and request.method not in SAFE:
        found = any(_NUL in text for text in request.form.values())
    if found:
        raise BadRequest("A text of this request holds a NUL, which is no character; leave it out.")
