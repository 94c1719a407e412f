"""What every site compiles while it is made: done once for all sites of a process of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

if TYPE_CHECKING:
    from types import CodeType

    from jinja2.bccache import Bucket


def compile_once() -> None:
    """From now on; else each site's first page takes a quarter of a second more."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    _keep_builders()


class _Templates(BytecodeCache):
    """Jinja2's own way to keep what it compiled; another text of a template is another entry."""

    def __init__(self):
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


def _keep_builders() -> None:
    """Two functions for each address of a site: three quarters of the time to make one.

    They are given the rule when they are called, so that rules of one text can share them.
    """
    make, kept = getattr(Rule, "_compile_builder", None), {}
    if make is None:
        return  # Another Werkzeug makes them in another way.

    def builder(rule, append_unknown=True):
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = make(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = builder
