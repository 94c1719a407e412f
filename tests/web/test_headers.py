"""The headers of every answer, whatever it is: what browsers may do with it, and who keeps it."""

from __future__ import annotations

import pytest

from slo.web.app import create_app
from tests.support.logins import add_token, add_user, bearer, logged_in, site_of
from tests.web.world import NOW

WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = (
    "default-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
)
LARGE = b"x" * 5_000_000
ANSWERS = {
    "a page": (200, "GET", "/login", {}),
    "a redirect": (303, "GET", "/alerts", {}),
    "a static file": (200, "GET", "/static/site.css", {}),
    "no such file": (404, "GET", "/static/none.css", {}),
    "no such page": (404, "GET", "/no/such", {}),
    "no such method": (405, "PUT", "/alerts", {}),
    "an error": (500, "GET", "/broken", {}),
    "a wrong name": (421, "GET", "/", {"headers": {"Host": "evil.example"}}),
    "another site": (403, "POST", "/silences", {"headers": {"Origin": "http://evil.example"}}),
    "a large body": (413, "POST", "/login", {"data": LARGE}),
    "no token": (401, "GET", "/api/v1/slos", {}),
    "a problem": (404, "GET", "/api/v1/none", {}),
    "health": (200, "GET", "/healthz", {}),
    "readiness": (503, "GET", "/readyz", {}),
    "metrics": (401, "GET", "/metrics", {}),
    "options": (200, "OPTIONS", "/login", {}),
    "head": (200, "HEAD", "/login", {}),
}


@pytest.fixture
def app(engine):
    add_user(engine)
    app = create_app(engine, clock=lambda: NOW, loaded=site_of(hosts=("slo.example",)))

    def broken():
        raise RuntimeError("a secret of the server")

    broken.slo_permission = "public"
    app.add_url_rule("/broken", "broken", broken)
    return app


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("what", ANSWERS)
def test_every_answer_has_them(app, what, tls):
    status, method, path, more = ANSWERS[what]
    answer = app.test_client().open(
        path, method=method, base_url=f"http{'s' if tls else ''}://localhost", **more
    )
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in WANTED} == WANTED
    policy = answer.headers["Content-Security-Policy"]
    assert set(POLICY) == set(policy.split("; "))
    assert answer.headers["Cache-Control"]
    assert ("Strict-Transport-Security" in answer.headers) == tls
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "a secret of the server" not in answer.text
    answer.close()


@pytest.mark.parametrize("path", ["/", "/api/v1/slos"])
def test_a_method_that_is_not_there_is_answered_with_those_that_are(engine, path):
    answer = create_app(engine, clock=lambda: NOW).test_client().post(path)
    assert answer.status_code == 405
    assert set(answer.allow) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/", "/account", "/alerts", "/audit", "/no/such"])
def test_what_a_user_sees_is_kept_by_nobody(app, engine, path):
    client = logged_in(app.test_client(), engine, "ada", NOW)
    assert client.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/alerts", "/api/v1/slos", "/api/v1/users", "/metrics"])
def test_what_a_token_reads_is_kept_by_no_cache_that_others_share(app, engine, path):
    headers = bearer(add_token(engine, "admin", NOW))
    kept = app.test_client().get(path, headers=headers).headers["Cache-Control"]
    assert "private" in kept or kept == "no-store"
