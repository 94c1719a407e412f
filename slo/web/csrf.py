"""The token in forms that proves that a change was asked for on one of our own pages.

It follows from the session's id, which no other site can read: what a page holds and
what the browser sends beside it must fit together.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import request
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, UnsupportedMediaType

from slo.web.cookies import session_cookie
from slo.web.identity import current_identity
from slo.web.origin import SAFE, ensure_told_origin

FIELD = "csrf"
_API = "/api/"


def csrf_field() -> Markup:
    """The hidden field that every form of method post holds: `{{ csrf() }}`."""
    if current_identity().kind != "user":
        return Markup("")
    return field_for(session_cookie())


def field_for(secret: str) -> Markup:
    """The hidden field for the cookie `secret`."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, _token(secret))


def ensure_csrf() -> None:
    """Refuses a change that a user's browser was made to ask for on another site's page."""
    if request.method in SAFE or current_identity().kind != "user":
        return
    if not request.path.startswith(_API):
        ensure_field(session_cookie())
        return
    ensure_told_origin()
    if request.content_length and request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as JSON, with Content-Type: application/json.")


def ensure_field(secret: str) -> None:
    """Refuses a form without the field for the cookie `secret`."""
    sent = request.form.get(FIELD, "")
    if not secret or not hmac.compare_digest(sent.encode(), _token(secret).encode()):
        raise Forbidden(
            "This form was loaded before you logged in, or is not one of ours. "
            "Go back, load the page again, and send it once more."
        )


def _token(secret: str) -> str:
    return hashlib.sha256(f"csrf {secret}".encode()).hexdigest()
