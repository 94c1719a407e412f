"""The gate as a running service tells it, by its API."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import requests
from pydantic import ValidationError

from slo.web.api.models.gate import GateAnswer

_SECONDS = 10
_STATUSES = (200, 412, 503)


class GateUrlError(ValueError):
    """The service gave no answer that tells of a gate; the message says what it gave."""


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
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        response = requests.get(
            f"{url.rstrip('/')}/api/v1/gate/{path}",
            headers=headers,
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
