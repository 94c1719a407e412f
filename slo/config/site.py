"""The keys of `site` in slo.yaml: who may see the site, and what stands before it."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field

from slo.config.document import KEY
from slo.config.kinds import Text, Url
from slo.config.scalars import ScalarError, choice, kind
from slo.config.settings import Oidc, SiteSettings
from slo.config.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import AuthMode, PublicPart
    from slo.config.shape import Complaint
    from slo.domain.access import Role

MOST_PROXIES = 10
_HERE = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)")
"""What is asked in the clear, but leaves this machine never."""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def _host(text: str) -> str:
    name = text.strip().lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    if len(name) > 253 or not all(_LABEL.fullmatch(part) for part in name.split(".")):  # noqa: PLR2004 -- of DNS.
        raise ScalarError(
            f"{text!r} is not the name of a host; write for example slo.example.com, without "
            "https:// and port"
        )
    return name


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise ScalarError(
            f"{text!r} is no address or network; write for example 10.0.0.5 or 10.1.0.0/16"
        ) from None


def _proxies(text: str) -> int:
    number = int(text)
    if not 0 <= number <= MOST_PROXIES:
        raise ScalarError(f"must lie from 0 to {MOST_PROXIES}")
    return number


Host = Annotated[
    str, *kind(_host, "the name of a host such as slo.example.com", {"type": "string"})
]
Proxies = Annotated[
    int,
    *kind(
        _proxies,
        "a number of proxies such as 1",
        {"type": ["integer", "string"]},
        ("int",),
    ),
]
Network = Annotated[
    str, *kind(_network, "an address or a network such as 10.1.0.0/16", {"type": "string"})
]
AuthWord = Annotated[str, *choice("none", "users", "oidc")]
PublicWord = Annotated[str, *choice("status", "metrics")]
RoleWord = Annotated[str, *choice("viewer", "editor", "admin")]


class OidcShape(Shape):
    """The OpenID Connect provider at which people log in."""

    issuer: Url = Field(
        description="The provider's URL, as it calls itself; https, or http on this machine."
    )
    client_id: Text = Field(description="What the provider calls SLO Ledger.")
    client_secret: Text = Field(description="The secret for that, best from a ${VARIABLE}.")
    scopes: list[Text] = Field(
        default=["openid", "profile", "email"], description="What the provider is asked to tell."
    )
    name_claim: Text = Field(
        default="email", description="The claim that names people here: email, preferred_username."
    )
    roles_claim: Text = Field(
        default="groups", description="The claim whose values `roles` maps: a list or one text."
    )
    roles: dict[str, RoleWord] = Field(
        default={},
        description="Roles (viewer, editor, admin) by value of the claim; the first that fits.",
    )
    default_role: RoleWord | None = Field(
        default=None,
        description="The role of those without such a value; left out, they are not let in.",
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """TLS to the provider, the scope openid, and at least one who is let in."""
        issuer = data.get("issuer")
        if isinstance(issuer, str) and issuer.startswith("http:") and not _HERE.match(issuer):
            yield ("issuer",), "must begin with https://; what it says decides who gets in"
        scopes = data.get("scopes")
        if isinstance(scopes, list) and "openid" not in scopes:
            yield ("scopes",), "must hold openid, without which nobody logs in"
        if not data.get("roles") and "default_role" not in data:
            yield ("roles", KEY), "is empty, so nobody is let in; write roles, or default_role"

    def oidc(self) -> Oidc:
        """The provider."""
        return Oidc(
            self.issuer,
            self.client_id,
            self.client_secret,
            tuple(dict.fromkeys(self.scopes)),
            self.name_claim,
            self.roles_claim,
            cast("tuple[tuple[str, Role], ...]", tuple(self.roles.items())),
            cast("Role | None", self.default_role),
        )


class SiteShape(Shape):
    """Who may see the site, and what stands before it."""

    auth: AuthWord | None = Field(
        default=None,
        description="Who has to log in: none (nobody), users (everybody, made by `slo user`), or "
        "oidc (everybody, at the provider). Left out: everybody once there is a user or oidc; "
        "till then only this machine itself gets in.",
    )
    public: list[PublicWord] = Field(
        default=[], description="What may be seen without login: status, metrics."
    )
    hosts: list[Host] = Field(
        default=[],
        description="Names under which the site may be asked for, beside that of url; "
        "left out: any.",
    )
    proxies: Proxies = Field(
        default=0,
        description="How many proxies of yours stand before it; they say who asks, and how.",
    )
    proxy_addresses: list[Network] = Field(
        default=[],
        description="Addresses or networks of those proxies, which alone are believed; left out: "
        "any that is not of the public internet.",
    )
    oidc: OidcShape | None = Field(
        default=None, description="The OpenID Connect provider at which people log in."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """A provider where it is asked for, and only there."""
        auth = data.get("auth")
        if auth == "oidc" and "oidc" not in data:
            yield ("auth",), "needs the provider; write oidc: {issuer: ..., client_id: ...}"
        if auth in {"none", "users"} and "oidc" in data:
            yield ("auth",), f"is {auth}, so oidc is never used; write oidc, or leave it out"
        if data.get("proxy_addresses") and not data.get("proxies"):
            yield ("proxy_addresses",), "are of no use without proxies, which says how many"

    def settings(self) -> SiteSettings:
        """The settings."""
        auth = self.auth or ("" if self.oidc is None else "oidc")
        return SiteSettings(
            cast("AuthMode", auth),
            cast("tuple[PublicPart, ...]", tuple(dict.fromkeys(self.public))),
            tuple(dict.fromkeys(self.hosts)),
            self.proxies,
            tuple(dict.fromkeys(self.proxy_addresses)),
            None if self.oidc is None else self.oidc.oidc(),
        )


def site_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """What `site` needs of the rest of the file."""
    site = data.get("site")
    if isinstance(site, dict) and "oidc" in site and "url" not in data:
        yield ("site", "oidc", KEY), "needs url at the top: the provider sends people back to it"
