"""Users, sessions, tokens, failed logins and logins under way, in both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from slo.access import logins, passwords, tokens, users
from slo.access.arriving import let_in, turn_out
from slo.access.logins import Caller, LoginError
from slo.access.oidc import Person
from slo.access.tokens import TokenMadeError
from slo.domain.refusal import RefusedError, UnknownError
from slo.domain.throttle import NONE, Failures
from slo.store import oidc_logins, sessions, throttle
from slo.store import tokens as kept_tokens
from slo.store import users as kept
from slo.store.engine import reading, writing
from slo.store.errors import StoreError
from slo.store.oidc_logins import Pending
from tests.support.logins import PASSWORD, add_user, audited

HERE = Caller("192.0.2.1", "a browser")
T = 1_700_000_000
HOUR, DAY = 3600, 86_400


def test_users_are_added_changed_and_removed(engine):
    made = add_user(engine, "ada", "admin", T)
    add_user(engine, "bo", "viewer", T)
    with writing(engine) as session:
        assert kept.exist(session)
        assert [u.name for u in kept.all_users(session)] == ["ada", "bo"]
        assert kept.named(session, "ada") == kept.by_id(session, made.id)
        assert users.set_role(session, "BO", "editor", who="ada", now=T).role == "editor"
        assert users.disable(session, "bo", who="ada", now=T + 1).disabled_at == T + 1
        assert users.enable(session, "bo", who="ada", now=T + 2).disabled_at is None
        users.remove(session, "bo", who="ada", now=T + 3)
        with pytest.raises(UnknownError, match="there are ada"):
            users.ensure_user(session, "bo")
    told = {e.action: (e.who, e.old, e.new) for e in audited_of(engine, "user/bo")}
    assert told == {
        "user-add": ("tests", None, {"role": "viewer", "login": "password"}),
        "user-role": ("ada", {"role": "viewer"}, {"role": "editor"}),
        "user-disable": ("ada", {"state": "enabled"}, {"state": "disabled"}),
        "user-enable": ("ada", {"state": "disabled"}, {"state": "enabled"}),
        "user-remove": ("ada", {"role": "editor"}, None),
    }


def audited_of(engine, subject):
    from slo.store import audit  # noqa: PLC0415 -- for this alone.

    with reading(engine) as session:
        return audit.of(session, subject)


def test_a_name_is_taken_once(engine):
    add_user(engine, "ada")
    with pytest.raises(RefusedError, match="already"), writing(engine) as session:
        users.add_user(session, "Ada", "viewer", who="x", now=T)


def test_of_two_admins_who_remove_each_other_at_once_one_stays(engine):
    add_user(engine, "ada")
    add_user(engine, "bo")

    def remove(name):
        try:
            with writing(engine) as session:
                users.remove(session, name, who="x", now=T)
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ["ada", "bo"])) == [False, True]
    with reading(engine) as session:
        assert len(kept.all_users(session)) == 1


def test_a_removed_user_takes_sessions_and_tokens_along(engine):
    owner = add_user(engine, "ada")
    with writing(engine) as session:
        logins.begin_session(session, owner, HERE, T, how="x")
        _, text = tokens.add_token(session, "t", "read", who="ada", now=T, owner=owner)
        users.remove(session, "ada", who="x", now=T, last=True)
    with reading(engine) as session:
        assert tokens.known(session, text, T) is None
        assert kept_tokens.all_tokens(session) == []
        assert sessions.running(session, T) == []


def test_a_session_is_found_until_it_is_idle_or_old(engine):
    user = add_user(engine, "ada")
    with writing(engine) as session:
        secret = logins.begin_session(session, user, HERE, T, how="x")
    digest = logins.digest(secret)
    with writing(engine) as session:
        login = sessions.of_digest(session, digest, T + 8 * HOUR - 1)
        assert (login.name, login.role, login.address) == ("ada", "admin", "192.0.2.1")
        assert sessions.of_digest(session, digest, T + 8 * HOUR) is None
        assert sessions.of_digest(session, secret, T) is None
        sessions.touch(session, login, T + 7 * DAY - 1)
        assert sessions.of_digest(session, digest, T + 7 * DAY - 1) is not None
        assert sessions.of_digest(session, digest, T + 7 * DAY) is None
        assert kept.by_id(session, user.id).seen_at == T + 7 * DAY - 1


def test_a_session_is_ended_by_what_lists_call_it(engine):
    ada, bo = add_user(engine, "ada"), add_user(engine, "bo")
    with writing(engine) as session:
        logins.begin_session(session, ada, HERE, T, how="x")
        (login,) = sessions.running(session, T, ada.id)
        assert sessions.end_named(session, login.public_id, bo.id) is None
        assert sessions.end_named(session, login.public_id[:-1]) is None
        assert sessions.end_named(session, "%" * 16) is None
        assert sessions.end_named(session, login.public_id, ada.id) == login
        assert sessions.running(session, T) == []


def test_a_token_is_known_until_it_expires_or_is_revoked(engine):
    with writing(engine) as session:
        made, text = tokens.add_token(session, "ci", "gate", who="ada", now=T, days=2)
        _, forever = tokens.add_token(session, "x", "read", who="ada", now=T, days=None)
    with writing(engine) as session:
        assert tokens.known(session, text, T + 2 * DAY - 1) == (made, None)
        assert tokens.known(session, text, T + 2 * DAY) is None
        assert tokens.known(session, forever, T + 9999 * DAY) is not None
        swapped = forever[:17] + text[17:]
        assert tokens.known(session, swapped, T) is None
        tokens.revoke(session, made.id, who="ada", now=T + 5)
        tokens.revoke(session, made.id, who="ada", now=T + 6)
        assert tokens.known(session, text, T) is None
        with pytest.raises(UnknownError, match="there is no token"):
            tokens.revoke(session, "nothing", who="ada", now=T)
    assert len(audited(engine, "token-revoke")) == 1


def test_of_two_tokens_of_one_id_at_once_there_is_one(engine):
    def make(_):
        with writing(engine) as session:
            return tokens.add_token(session, "x", "read", who="ada", now=T, number="0123456789ab")

    def tried(number):
        try:
            return make(number)
        except TokenMadeError:
            return None

    with ThreadPoolExecutor(4) as pool:
        ((made, text),) = filter(None, pool.map(tried, range(4)))
    with reading(engine) as session:
        assert tokens.known(session, text, T) == (made, None)
    assert len(audited(engine, "token-add")) == 1


def test_the_audit_of_a_token_tells_all_but_the_token(engine):
    with writing(engine) as session:
        made, text = tokens.add_token(session, "ci", "gate", who="ada", now=T, days=2)
    (entry,) = audited(engine, "token-add")
    assert entry.subject == f"token/{made.id}"
    assert entry.new == {"name": "ci", "scope": "gate", "expires_at": T + 2 * DAY, "owner": None}
    assert text.split("_")[2] not in str(entry)


BO = "https://idp.example|1"


def come(engine, role, now=T):
    """Bo comes back from the provider, whose word is that role; whether they are let in."""
    person = Person(BO, "bo", role)
    try:
        with writing(engine) as session:
            let_in(session, person, HERE, now)
    except LoginError:
        with writing(engine) as session:
            turn_out(session, person, HERE, now)
        return False
    return True


def token_of_bo(engine):
    with writing(engine) as session:
        owner = kept.named(session, "bo")
        return tokens.add_token(session, "t", "read", who="bo", now=T, days=None, owner=owner)[1]


def is_known(engine, text):
    with reading(engine) as session:
        return tokens.known(session, text, T) is not None


def test_tokens_of_somebody_without_a_role_rest_until_they_are_let_in_again(engine):
    assert come(engine, "admin")
    text = token_of_bo(engine)
    assert is_known(engine, text)
    for _ in range(2):
        assert not come(engine, None)
        assert not is_known(engine, text)
    with reading(engine) as session:
        assert kept.named(session, "bo").role is None
        assert sessions.running(session, T) == []
    assert come(engine, "viewer")
    with reading(engine) as session:
        _, role = tokens.known(session, text, T)
    assert role == "viewer"
    told = [(e.who, e.old, e.new) for e in audited_of(engine, "user/bo") if e.action == "user-role"]
    assert told == [
        ("oidc", {"role": None}, {"role": "viewer"}),
        ("oidc", {"role": "admin"}, {"role": None}),
    ]


def test_somebody_without_a_role_gets_no_token_until_an_admin_gives_them_one(engine):
    come(engine, "admin")
    text = token_of_bo(engine)
    come(engine, None)
    with pytest.raises(RefusedError, match="bo has no role"):
        token_of_bo(engine)
    with writing(engine) as session:
        assert users.set_role(session, "bo", "viewer", who="ada", now=T).role == "viewer"
    assert is_known(engine, text)


def test_a_disabled_user_who_lost_the_role_too_gets_nothing_back_by_being_enabled(engine):
    come(engine, "admin")
    text = token_of_bo(engine)
    with writing(engine) as session:
        users.disable(session, "bo", who="ada", now=T, last=True)
    come(engine, None)
    with writing(engine) as session:
        assert users.enable(session, "bo", who="ada", now=T).role is None
    assert not is_known(engine, text)


def test_a_disabled_user_whom_the_provider_sends_keeps_the_role(engine):
    come(engine, "editor")
    with writing(engine) as session:
        users.disable(session, "bo", who="ada", now=T)
    assert not come(engine, "editor")
    with writing(engine) as session:
        assert users.enable(session, "bo", who="ada", now=T).role == "editor"


@pytest.mark.parametrize("end", [users.disable, users.remove])
def test_a_user_who_goes_while_the_password_is_compared_is_not_let_in(engine, monkeypatch, end):
    add_user(engine, "ada")
    add_user(engine, "bo")
    compare = passwords.matches

    def slow(kept_hash, password):
        with writing(engine) as session:
            end(session, "bo", who="ada", now=T)
        return compare(kept_hash, password)

    monkeypatch.setattr(passwords, "matches", slow)
    with pytest.raises(LoginError, match="wrong"):
        logins.log_in(engine, "bo", PASSWORD, HERE, T)
    with writing(engine) as session:
        if end is users.disable:
            users.enable(session, "bo", who="ada", now=T)
        assert sessions.running(session, T) == []


def test_an_admin_of_a_provider_that_is_not_named_is_nobody_who_can_log_in(engine):
    add_user(engine, "ada")
    add_user(engine, "bo", password=None, subject=BO)
    for change in (users.disable, users.remove):
        with pytest.raises(RefusedError, match="last admin"), writing(engine) as session:
            change(session, "ada", who="x", now=T)
    with pytest.raises(RefusedError, match="last admin"), writing(engine) as session:
        users.set_role(session, "ada", "editor", who="x", now=T)
    with writing(engine) as session:
        assert users.disable(session, "bo", who="x", now=T).disabled_at == T
        users.enable(session, "bo", who="x", now=T)
        assert users.disable(session, "ada", who="x", now=T, provider=True).disabled_at == T


def test_failures_are_kept_by_key_and_forgotten_in_time(engine):
    with writing(engine) as session:
        assert throttle.failures(session, ["a", "b"]) == {"a": NONE, "b": NONE}
        throttle.put(session, "a", Failures(3, T + 0.5))
        throttle.put(session, "a", Failures(4, T + 1.5))
        throttle.put(session, "known", Failures(0, T))
        assert throttle.failures(session, ["a"]) == {"a": Failures(4, T + 1.5)}
        throttle.put(session, "b", Failures(1, T + HOUR))
        assert throttle.failures(session, ["a", "known"]) == {"a": NONE, "known": Failures(0, T)}
        throttle.put(session, "b", Failures(1, T + 31 * DAY))
        throttle.forget(session, "b")
        assert throttle.failures(session, ["b", "known"]) == {"b": NONE, "known": NONE}


def test_of_many_guesses_at_once_no_more_are_looked_at_than_of_guesses_in_a_row(engine):
    add_user(engine, "ada")

    def guess(number):
        try:
            logins.log_in(engine, "ada", f"guess {number}", HERE, T)
        except LoginError as error:
            return error.retry_after
        return pytest.fail("it was right")

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(guess, range(12)))
    assert waits.count(0) == 5


def test_a_right_password_gives_a_session_and_is_remembered(engine):
    add_user(engine, "ada")
    secret = logins.log_in(engine, "ada", PASSWORD, HERE, T)
    with reading(engine) as session:
        assert sessions.of_digest(session, logins.digest(secret), T).agent == "a browser"
        known = throttle.failures(session, ["known/192.0.2.1/ada", "account/ada"])
    assert known == {"known/192.0.2.1/ada": Failures(0, T), "account/ada": NONE}


def test_a_login_under_way_is_taken_once_and_in_time(engine):
    pending = Pending("d" * 64, "b" * 64, "nonce", "verifier", "/x", T)
    late = Pending("e" * 64, "b" * 64, "nonce", "verifier", "/x", T)
    with writing(engine) as session:
        oidc_logins.put(session, pending)
        oidc_logins.put(session, late)
        assert oidc_logins.take(session, pending.digest, T + 599) == pending
        assert oidc_logins.take(session, pending.digest, T + 599) is None
        assert oidc_logins.take(session, late.digest, T + 600) is None


def test_of_logins_that_are_only_begun_the_newest_are_kept(engine, monkeypatch):
    monkeypatch.setattr(oidc_logins, "MOST", 3)
    with writing(engine) as session:
        for n in range(6):
            oidc_logins.put(session, oidc_logins.Pending(f"d{n}", "b", "n", "v", "/", T + n))
        found = [oidc_logins.take(session, f"d{n}", T + 10) is not None for n in range(6)]
    assert found == [False] * 3 + [True] * 3


def test_two_users_never_share_a_subject(engine):
    add_user(engine, "ada", subject="https://idp.example|1")
    with pytest.raises(StoreError):
        add_user(engine, "bo", subject="https://idp.example|1")
    with reading(engine) as session:
        assert kept.of_subject(session, "https://idp.example|1").name == "ada"
