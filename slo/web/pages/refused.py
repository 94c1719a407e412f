"""Refusals in the words of a page: what its form calls a field, and times as pages tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from slo.web.moment import moments
from slo.web.site import current_site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slo.domain.refusal import RefusedError


def in_words(error: RefusedError, labels: Mapping[str, str]) -> Markup:
    """Why a form is refused; `labels` are what people read beside its fields."""
    fault, write, example = str(error).partition("; write ")
    # An example of what to write stays as it is to be written.
    text = moments(fault, current_site().clock()) + write + example
    label = labels.get(error.field, "")
    return Markup("{}: {}").format(label, text) if label else text
