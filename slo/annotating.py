"""Annotating: marks on the timeline as people and pipelines send them, checked and kept."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from slo.domain.annotation import KINDS, Annotation
from slo.domain.refusal import RefusedError
from slo.domain.span import rfc3339
from slo.sent import LARGEST_ID, LONGEST_WHO, ensure_characters, ensure_scope, ensure_text
from slo.store import annotations as kept_annotations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from slo.config.settings import Settings
    from slo.domain.annotation import AnnotationKind
    from slo.store.annotations import Added

LONGEST_TITLE, LONGEST_TEXT, LONGEST_URL, LONGEST_KEY = 200, 4000, 2000, 200
"""Characters."""
LONGEST_AHEAD = 86_400
"""Seconds that one may lie in the future: a deploy that is about to begin."""
_MOST_LABELS, _LONGEST_LABEL = 20, 200
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,62}")
_SAME = ("kind", "scope", "title", "text", "url", "labels")
"""What of two annotations with one key must be equal."""


class KeyUsedError(RefusedError):
    """The key belongs to another annotation, or to one that was removed."""


def annotate(
    session: Session,
    settings: Settings,
    *,
    kind: str,
    scope: str,
    title: str,
    who: str,
    now: int,
    at: int | None = None,
    end: int | None = None,
    text: str = "",
    url: str = "",
    labels: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Added:
    """Marks the timeline of `scope` at `at`, by default now.

    Sent again with the same `key` and content it stays one annotation; with an `end`
    as well, one that runs is over. Raises `RefusedError`, and `KeyUsedError` for a key
    that belongs to another one.
    """
    key = None if key is None else ensure_text("key", key, LONGEST_KEY)
    known = None if key is None else kept_annotations.of_key(session, key)
    if at is None and known is not None:
        at = known.annotation.at
    first, last = _span(at, end, now)
    wanted = Annotation(
        0,
        _ensure_kind(kind),
        ensure_scope(session, settings, scope),
        first,
        last,
        ensure_text("title", title, LONGEST_TITLE),
        _ensure_lines(text),
        _ensure_url(url),
        _ensure_labels(labels or {}),
        ensure_text("who", who, LONGEST_WHO),
        now,
        key,
    )
    added = known or kept_annotations.add(session, wanted)
    if added.new:
        return added
    _ensure_same(added, wanted, at)
    ended = None
    if last is not None:
        ended = kept_annotations.end(session, added.annotation.id, last, now, wanted.who)
    return added if ended is None else replace(added, annotation=ended)


def remove(session: Session, annotation_id: int, *, who: str, now: int) -> Annotation:
    """Takes an annotation off the timeline; raises `RefusedError` where there is none."""
    who = ensure_text("who", who, LONGEST_WHO)
    found = None
    if annotation_id < LARGEST_ID:
        found = kept_annotations.remove(session, annotation_id, now, who)
    if found is None:
        raise RefusedError(
            "id", f"there is no annotation {annotation_id}; `slo annotate list` shows all"
        )
    return found


def annotation_json(found: Annotation) -> dict[str, Any]:
    """An annotation as the JSON of API and CLI."""
    return {
        "id": found.id,
        "kind": found.kind,
        "scope": found.scope,
        "at": rfc3339(found.at),
        "end": None if found.end is None else rfc3339(found.end),
        "title": found.title,
        "text": found.text,
        "url": found.url,
        "labels": dict(found.labels),
        "who": found.who,
        "key": found.key,
        "created_at": rfc3339(found.created_at),
    }


def _ensure_same(added: Added, wanted: Annotation, at: int | None) -> None:
    kept = added.annotation
    if added.removed:
        raise KeyUsedError("key", "belongs to an annotation that was removed; send another key")
    differing = [name for name in _SAME if getattr(kept, name) != getattr(wanted, name)]
    if None not in {kept.end, wanted.end} and kept.end != wanted.end:
        differing.append("end")
    if at is not None and kept.at != wanted.at:  # Unsaid, it is the time of each sending.
        differing.append("at")
    if differing:
        raise KeyUsedError(
            "key",
            f"belongs to annotation {kept.id}, whose {', '.join(differing)} "
            f"{'is' if len(differing) == 1 else 'are'} different; send another key",
        )


def _ensure_kind(kind: str) -> AnnotationKind:
    found = next((known for known in KINDS if known == kind), None)
    if found is None:
        raise RefusedError("kind", f"{kind[:40]!r} is unknown; one of {', '.join(KINDS)}")
    return found


def _span(at: int | None, end: int | None, now: int) -> tuple[int, int | None]:
    first = now if at is None else at
    for field, instant in (("at", first), ("end", end)):
        if instant is not None and instant > now + LONGEST_AHEAD:
            raise RefusedError(
                field,
                f"{rfc3339(instant)} lies over a day ahead; annotate what happens, not plans",
            )
    if end is not None and end < first:
        raise RefusedError("end", f"lies before {rfc3339(first)}, where it begins")
    return first, end


def _ensure_lines(text: str) -> str:
    """The text with its lines, without space around it."""
    ensure_characters("text", text)
    lines = "\n".join(text.splitlines()).strip()
    if len(lines) > LONGEST_TEXT:
        raise RefusedError("text", f"has {len(lines):,} characters; {LONGEST_TEXT:,} fit")
    return lines


def _ensure_url(url: str) -> str:
    word = url.strip()
    if not word:
        return ""
    ensure_characters("url", word)
    try:
        parts = urlsplit(word)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() or not letter.isprintable() for letter in word):
        raise RefusedError("url", "is no link; write for example https://ci.example.com/runs/42")
    if len(word) > LONGEST_URL:
        raise RefusedError("url", f"has {len(word):,} characters; {LONGEST_URL:,} fit")
    return word


def _ensure_labels(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if len(labels) > _MOST_LABELS:
        raise RefusedError("labels", f"are {len(labels):,}; {_MOST_LABELS} fit")
    for name in labels:
        if not _LABEL.fullmatch(name):
            raise RefusedError(
                "labels", f"{name[:40]!r} is no name of a label; write for example version"
            )
    return tuple(
        sorted(
            (name, ensure_text("labels", value, _LONGEST_LABEL)) for name, value in labels.items()
        )
    )
