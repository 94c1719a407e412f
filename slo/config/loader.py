"""Reading slo.yaml: the text becomes settings, or all of its faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from slo.config.document import Document, Filled
from slo.config.fault import ConfigError, Fault
from slo.config.files import files_of
from slo.config.hiding import hidden_text
from slo.config.root import RootShape
from slo.config.shape import faults_of
from slo.config.templates import template_complaints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.config.settings import Settings

_FALLBACK_URL = "http://localhost:9090"


def load(path: Path, env: Mapping[str, str]) -> Settings:
    """The settings of the file at `path`, with the variables of `env` filled in.

    Raises `ConfigError` with every fault of the file.
    """
    return _loaded(path, env)[0]


def load_shown(path: Path, env: Mapping[str, str]) -> tuple[Settings, str]:
    """The same, and what the file says as it may be shown: without comments and secrets."""
    settings, data = _loaded(path, env)
    return settings, hidden_text(data)


def _loaded(path: Path, env: Mapping[str, str]) -> tuple[Settings, Any]:
    """The settings of the file, and its data."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            [_whole(path, f"cannot be read: {reason}; --config names another file")]
        ) from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ConfigError([Fault(str(path), line, column, "", "is not UTF-8 text")]) from None
    document = Document.read(text, str(path), env)
    settings = _settings(document, env)
    for place, message in template_complaints(settings):
        document.add(place, message)
    if document.faults:
        raise ConfigError(document.faults, files_of(settings))
    return settings, document.data


def parse(text: str, filename: str, env: Mapping[str, str]) -> Settings:
    """The settings that `text` declares; faults name `filename`, and file paths begin beside it.

    No other file is read. Raises `ConfigError` with every fault of the text.
    """
    return _settings(Document.read(text, filename, env), env)


def _settings(document: Document, env: Mapping[str, str]) -> Settings:
    if document.root is None and not document.faults:
        document.faults.append(_whole(Path(document.file), "is empty; write services, or SLO"))
    shape = None
    defaults = _fill_source(document.data, env)
    if document.root is not None:
        try:
            shape = RootShape.model_validate(document.data)
        except ValidationError as error:
            for place, message in faults_of(error):
                document.add(place, message)
    if document.faults or shape is None:
        raise ConfigError(document.faults)
    settings = shape.settings(PurePath(document.file).parent)
    return replace(settings, defaults=(*defaults, *settings.defaults))


def _fill_source(data: Any, env: Mapping[str, str]) -> tuple[str, ...]:
    """Where the file names no Prometheus, name the usual one, and say so."""
    if not isinstance(data, dict) or "prometheus" in data or "sources" in data:
        return ()
    url = env.get("PROMETHEUS_URL")
    data["prometheus"] = {"url": Filled(url, "${PROMETHEUS_URL}") if url else _FALLBACK_URL}
    named = "the one in PROMETHEUS_URL" if url else f"at {_FALLBACK_URL}"
    return (f"Prometheus is {named}, since the file names none",)


def _whole(path: Path, message: str) -> Fault:
    return Fault(str(path), 0, 0, "", message)
