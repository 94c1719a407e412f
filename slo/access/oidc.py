"""OpenID Connect: people log in at a provider, and its signed word says who they are.

The code flow with state, nonce and PKCE. What the provider says is believed only if it
is signed by a key of its own, meant for us, fresh, and about the login that we began.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slo.config.settings import Oidc
    from slo.domain.access import Role
    from slo.store.oidc_logins import Pending

TIMEOUT = (5.0, 10.0)
"""Seconds to connect, and to wait for an answer."""
_AT_ONCE, _PATIENCE = 2, 1.0
"""Logins that may wait for the provider, and the seconds that others wait for their turn."""
KEPT_SECONDS = 3600
REFRESHED_EVERY = 30
"""Seconds between two looks for keys that a token names and we do not know."""
LEEWAY = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_LONGEST_BODY = 1_000_000
CALLBACK = "/login/oidc/callback"


class OidcError(Exception):
    """The login at the provider failed; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is, as the provider says; `role` None: nobody whom we let in."""

    subject: str
    """Issuer and subject: unique for ever."""
    name: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class _Discovered:
    document: Mapping[str, Any]
    keys: KeySet
    at: float


class Provider:
    """One provider; what it publishes of itself is kept for an hour."""

    def __init__(self, settings: Oidc, redirect_uri: str) -> None:
        self.settings = settings
        self.redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._found: _Discovered | None = None

    def begin(self, state: str, nonce: str, verifier: str) -> str:
        """The URL at the provider to which the browser goes to log in; raises `OidcError`."""
        with self._turn(), self._session() as session:
            document = self._discovered().document
            url, _ = session.create_authorization_url(
                document["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return str(url)

    def finish(self, code: str, pending: Pending, now: float) -> Person:
        """Who came back with `code`, from the login `pending`; raises `OidcError`."""
        try:
            with self._turn(), self._session() as session:
                document = self._discovered().document
                tokens = session.fetch_token(
                    document["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=pending.verifier,
                    redirect_uri=self.redirect_uri,
                    allow_redirects=False,
                )
                claims = self._claims(tokens, pending.nonce, now)
                return self._person(self._complete(claims, session, document))
        except (AuthlibBaseError, JoseError) as error:
            raise OidcError(f"the provider's answer is not good: {error}") from None
        except (requests.RequestException, ValueError) as error:
            raise OidcError(f"the provider does not answer: {_brief(error)}") from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One of the few threads that may wait for the provider: a slow one stops no page."""
        if not self._turns.acquire(timeout=_PATIENCE):
            raise OidcError("the provider is slow to answer those who came before; try again soon")
        try:
            yield
        finally:
            self._turns.release()

    def _session(self) -> OAuth2Session:
        methods = self._discovered().document.get("token_endpoint_auth_methods_supported")
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret,
            # What is the default where the provider does not say.
            token_endpoint_auth_method="client_secret_post"
            if methods and "client_secret_basic" not in methods
            else "client_secret_basic",
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
        )

    def _claims(self, tokens: Mapping[str, Any], nonce: str, now: float) -> dict[str, Any]:
        """The claims of the ID token, checked."""
        text = tokens.get("id_token")
        if not isinstance(text, str):
            raise OidcError("the provider sent no ID token; is the scope openid asked for?")
        decoded = self._decoded(text)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
            },
            params={
                "nonce": nonce,
                "client_id": self.settings.client_id,
                "access_token": tokens.get("access_token"),
            },
        )
        claims.validate(now=int(now), leeway=LEEWAY)
        return dict(claims)

    def _decoded(self, text: str) -> jwt.Token:
        try:
            return jwt.decode(text, self._discovered().keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its keys since.
            return jwt.decode(text, self._discovered(again=True).keys, algorithms=_ALGORITHMS)

    def _complete(
        self, claims: dict[str, Any], session: OAuth2Session, document: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The claims, with those that the provider tells only when it is asked for them."""
        wanted = {self.settings.name_claim, self.settings.roles_claim}
        endpoint = document.get("userinfo_endpoint")
        if wanted <= claims.keys() or not endpoint:
            return claims
        more = _json(session.get(endpoint, allow_redirects=False))
        if more.get("sub") != claims["sub"]:
            raise OidcError("the provider told of somebody else than who logged in")
        return {**more, **claims}

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = claims.get(self.settings.name_claim)
        if not isinstance(name, str) or not name.strip():
            raise OidcError(f"the provider gave no claim {self.settings.name_claim!r}")
        used = {self.settings.name_claim, self.settings.roles_claim}
        if "email" in used and claims.get("email_verified") in (False, "false"):
            raise OidcError("the provider has not verified this e-mail address")
        given = claims.get(self.settings.roles_claim, [])
        values = {str(v) for v in given} if isinstance(given, list) else {str(given)}
        role = next((role for value, role in self.settings.roles if value in values), None)
        return Person(
            f"{self.settings.issuer}|{claims['sub']}", name, role or self.settings.default_role
        )

    def _discovered(self, *, again: bool = False) -> _Discovered:
        """What the provider publishes; `again` asks anew, if that was not done just now."""
        with self._lock:
            found, now = self._found, time.monotonic()
            oldest = REFRESHED_EVERY if again else KEPT_SECONDS
            if found is None or now - found.at > oldest:
                found = self._found = self._discover(now)
            return found

    def _discover(self, now: float) -> _Discovered:
        issuer = self.settings.issuer
        try:
            with requests.Session() as session:
                url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
                document = _json(session.get(url, timeout=TIMEOUT, allow_redirects=False))
                if document.get("issuer") != issuer:
                    raise OidcError(
                        f"the provider calls itself {document.get('issuer')!r}, not {issuer!r}; "
                        "write site.oidc.issuer as it does"
                    )
                _ensure_endpoints(document, issuer)
                keys = session.get(document["jwks_uri"], timeout=TIMEOUT, allow_redirects=False)
                published = KeySet.import_key_set(_usable(_json(keys)))
            return _Discovered(document, published, now)
        except (requests.RequestException, JoseError, KeyError, ValueError) as error:
            raise OidcError(f"the provider does not answer: {_brief(error)}") from None


def new_secrets() -> tuple[str, str, str]:
    """State, nonce and verifier of a new login."""
    return secrets.token_urlsafe(32), secrets.token_urlsafe(24), secrets.token_urlsafe(48)


def _json(response: requests.Response) -> dict[str, Any]:
    if response.status_code != requests.codes.ok or len(response.content) > _LONGEST_BODY:
        raise ValueError(f"{response.url} answered {response.status_code}")
    body = response.json()
    if not isinstance(body, dict):
        raise ValueError(f"{response.url} answered with what is no object")  # noqa: TRY004 -- caught with other bad answers.
    return body


def _usable(published: dict[str, Any]) -> Any:
    """The keys that sign; a kind that we do not know hides none of the others."""
    keys = [
        key
        for key in published.get("keys", [])
        if isinstance(key, dict)
        and key.get("kty") in {"RSA", "EC"}
        and key.get("use", "sig") == "sig"
    ]
    return {"keys": keys}


def _ensure_endpoints(document: Mapping[str, Any], issuer: str) -> None:
    """Refuses a provider without what a login needs, or that drops the TLS of its own URL."""
    kinds = ("https://",) if issuer.startswith("https:") else ("https://", "http://")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        url = document.get(name)
        if url is None and name == "userinfo_endpoint":
            continue
        if not isinstance(url, str) or not url.startswith(kinds):
            raise ValueError(f"its configuration has no {name} that begins with {kinds[0]}")


def _brief(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__
