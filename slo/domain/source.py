"""Sources: the Prometheus servers that SLOs are read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class TLS:
    """Files for TLS to a source; `verify=False` accepts any certificate."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """One Prometheus by name; `urls` are tried in order and fail over."""

    name: str
    urls: tuple[str, ...] = field(repr=False)
    timeout: timedelta = timedelta(seconds=10)
    lag: timedelta = timedelta(seconds=15)
    scrape_interval: timedelta = timedelta(seconds=15)
    """Only `query` indicators need it; counters measure their own spacing."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    bearer_token_file: str | None = None
    tls: TLS = TLS()
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
