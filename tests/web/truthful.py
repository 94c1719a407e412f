"""The API's answers held against their models, so that its document cannot lie."""

from __future__ import annotations

from flask import current_app, request
from pydantic import ValidationError

from slo.web.api.models.problem import Problem
from slo.web.api.operation import ATTRIBUTE, PREFIX


def truthful(app):
    """The app, which raises where an answer of the API is not as its operation declares."""
    app.after_request(_ensure_declared)
    return app


def _ensure_declared(response):
    if not request.path.startswith(f"{PREFIX}/") or request.method in {"HEAD", "OPTIONS"}:
        return response
    if response.status_code == 304:
        return response
    view = current_app.view_functions.get(request.endpoint)
    declared = getattr(view, ATTRIBUTE, None)
    answers = {} if declared is None else {declared.status: declared.answer, **declared.also}
    model = answers.get(response.status_code, Problem)
    if response.status_code < 400:
        assert response.status_code in answers, response.status_code
    away = response.status_code == 503 and response.mimetype == "application/problem+json"
    if isinstance(model, str) or away:
        model = Problem
    kind = "application/json"
    if model is None:
        kind = declared.media
    elif issubclass(model, Problem):
        kind = "application/problem+json"
    assert response.mimetype == kind, response.headers
    if model is None:
        return response
    try:
        model.model_validate_json(response.get_data(), strict=True)
    except ValidationError as error:
        raise AssertionError(f"{request.method} {request.path}: {error}") from None
    return response
