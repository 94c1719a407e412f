"""Links: the pages of SLOs and services, and addresses that people wrote."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote


@lru_cache(maxsize=20_000)
def slo_url(service: str, name: str) -> str:
    """The page of an SLO; made by hand, since a thousand calls of `url_for` cost 20 ms."""
    return f"/slo/{quote(service, safe='')}/{quote(name, safe='')}"


@lru_cache(maxsize=20_000)
def service_url(service: str) -> str:
    """The page of a service."""
    return f"/service/{quote(service, safe='')}"


def parts(slo_id: str) -> tuple[str, str]:
    """The service and the name of an SLO, as `slo_url` takes them."""
    service, _, name = slo_id.partition("/")
    return service, name


def web_link(url: str) -> str:
    """The URL if a browser may follow it, else nothing: a runbook is text from a file."""
    return url if url.startswith(("https://", "http://")) else ""
