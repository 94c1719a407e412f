"""The kinds of scalar values in slo.yaml, as types of pydantic fields."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from slo.config.readers import (
    LABEL,
    NAME,
    matching,
    read_address,
    read_base_url,
    read_bound,
    read_clock,
    read_count,
    read_database_url,
    read_delay,
    read_expression,
    read_factor,
    read_flag,
    read_header,
    read_network,
    read_objective,
    read_port,
    read_seconds,
    read_selector,
    read_share,
    read_text,
    read_timeout,
    read_url,
    read_windowed,
    read_zone,
)
from slo.config.scalars import choice, kind
from slo.domain.duration import parse_duration
from slo.domain.selector import Selector

_TEXT = {"type": "string", "minLength": 1}
_AMOUNT = {"type": ["string", "number"]}
_DURATION = {"type": "string", "examples": ["30d", "5m", "200ms"]}
_PROMQL = {"type": "string", "minLength": 1}
_VARIABLE = {"type": "string", "pattern": r"\$\{"}

Text = Annotated[str, *kind(read_text, "text", _TEXT)]
Objective = Annotated[
    Decimal, *kind(read_objective, "an objective such as 99.9%", _AMOUNT, ("int", "float"))
]
Share = Annotated[Decimal, *kind(read_share, "a share such as 25%", _AMOUNT, ("int", "float"))]
Bound = Annotated[Decimal, *kind(read_bound, "a number such as 0.95", _AMOUNT, ("int", "float"))]
Port = Annotated[
    int, *kind(read_port, "a port such as 587", {"type": ["integer", "string"]}, ("int",))
]
Duration = Annotated[
    timedelta, *kind(parse_duration, "a duration such as 5m", _DURATION, ("int", "float"))
]
Delay = Annotated[
    timedelta,
    *kind(read_delay, "a duration such as 15s", {"type": ["string", "integer"]}, ("int", "float")),
]
Seconds = Annotated[
    timedelta, *kind(read_seconds, "a duration such as 60s", _DURATION, ("int", "float"))
]
Flag = Annotated[
    bool, *kind(read_flag, "true or false", {"anyOf": [{"type": "boolean"}, _VARIABLE]}, ("bool",))
]
Timeout = Annotated[timedelta, *kind(read_timeout, "a duration such as 10s", _DURATION)]
Url = Annotated[str, *kind(read_url, "a URL such as https://example.com", _TEXT)]
BaseUrl = Annotated[str, *kind(read_base_url, "a URL such as http://localhost:9090", _TEXT)]
DatabaseUrl = Annotated[
    str, *kind(read_database_url, "a database URL such as sqlite:///slo.db", _TEXT)
]
Zone = Annotated[str, *kind(read_zone, "a time zone such as Europe/Berlin", _TEXT)]
SelectorText = Annotated[
    Selector, *kind(read_selector, 'a selector such as http_requests_total{code=~"5.."}', _PROMQL)
]
Expression = Annotated[str, *kind(read_expression, "PromQL", _PROMQL)]
Windowed = Annotated[str, *kind(read_windowed, "PromQL that uses $window as its range", _PROMQL)]
LabelName = Annotated[
    str,
    *kind(
        matching(LABEL.pattern, "a label name, such as replica"),
        "a label name such as replica",
        _TEXT,
    ),
]
SLOId = Annotated[
    str,
    *kind(
        matching(f"{NAME}/{NAME}", "the id of an SLO, such as fraud-model/latency"),
        "the id of an SLO such as fraud-model/latency",
        {"type": "string", "pattern": f"^{NAME}/{NAME}$"},
    ),
]
HeaderText = Annotated[str, *kind(read_header, "one line of ASCII text", {"type": "string"})]
TimeUnitWord = Annotated[str, *choice("seconds", "milliseconds", "microseconds")]
RoundingWord = Annotated[str, *choice("down", "up")]
BirthsWord = Annotated[str, *choice("auto", "count", "ignore")]
ReceiverWord = Annotated[
    str,
    *choice(
        *("pagerduty", "alertmanager", "slack", "teams", "opsgenie", "email", "webhook"),
        "apprise",
    ),
]
SeverityWord = Annotated[str, *choice("page", "ticket")]
NoDataWord = Annotated[str, *choice("page", "ticket", "bad", "ignore")]
DayWord = Annotated[str, *choice("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
MailSecurityWord = Annotated[str, *choice("starttls", "tls", "none")]
Count = Annotated[
    int, *kind(read_count, "a count such as 10", {"type": ["integer", "string"]}, ("int",))
]
Factor = Annotated[
    Decimal, *kind(read_factor, "a burn rate such as 14.4", _AMOUNT, ("int", "float"))
]
Clock = Annotated[
    int,
    *kind(read_clock, 'a time of day such as "22:00"', {"type": ["string", "integer"]}, ("int",)),
]
Network = Annotated[str, *kind(read_network, "a network such as 10.0.0.0/8", _TEXT)]
Address = Annotated[str, *kind(read_address, "an address such as slo@example.com", _TEXT)]
InstallationName = Annotated[
    str,
    *kind(
        matching(NAME + "(?<!.{65})", "a name of at most 64 letters, digits, `_`, `.` and `-`"),
        "a name such as slo-prod-eu",
        _TEXT,
    ),
]
