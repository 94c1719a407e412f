"""Readers of scalar values: each takes text and gives a value, or a `ScalarError`."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from slo.config.document import Plain
from slo.config.scalars import ScalarError
from slo.domain.duration import parse_duration
from slo.domain.objective import parse_objective
from slo.promql import ensure_expression, parse_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from slo.domain.selector import Selector

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_MOST = 10**9
_LONGEST_TIMEOUT = timedelta(minutes=2)
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]*)?(?<=[0-9.])", re.ASCII)


def read_number(text: str) -> Decimal:
    """A plain decimal number; `012`, `1_000` and `1:30` mean other things in YAML."""
    if not _NUMBER.fullmatch(text):
        raise ScalarError(f"{text!r} is not a plain decimal number; write for example 0.95")
    return Decimal(text)


def read_bound(text: str) -> Decimal:
    """A number, or a percentage as its share: `95%` is 0.95."""
    return read_number(text[:-1].rstrip()) / 100 if text.endswith("%") else read_number(text)


def read_objective(text: str) -> Decimal:
    """An objective in (0, 1); only plain decimal numbers."""
    compact = text.strip()
    try:
        read_number(compact.removesuffix("%").rstrip())
    except ScalarError:
        raise ScalarError(f"{text!r} is not an objective; write for example 99.9%") from None
    return parse_objective(compact)


def read_share(text: str) -> Decimal:
    """A share of the budget in (0, 1)."""
    try:
        return read_objective(text)
    except ValueError:
        raise ScalarError(
            f"{text!r} is not a share of the budget between 0% and 100%; write for example 25%"
        ) from None


def read_delay(text: str) -> timedelta:
    """A duration that may be zero."""
    return timedelta() if text.strip() in {"0", "0s"} else parse_duration(text)


def read_spent(text: str) -> Decimal:
    """A share of the budget spent, in (0, 1]; the whole is `100%`."""
    share = Decimal(1) if text.strip() in {"100%", "100"} else read_share(text)
    return _plain_decimal(share)


def read_factor(text: str) -> Decimal:
    """A burn rate above zero, with or without an `x` at its end."""
    factor = read_number(text.strip().removesuffix("x"))
    if factor <= 0:
        raise ScalarError(f"{text!r} must be larger than zero; write for example 14.4")
    return _plain_decimal(factor)


def read_count(text: str) -> int:
    """A count from 1 on."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST:
        raise ScalarError(f"{text!r} is not a count from 1 on; write for example 10")
    return int(text)


def _plain_decimal(number: Decimal) -> Decimal:
    """The number without zeros at its end, so that equal numbers are the same text."""
    return Decimal(f"{number.normalize():f}")


def read_timeout(text: str) -> timedelta:
    """The deadline of one attempt."""
    timeout = parse_duration(text)
    if timeout > _LONGEST_TIMEOUT:
        raise ScalarError(f"{text!r} is too long for one attempt; at most 2m")
    return timeout


def share_of(value: object) -> Decimal | None:
    """The share that a raw value writes, None where it is none."""
    text = value.text if isinstance(value, Plain) else value
    try:
        return read_share(text) if isinstance(text, str) else None
    except ValueError:
        return None


def read_seconds(text: str) -> timedelta:
    """A duration of whole seconds."""
    duration = parse_duration(text)
    if duration % timedelta(seconds=1):
        raise ScalarError(f"{text!r} is not a whole number of seconds")
    return duration


def interval_of(value: object) -> int | None:
    """The whole seconds that a raw duration writes, None where it is none."""
    try:
        return round(read_seconds(value).total_seconds()) if isinstance(value, str) else None
    except ValueError:
        return None


def read_flag(text: str) -> bool:
    """A flag; of YAML's words only `true` and `false` are taken."""
    if text.lower() not in {"true", "false"}:
        raise ScalarError(f"{text!r} must be true or false")
    return text.lower() == "true"


def read_text(text: str) -> str:
    """Text that is not blank; the message never repeats it."""
    if not text.strip():
        raise ScalarError("is empty; give it text, or leave the key out")
    return text


def read_url(text: str) -> str:
    """An HTTP URL without credentials, which would show in logs; the message never repeats it."""
    parts = urlsplit(text.strip())
    try:
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(letter.isspace() for letter in text.strip()):
        raise ScalarError("is not a URL; write for example http://localhost:9090")
    if parts.username is not None or parts.password is not None:
        raise ScalarError(
            "must hold no user and password; write username and password, for Prometheus basic_auth"
        )
    return text.strip()


def read_base_url(text: str) -> str:
    """The URL of a server, without query and slash at its end."""
    url = read_url(text)
    if "?" in url or "#" in url:
        raise ScalarError("must end with its path; write what follows ? under params")
    return url.rstrip("/")


def read_database_url(text: str) -> str:
    """A URL of SQLite or PostgreSQL; the message never repeats it."""
    scheme = text.partition(":")[0]
    if scheme == "postgres":
        raise ScalarError("must begin with postgresql://, not postgres://")
    if scheme not in {"sqlite", "postgresql", "postgresql+psycopg"} or "://" not in text:
        raise ScalarError(
            "is not a database URL; write for example sqlite:///slo.db "
            "or postgresql://user:password@host/slo"
        )
    return text


def read_header(text: str) -> str:
    """What may stand in an HTTP header; the message never repeats it, since it may be a token."""
    if not text.isascii() or not text.isprintable():
        raise ScalarError("must be one line of ASCII text")
    return text


def read_port(text: str) -> int:
    """A TCP port."""
    port = int(text)
    if not 0 < port < 65536:  # noqa: PLR2004 -- the range of TCP ports.
        raise ValueError
    return port


def read_clock(text: str) -> int:
    """Minutes after midnight of a time of day; YAML 1.1 takes `22:00` for a number."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ScalarError(f'{text!r} is not a time of day; write for example "22:00"')
    return int(found[1]) * 60 + int(found[2])


def read_network(text: str) -> str:
    """A network or an address, which is a network of one."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        pass
    try:
        wide = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ScalarError(
            f"{text!r} is not a network; write for example 10.0.0.0/8 or 127.0.0.1"
        ) from None
    raise ScalarError(f"{text!r} is an address inside a network; write {wide}")


def read_address(text: str) -> str:
    """An e-mail address, with or without a name; one line of ASCII."""
    if "@" not in read_header(text).strip("@"):
        raise ScalarError("is not an address; write for example slo@example.com")
    return text


def read_zone(text: str) -> str:
    """The name of a time zone that the tz database knows."""
    try:
        ZoneInfo(text)
    except (
        ValueError,
        OSError,
        LookupError,
    ):  # An unknown name is a KeyError, a path a ValueError.
        raise ScalarError(
            f"{text!r} is not a time zone; write for example Europe/Berlin or UTC"
        ) from None
    return text


def matching(pattern: str, wanted: str) -> Callable[[str], str]:
    """A reader of text that wholly matches `pattern`."""
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ScalarError(f"{text!r} is not {wanted}")
        return text

    return read


def read_expression(text: str) -> str:
    """PromQL that gives an instant vector or a scalar."""
    ensure_expression(text)
    return text


def read_windowed(text: str) -> str:
    """PromQL that uses `$window`."""
    ensure_expression(text, windowed=True)
    return text


@lru_cache(maxsize=4096)
def read_selector(text: str) -> Selector:
    """Cached, because the rules of an indicator look at the same selectors again."""
    selector = parse_selector(text)
    if not selector.name:
        raise ScalarError(f"{text!r} names no metric; write for example http_requests_total{{...}}")
    return selector


def selector_of(value: object) -> Selector | None:
    """The selector that a raw value writes, None where it is none."""
    try:
        return read_selector(str(value)) if isinstance(value, str) else None
    except ValueError:
        return None
