"""The keys of a source in slo.yaml, and the source that they declare."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slo.config.document import KEY
from slo.config.kinds import BaseUrl, Delay, Duration, Flag, HeaderText, Seconds, Text
from slo.config.shape import Shape
from slo.domain.source import TLS, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from slo.config.shape import Complaint


class BasicAuthShape(Shape):
    """A user and password for HTTP basic authentication."""

    username: Text = Field(description="The user.")
    password: Text = Field(description="The password; write it as a variable.")


class TLSShape(Shape):
    """Certificates; file paths are relative to the folder of slo.yaml."""

    ca: Text | None = Field(default=None, description="File of the certificate authority to trust.")
    cert: Text | None = Field(default=None, description="File of the client's certificate.")
    key: Text | None = Field(default=None, description="File of the client's private key.")
    verify: Flag = Field(default=True, description="false accepts any certificate of the server.")

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """A key without its certificate is never sent."""
        if "key" in data and "cert" not in data:
            yield ("key", KEY), "needs cert, the certificate that it belongs to"


class SourceShape(Shape):
    """A Prometheus server."""

    url: BaseUrl | None = Field(
        default=None, description="Address of the server, with its path prefix."
    )
    urls: list[BaseUrl] | None = Field(
        default=None,
        description="Addresses of one Prometheus that are tried in order and fail over.",
    )
    timeout: Duration = Field(default=timedelta(seconds=10), description="Deadline of one request.")
    lag: Delay = Field(
        default=timedelta(seconds=15), description="How long samples may take to reach the server."
    )
    scrape_interval: Seconds = Field(
        default=timedelta(seconds=15),
        description="Spacing of samples; only `query` indicators need it.",
    )
    headers: dict[str, HeaderText] = Field(
        default={}, description="Further HTTP headers of each request."
    )
    basic_auth: BasicAuthShape | None = Field(
        default=None, description="User and password for HTTP basic authentication."
    )
    bearer_token_file: Text | None = Field(
        default=None,
        description="File that holds a bearer token; read again when it changes. "
        "The path is relative to the folder of slo.yaml.",
    )
    tls: TLSShape | None = Field(default=None, description="Certificates for TLS.")
    params: dict[str, Text] = Field(
        default={},
        description="Further parameters of each request, such as Thanos's "
        'dedup: "true" and partial_response: "false".',
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """One way to name the server, one way to authenticate, and lawful header names."""
        if "url" in data and "urls" in data:
            yield ("urls", KEY), "cannot stand beside url; write all addresses under urls"
        if "url" not in data and "urls" not in data:
            yield (), "needs url, such as http://localhost:9090"
        if data.get("urls") == []:
            yield ("urls", KEY), "is empty; write at least one address"
        if "basic_auth" in data and "bearer_token_file" in data:
            yield ("bearer_token_file", KEY), "cannot stand beside basic_auth; keep one of them"
        headers = data.get("headers")
        for name in headers if isinstance(headers, dict) else ():
            if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
                yield ("headers", name, KEY), "is not the name of an HTTP header"

    def source(self, name: str, folder: PurePath) -> Source:
        """The source under its name; relative file paths begin in `folder`."""

        def file(path: str | None) -> str | None:
            return None if path is None else str(folder / path)

        tls = self.tls or TLSShape()
        urls = self.urls or [self.url or ""]
        auth = self.basic_auth
        return Source(
            name=name,
            urls=tuple(urls),
            timeout=self.timeout,
            lag=self.lag,
            scrape_interval=self.scrape_interval,
            headers=tuple(sorted(self.headers.items())),
            basic_auth=None if auth is None else (auth.username, auth.password),
            bearer_token_file=file(self.bearer_token_file),
            tls=TLS(file(tls.ca), file(tls.cert), file(tls.key), tls.verify),
            params=tuple(sorted(self.params.items())),
        )
