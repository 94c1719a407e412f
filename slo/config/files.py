"""The files that slo.yaml names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import Settings


def files_of(settings: Settings) -> Iterator[Path]:
    """The files that settings name, and that are read with them; that of a token is read anew."""
    if settings.postmortems.template is not None:
        yield settings.postmortems.template
    for receiver in settings.receivers:
        if body := receiver.text("body"):
            yield Path(body)
    for source in settings.sources:
        for file in (source.tls.ca, source.tls.cert, source.tls.key):
            if file is not None:
                yield Path(file)
