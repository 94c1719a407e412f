"""The gate as a running service tells it, by its API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import requests
from pydantic import ValidationError
from requests.auth import AuthBase

from slo.web.api.models.gate import GateAnswer

if TYPE_CHECKING:
    from requests import PreparedRequest

_SECONDS = 10
_STATUSES = (200, 412, 503)


class GateUrlError(ValueError):
    """The service gave no answer that tells of a gate; the message says what it gave."""


class _Bearer(AuthBase):
    """Sends this token, or nothing, and never what a file `.netrc` has for the host.

    Without an `auth` of its own, requests puts that in the place of a header.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """The request with the token."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def ask_url(url: str, scope: str, token: str = "") -> dict[str, Any]:
    """The answer of the service at `url` about a gate; raises `GateUrlError`.

    Redirects are not followed: the token is for this address only.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise GateUrlError(
            f"--url {url!r} is no address; write for example https://slo.example.com"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise GateUrlError("the token is none: it holds what no token has, such as a second line")
    # What stands before the @ is a password, and logs are read by many.
    there = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    service, slash, name = scope.partition("/")
    path = quote(service, safe="") + slash + quote(name, safe="")
    try:
        response = requests.get(
            f"{url.rstrip('/')}/api/v1/gate/{path}",
            headers={"Accept": "application/json"},
            auth=_Bearer(token),
            timeout=_SECONDS,
            allow_redirects=False,
        )
        body = response.json()
    except requests.JSONDecodeError:
        raise GateUrlError(f"{there} answers {response.status_code}, and not with JSON") from None
    except requests.RequestException as error:
        raise GateUrlError(f"{there} does not answer: {error}") from None
    if response.status_code in _STATUSES and _is_gate(body):
        found: dict[str, Any] = body
        return found
    told = body.get("detail") if isinstance(body, dict) else None
    raise GateUrlError(f"{there} answers {response.status_code}: {told or 'no gate'}")


def _is_gate(body: Any) -> bool:
    """Whether it is a whole answer; a newer service may say more."""
    try:
        GateAnswer.model_validate(body, extra="ignore")
    except ValidationError:
        return False
    return True
