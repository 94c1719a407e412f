"""What the variables of the API's paths mean."""

from __future__ import annotations

PATHS: dict[str, str] = {
    "annotation_id": "The annotation's number.",
    "incident": "The incident's number.",
    "item_id": "The action item's number.",
    "name": "The name: of an SLO within its service, of a receiver, or of a user.",
    "notification_id": "The notification's number.",
    "number": "The number of the version, the exclusion or the schedule.",
    "override_id": "The override's number.",
    "period": "The period: `2026-10`, `2026-Q4`, `2026` or `2026-W47`.",
    "service": "The service's name.",
    "session_id": "The session's id, as the list tells it.",
    "silence_id": "The silence's number.",
    "token_id": "The token's id, the part of it that is no secret.",
}
