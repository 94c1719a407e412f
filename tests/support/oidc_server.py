"""A small OpenID Connect provider: discovery, keys, authorization, tokens, userinfo."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "slo-ledger", "s3cret of the client"


class OidcServer:
    """The provider; what it says can be bent before a login, to be wrong."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.published = [self.key]
        self.now = time.time()
        self.claims = {"sub": "0001", "email": "Ada@example.com", "groups": ["sre"]}
        self.userinfo = {}
        self.bent = {}
        """Claims of the ID token that are not as they should be."""
        self.signed_by = None
        """Another key than the published one; with it, `alg`."""
        self.alg = "RS256"
        self.answers = threading.Event()
        """While it is cleared, whoever asks waits."""
        self.answers.set()
        self.asked = []
        """Paths, in order."""
        self._codes = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def issuer(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def configuration(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def keys(self):
        return {"keys": [key.as_dict(private=False) for key in self.published]}

    def authorize(self, url):
        """What a browser gets that was sent to `url`: where it is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) >= 22
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form, authorization):
        """The answer of the token endpoint; refuses what a real one would."""
        asked = self._codes.pop(form.get("code"), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).decode().rstrip("=")
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
            or authorization != f"Basic {basic}"
        ):
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **self.bent,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key = self.signed_by or self.key
        header = {"alg": self.alg, "kid": "first" if self.signed_by is None else "forged"}
        if self.signed_by is None:
            header["kid"] = key.kid
        text = jwt.encode(header, claims, key, algorithms=[self.alg])
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": text}


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self._count()
            bodies = {
                "/.well-known/openid-configuration": server.configuration,
                "/keys": server.keys,
                "/userinfo": lambda: {"sub": server.claims["sub"], **server.userinfo},
            }
            make = bodies.get(self.path)
            self._answer(*((404, {}) if make is None else (200, make())))

        def do_POST(self):
            self._count()
            length = int(self.headers["Content-Length"])
            form = {n: v[0] for n, v in parse_qs(self.rfile.read(length).decode()).items()}
            self._answer(*server.token(form, self.headers.get("Authorization")))

        def _count(self):
            server.asked.append(self.path)
            server.answers.wait(30)

        def _answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler
