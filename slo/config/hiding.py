"""Hiding: slo.yaml as it may be shown, without what is secret in it.

A value that variables fill is shown as the file writes it, so what they hold never
appears. Of a URL that may be a key by itself only the place is shown. Comments are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from slo.config.document import Filled, Plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.config.document import Path
    from slo.config.fault import Fault

HIDDEN = "***"
OPEN_KEYS = frozenset(
    {"from", "to", "host", "port", "username", "labels", "tags", "team", "tls", "content_type"}
)
"""Options of receivers that are no secret: people need them to find a fault."""
_OPEN = OPEN_KEYS | {"type", "fallback", "timeout", "send_resolved", "body"}
_ADDRESSES = frozenset({"url", "urls"})
_SECRET_KEY = re.compile(r"(secret|password|token|api_?key|routing_key)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^{}]*))?\}", re.ASCII)
_LOGIN = re.compile(r"(?<=://)[^/\s@]*@")
_QUERY = re.compile(
    r"(?P<key>[?&][^=&\s]*(?:token|key|secret|password|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE
)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_WITH_SECRETS = ("receivers", "sources", "prometheus", "database", "heartbeat", "site")
_LONGEST_LINE = 4096


def hidden_text(data: Any) -> str:
    """The data of a document as YAML, in its order, with what is secret hidden."""
    shown: str = yaml.dump(
        _value(data, ()),
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        allow_unicode=True,
        width=_LONGEST_LINE,
    )
    return shown


def hidden_fault(fault: Fault) -> Fault:
    """The fault without the values that it quotes, where they may be secret."""
    if fault.where.partition("/")[0] not in _WITH_SECRETS:
        return fault
    return replace(fault, message=_QUOTED.sub(HIDDEN, fault.message))


def _value(value: Any, path: Path) -> Any:
    match value:
        case dict():
            return {str(key): _value(item, (*path, key)) for key, item in value.items()}
        case list():
            return [_value(item, (*path, index)) for index, item in enumerate(value)]
        case Plain():
            return _scalar(value.text, path)
        case Filled():
            return _scalar(value.written, path)
        case str():
            return _scalar(str(value), path)
        case _:
            return value


def _scalar(text: str, path: Path) -> str:
    hide = _hider(path)
    whole = _VARIABLE.fullmatch(text)
    if whole is None:
        return hide(text)
    # The name of a variable is no secret; what stands in for it may be.
    default = whole["default"]
    return text if not default else f"${{{whole['name']}:-{hide(default)}}}"


def _hider(path: Path) -> Callable[[str], str]:
    """How what stands at a path is hidden."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    match path:
        case ("receivers", _, option, *_):
            if option in _ADDRESSES:
                return place
            return _public if option in _OPEN else _nothing
        case ("prometheus", *rest) | ("sources", _, *rest):
            return _of_source([str(part) for part in rest])
        case ("database", *_):
            return _address
        case ("heartbeat",):
            return place
    # The path of a file that holds a secret is none.
    is_secret = _SECRET_KEY.search(key) and not key.endswith("_file")
    return _nothing if is_secret else _public


def _of_source(keys: list[str]) -> Callable[[str], str]:
    match keys:
        case ["headers", *_] | ["basic_auth", "password"]:
            return _nothing
        case ["params", *_]:
            return lambda text: text if text in {"true", "false"} else HIDDEN
        case ["url" | "urls", *_]:
            return _address
        case _:
            return _public


def _nothing(text: str) -> str:
    del text
    return HIDDEN


def _public(text: str) -> str:
    """Any text; of URLs in it not the login, nor what a query calls a key."""
    return _QUERY.sub(rf"\g<key>{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def _address(text: str) -> str:
    """A URL without login, query and fragment."""
    return _LOGIN.sub(f"{HIDDEN}@", re.split(r"[?#]", text, maxsplit=1)[0])


def place(url: str) -> str:
    """Of a URL that is a key by itself: its scheme and host; all of it is hidden without those."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HIDDEN
    if parts.scheme not in {"http", "https"} or not host:
        return f"{parts.scheme}://{HIDDEN}" if parts.scheme else HIDDEN
    shown = f"[{host}]" if ":" in host else host
    where = f"{parts.scheme}://{shown}" + (f":{port}" if port else "")
    return f"{where}/{HIDDEN}" if parts.path.strip("/") or parts.query else where
