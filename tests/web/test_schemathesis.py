"""The API asked by its own document: what it says is what comes, whatever is asked."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from slo.access.logins import digest
from slo.access.tokens import add_token
from slo.access.users import add_user
from slo.store.engine import writing
from slo.store.sessions import PUBLIC_LENGTH
from slo.web import app as _app  # noqa: F401 -- declares all operations.
from slo.web.api.openapi import path_of, variables_of
from slo.web.api.operation import OPERATIONS
from tests.support import rich
from tests.support.logins import begin
from tests.web.truthful import truthful

CONFIG = SchemathesisConfig.from_dict(
    {
        # What fits the models may still be refused by the rules: an unknown scope, a past time.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "4xx"]}}
    }
)
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
EXAMPLES = {POSITIVE: 12, NEGATIVE: 8}
WORDS = {
    "scope": "fraud-model",
    "until": "2h",
    "from": "2026-11-20T10:00:00Z",
    "to": "2026-11-20T12:00:00Z",
    "at": "1h",
    "step": "1h",
    "role": "viewer",
    "why": "a migration",
    "who": "mia",
    "service": "fraud-model",
    "slo": "fraud-model/availability",
    "owner": "risk-ml",
    "label": "tier=one",
    "q": "fraud",
    "user": "mia",
}
"""Words that the rules take too, for every second request; the others have any that fit."""


def takes_anything_wrong(operation):
    """Whether there is a part of a request that can be wrong."""
    kinds = [kind for _, kind in variables_of(operation)]
    return operation.query is not None or operation.body is not None or "int" in kinds


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with something of everything, among it a token that may do everything."""
    made = rich.make(tmp_path_factory.mktemp("api") / "slo.db")
    with writing(made.feed.engine) as session:
        now = int(made.now)
        for name in ("mia", "joe"):
            add_user(session, name, "admin", subject=f"issuer|{name}", who="test", now=now)
        _, made.token = add_token(session, "for the test", "admin", who="test", now=now)
        spare, _ = add_token(session, "to be revoked", "admin", who="test", now=now)
        made.spare_token = spare.id
    made.spare_session = digest(begin(made.feed.engine, "joe", now))[:PUBLIC_LENGTH]
    yield made
    made.feed.engine.dispose()


@pytest.fixture(scope="module")
def api(full):
    """The API over it, as its document tells of it."""
    app = truthful(full.app())
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=CONFIG)


@pytest.fixture(scope="module")
def there(full):
    """What fills the variables of paths so that there is such a thing; some by the path."""
    return {
        "service": "fraud-model",
        "name": "availability",
        "incident": full.resolved,
        "token_id": full.spare_token,
        "session_id": full.spare_session,
        "/api/v1/receivers/{name}/resume": {"name": "hook"},
        "/api/v1/users/{name}": {"name": "joe"},
        "/api/v1/users/{name}/revoke": {"name": "joe"},
    }


@pytest.fixture(scope="module")
def headers(full):
    """Who asks; and nothing compressed, which Schemathesis does not unpack from a WSGI app."""
    return {"Authorization": f"Bearer {full.token}", "Accept-Encoding": "identity"}


def ask(api, operation, mode, known, headers):
    """Asks one operation many times, with what fits it or with what does not."""
    path = path_of(operation)
    variables = {name: known.get(name, 1) for name, _ in variables_of(operation)}
    variables |= known.get(path, {})
    statuses = set()

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][operation.method].as_strategy(generation_mode=mode), plain=booleans())
    def ask_once(case, plain):
        if mode is POSITIVE:
            case.path_parameters = variables
            for part in (case.query, case.body) if plain else ():
                if isinstance(part, dict):
                    part.pop("cursor", None)
                    part.update({key: WORDS[key] for key in part if key in WORDS})
        answer = case.call_and_validate(headers=headers)
        statuses.add(answer.status_code)

    ask_once()
    assert statuses.isdisjoint({401, 403}), "the token must get in"
    return statuses


def named(operations):
    return [pytest.param(one, id=f"{one.method} {path_of(one)}") for one in operations]


@pytest.mark.parametrize("operation", named(OPERATIONS))
def test_what_fits_is_answered_as_the_document_says(api, there, headers, operation):
    ask(api, operation, POSITIVE, there, headers)


@pytest.mark.parametrize("operation", named(filter(takes_anything_wrong, OPERATIONS)))
def test_what_does_not_fit_is_refused_as_the_document_says(api, there, headers, operation):
    ask(api, operation, NEGATIVE, there, headers)
