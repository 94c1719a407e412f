"""Refreshing: a page that shows itself anew asks for what changed, and mostly nothing did.

The script of the pages says `X-Refresh` and names the page that it has; only then has a
page an ETag, so that a browser asked to reload always gets the clock right too.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from flask import Response

HEADER = "X-Refresh"
_CLOCK = re.compile(rb"( data-clock>)[^<]*")
_HEAD = 8192
"""Bytes of a page within which its clocks stand."""


def conditional(response: Response) -> Response:
    """The answer to a refresh: 304 where nothing but the clock has changed."""
    if request.method != "GET" or response.status_code != 200 or response.mimetype != "text/html":  # noqa: PLR2004 -- OK.
        return response
    response.vary.add(HEADER)
    if HEADER not in request.headers:
        return response
    response.set_etag(_tag(response.get_data()), weak=True)
    response.make_conditional(request)
    return response


def _tag(body: bytes) -> str:
    """What tells two pages apart, whatever their clocks say."""
    digest = hashlib.blake2b(_CLOCK.sub(rb"\1", body[:_HEAD]), digest_size=16)
    digest.update(body[_HEAD:])
    return digest.hexdigest()
