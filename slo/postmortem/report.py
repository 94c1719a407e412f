"""Postmortems and action items as the JSON of the API and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slo.domain.span import rfc3339
from slo.postmortem.chart import alternative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slo.domain.postmortem import ActionItem, Conflict, Postmortem, Summary, Version


def summary_json(about: Summary) -> dict[str, Any]:
    """A postmortem as lists show it; times RFC 3339."""
    return {
        "incident": about.incident,
        "service": about.service,
        "severity": about.severity,
        "title": about.title,
        "status": about.status,
        "required": about.required,
        "required_why": about.required_why,
        "version": about.version,
        "created_at": rfc3339(about.created_at),
        "updated_at": rfc3339(about.updated_at),
        "updated_by": about.updated_by,
        "reviewed_by": about.reviewed_by,
        "reviewed_at": _instant(about.reviewed_at),
        "published_at": _instant(about.published_at),
        "action_items": {"all": about.items, "left": about.items_left},
    }


def postmortem_json(
    found: Postmortem, items: Sequence[ActionItem], saved: Sequence[Version], now: float
) -> dict[str, Any]:
    """A whole postmortem: its text, items, chart in words, and who saved which version."""
    return {
        **summary_json(found.about),
        "body": found.body,
        "chart": alternative(found.chart),
        "items": [item_json(item, now) for item in items],
        "versions": [{"version": v.number, "at": rfc3339(v.at), "who": v.who} for v in saved],
    }


def item_json(item: ActionItem, now: float) -> dict[str, Any]:
    """An action item; `overdue` as of `now`."""
    return {
        "id": item.id,
        "incident": item.incident,
        "postmortem": item.postmortem_title,
        "text": item.text,
        "kind": item.kind,
        "owner": item.owner,
        "priority": item.priority,
        "due": item.due,
        "state": item.state,
        "overdue": item.is_overdue(now),
        "created_at": rfc3339(item.created_at),
        "done_at": _instant(item.done_at),
        "version": item.version,
    }


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    """Both texts of two editors and the one that they began with, so that nothing is lost."""
    return {
        "base": None if conflict.base is None else version_json(conflict.base),
        "theirs": version_json(conflict.theirs),
        "yours": {"title": conflict.title, "body": conflict.body},
    }


def version_json(version: Version) -> dict[str, Any]:
    """One saved text."""
    return {
        "version": version.number,
        "title": version.title,
        "body": version.body,
        "at": rfc3339(version.at),
        "who": version.who,
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else rfc3339(at)
