"""Faults of the templates that slo.yaml names: found at the start, not when somebody is paged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import Settings
    from slo.config.shape import Complaint


def template_complaints(settings: Settings) -> Iterator[Complaint]:
    """Templates that cannot be read, or that Jinja2 does not understand."""
    for receiver in settings.receivers:
        if body := receiver.text("body"):
            yield from _file(("receivers", receiver.name, "body"), Path(body))
    if settings.postmortems.template is not None:
        yield from _file(("postmortems", "template"), settings.postmortems.template)


def _file(place: tuple[str, ...], path: Path) -> Iterator[Complaint]:
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 -- most files name no template.
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415 -- the same.

    # Only parsed here, never rendered: nothing needs escaping.
    environment = SandboxedEnvironment(autoescape=True)
    try:
        environment.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield place, f"the template {path} cannot be read: {reason}"
    except UnicodeDecodeError:
        yield place, f"the template {path} is not UTF-8 text"
    except TemplateSyntaxError as error:
        yield place, f"the template {path} is wrong on line {error.lineno}: {error.message}"
