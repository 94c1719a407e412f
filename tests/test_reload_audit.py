"""A reload is in the audit: what of slo.yaml changed, and who may see the site since."""

from __future__ import annotations

from slo.config import parse
from slo.reload_audit import ReloadAudit
from slo.store.engine import open_engine
from tests.support.logins import audited

NOW = 1_795_206_000
BASE = "services: {a: {slos: {b: {objective: 99%, slices: {query: m, at_least: 0}}}}}\n"
OIDC = (
    "url: https://slo.example\nsite: {oidc: {issuer: 'https://idp.example', client_id: slo, "
    "client_secret: 'very secret', roles: {sre: admin}}}\n"
)


def settings_of(text=""):
    return parse(BASE + text, "slo.yaml", {})


def test_who_gets_in_is_told_before_and_since(engine):
    notes = ReloadAudit(engine, settings_of("site: {auth: users}"))
    notes.note(settings_of("site: {auth: none, public: [metrics]}"), NOW)
    (entry,) = audited(engine, "reload")
    assert (entry.at, entry.who, entry.subject) == (NOW, "slo.yaml", "slo.yaml")
    assert entry.old == {"auth": "users", "public": []}
    assert entry.new == {"auth": "none", "public": ["metrics"]}
    assert "site" in entry.detail["changed"]


def test_each_reload_is_held_against_the_one_before(engine):
    first, second = settings_of(), settings_of("interval: 30s")
    notes = ReloadAudit(engine, first)
    for settings in (first, second, second, first):
        notes.note(settings, NOW)
    changed = [entry.detail["changed"] for entry in audited(engine, "reload")]
    assert len(changed) == 2
    assert all("interval" in text for text in changed)
    assert [entry.old for entry in audited(engine, "reload")] == [None, None]


def test_no_secret_gets_into_the_audit(engine):
    ReloadAudit(engine, settings_of()).note(settings_of(OIDC), NOW)
    (entry,) = audited(engine, "reload")
    assert entry.new["issuer"] == "https://idp.example"
    assert entry.new["roles"] == [{"sre": "admin"}]
    assert "very secret" not in str(entry)


def test_the_order_of_roles_and_the_claim_of_the_name_are_told(engine):
    first = OIDC.replace("sre: admin", "sre: admin, dev: editor")
    second = OIDC.replace("sre: admin", "dev: editor, sre: admin")
    notes = ReloadAudit(engine, settings_of(first))
    notes.note(settings_of(second), NOW)
    notes.note(settings_of(second.replace("}}", "}, name_claim: sub}")), NOW)
    claimed, swapped = audited(engine, "reload")
    assert swapped.old == {"roles": [{"sre": "admin"}, {"dev": "editor"}]}
    assert swapped.new == {"roles": [{"dev": "editor"}, {"sre": "admin"}]}
    assert (claimed.old, claimed.new) == ({"name_claim": "email"}, {"name_claim": "sub"})


def test_a_store_that_is_away_keeps_no_reload_back(tmp_path, caplog):
    away = open_engine(f"sqlite:///{tmp_path / 'no' / 'slo.db'}")
    ReloadAudit(away, settings_of()).note(settings_of("interval: 30s"), NOW)
    assert "not in the audit" in caplog.text
    away.dispose()
