"""What people and pipelines send, checked: scopes, names, reasons, times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain import access
from slo.domain.instant import InstantError, parse_ahead
from slo.domain.refusal import RefusedError
from slo.domain.scope import ScopeError, parse_scope
from slo.domain.span import rfc3339
from slo.store import slos

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from slo.config.settings import Settings

LONGEST_WHO, LONGEST_WHY = access.LONGEST_NAME, 1000
"""Characters of names and reasons."""
LARGEST_ID = 2**62
"""A larger number is the id of nothing, and no database holds it."""


def ensure_scope(session: Session, settings: Settings, text: str) -> str:
    """The scope that `text` names among declared and former SLOs, or `RefusedError`."""
    try:
        return parse_scope(text, known_ids(session, settings))
    except ScopeError as error:
        raise RefusedError("scope", str(error)) from None


def known_ids(session: Session, settings: Settings) -> list[str]:
    """The ids of all SLOs that are declared or ever were."""
    former = (known.id for known in slos.all_slos(session))
    return list(dict.fromkeys([*(slo.id for slo in settings.slos), *former]))


def ensure_text(field: str, text: str, longest: int) -> str:
    """The text without space around it, or `RefusedError` for one that is empty or too long."""
    word = " ".join(text.split())
    ensure_characters(field, word)
    if not word:
        raise RefusedError(field, f"is empty; say {field}, for those who read it later")
    if len(word) > longest:
        raise RefusedError(field, f"has {len(word):,} characters; {longest:,} fit")
    return word


def ensure_until(text: str, now: int, days: int) -> int:
    """The instant that a duration or a time names; `RefusedError` if past or over `days` ahead."""
    try:
        instant = parse_ahead(text, now)
    except InstantError as error:
        raise RefusedError("until", str(error)) from None
    if instant <= now:
        raise RefusedError("until", f"{rfc3339(instant)} is past; it must end in the future")
    latest = now + days * 86_400
    if instant > latest:
        raise RefusedError(
            "until", f"lies over {days}d ahead; end it by {rfc3339(latest)}, and renew it then"
        )
    return instant


def ensure_characters(field: str, text: str) -> None:
    """`RefusedError` for a text that holds what no store keeps."""
    if "\0" in text or not is_unicode(text):
        raise RefusedError(field, "holds what is no character; leave it out")


def is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair, which JSON may spell and no store keeps."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
