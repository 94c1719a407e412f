"""The keys of receivers in slo.yaml; sending is no concern of this module."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field, PlainValidator, WithJsonSchema

from slo.config.document import KEY
from slo.config.kinds import (
    Address,
    Flag,
    HeaderText,
    MailSecurityWord,
    Port,
    ReceiverWord,
    Text,
    Timeout,
)
from slo.config.readers import LABEL, read_header, read_url
from slo.config.scalars import ScalarError
from slo.config.settings import Receiver
from slo.config.shape import Shape, fault_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from slo.config.document import Path as Place
    from slo.config.settings import OptionValue, ReceiverType
    from slo.config.shape import Complaint

_NEEDED: dict[str, tuple[str, ...]] = {
    "pagerduty": ("routing_key",),
    "slack": ("url",),
    "teams": ("url",),
    "opsgenie": ("api_key",),
    "email": ("host", "from", "to"),
    "webhook": ("url",),
    "alertmanager": (),
    "apprise": (),
}
_LOGIN = ("username", "password")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "pagerduty": ("url",),
    "alertmanager": ("url", "urls", *_LOGIN, "bearer_token", "labels"),
    "slack": (),
    "teams": (),
    "opsgenie": ("url", "team", "tags"),
    "email": ("port", *_LOGIN, "tls"),
    "webhook": (
        *("secret", *_LOGIN, "bearer_token"),
        *("headers", "body", "content_type"),
    ),
    "apprise": ("url", "urls"),
}
_COMMON = ("fallback", "timeout", "send_resolved")
_OWN_HEADERS = {
    "host": "url says where it goes",
    "content-length": "the sender counts it",
    "transfer-encoding": "the sender chooses it",
    "connection": "the sender chooses it",
    "content-type": "write content_type instead",
}
_SHORTEST_SECRET = 16
_KEY_BYTES = range(24, 65)


def _read_secret(text: str) -> str:
    """A key that signs: `whsec_` and base64, or plain text; the message never repeats it."""
    read_header(text)
    if not text.startswith("whsec_"):
        if len(text) < _SHORTEST_SECRET:
            raise ScalarError(
                f"is too short; write whsec_ and base64, or text of {_SHORTEST_SECRET} letters up"
            )
        return text
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("is not base64 after whsec_") from None
    if len(key) not in _KEY_BYTES:
        raise ScalarError("must hold 24 to 64 bytes in base64 after whsec_")
    return text


def _secrets(value: object) -> tuple[str, ...] | str:
    wanted = "a secret, or a list of them; a number needs quotes"
    if isinstance(value, str):
        return _read_secret(str(value))
    if not isinstance(value, list) or not value:
        raise ScalarError(f"must be {wanted}")
    found = []
    for index, item in enumerate(value):
        try:
            # What is no text is too short, so it is refused as well.
            found.append(_read_secret(str(item) if isinstance(item, str) else ""))
        except ScalarError as error:
            raise fault_error("secret", [((index,), str(error))]) from None
    return tuple(found)


_TEXT = {"type": "string", "minLength": 1}
Secrets = Annotated[
    str | tuple[str, ...],
    PlainValidator(_secrets),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}),
]


class ReceiverShape(Shape):
    """Where notifications go."""

    type: ReceiverWord = Field(description="What it is; it decides the other keys.")
    fallback: Text | None = Field(
        default=None, description="Receiver that is told when this one has failed for minutes."
    )
    timeout: Timeout | None = Field(
        default=None, description="Deadline of one attempt, at most 2m."
    )
    send_resolved: Flag = Field(default=True, description="Whether it is told of the end, too.")
    url: Text | None = Field(
        default=None,
        description="Address: of alertmanager, slack, teams, webhook and apprise; "
        "of pagerduty and opsgenie where it is not the usual one.",
    )
    urls: list[Text] | None = Field(
        default=None, description="alertmanager, apprise: several addresses; all are told."
    )
    routing_key: HeaderText | None = Field(
        default=None, description="pagerduty: the integration's key."
    )
    api_key: HeaderText | None = Field(default=None, description="opsgenie: the integration's key.")
    team: Text | None = Field(default=None, description="opsgenie: the team that responds.")
    tags: list[Text] | None = Field(default=None, description="opsgenie: tags of its alerts.")
    secret: Secrets | None = Field(
        default=None,
        description="webhook: key that signs what is sent, or a list while keys are exchanged.",
    )
    headers: dict[str, HeaderText] | None = Field(
        default=None, description="webhook: further HTTP headers."
    )
    body: Text | None = Field(
        default=None, description="webhook: file of a Jinja2 template for the body."
    )
    content_type: HeaderText | None = Field(
        default=None, description="webhook: the type of what the template makes."
    )
    labels: dict[str, Text] | None = Field(
        default=None, description="alertmanager: further labels of its alerts."
    )
    host: Text | None = Field(default=None, description="email: the SMTP server.")
    port: Port | None = Field(default=None, description="email: the SMTP server's port.")
    tls: MailSecurityWord | None = Field(
        default=None, description="email: starttls, tls from the first byte, or none."
    )
    sender: Address | None = Field(default=None, alias="from", description="email: the sender.")
    to: list[Address] | None = Field(default=None, description="email: the recipients.")
    username: Text | None = Field(
        default=None, description="alertmanager, email, webhook: user to log in as."
    )
    password: Text | None = Field(
        default=None, description="alertmanager, email, webhook: the password."
    )
    bearer_token: HeaderText | None = Field(
        default=None, description="alertmanager, webhook: token, instead of user and password."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """The keys that the type needs, and no others; each with what it stands beside."""
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in _NEEDED:
            return
        lawful = (*_NEEDED[kind], *_ALLOWED[kind])
        for key in _NEEDED[kind]:
            if key not in data:
                yield (), f"needs {key}"
        for key in data:
            if key in cls.names() and key not in {"type", *_COMMON, *lawful}:
                allowed = ", ".join(("type", *lawful, *_COMMON))
                yield (key, KEY), f"is no key of {kind}; allowed: {allowed}"
        if "urls" in lawful and "url" not in data and "urls" not in data:
            yield (), "needs url, or urls for several"
        for key in ("to", "urls"):
            if data.get(key) == []:
                yield (key, KEY), "is empty; write at least one address"
        yield from _address_complaints(kind, data)
        yield from _beside_complaints(data)
        yield from _name_complaints(data)

    def receiver(self, name: str, folder: PurePath) -> Receiver:
        """The receiver under its name; relative paths of files begin in `folder`."""
        given = self.model_dump(by_alias=True, exclude_none=True, exclude={"type", *_COMMON})
        if self.body is not None:
            given["body"] = str(Path(folder / self.body).absolute())
        options = tuple((key, _option(value)) for key, value in sorted(given.items()))
        return Receiver(
            name,
            cast("ReceiverType", self.type),
            options,
            fallback=self.fallback,
            timeout=self.timeout,
            send_resolved=self.send_resolved,
        )


def _option(value: object) -> OptionValue:
    if isinstance(value, dict):
        return tuple(sorted((str(key), str(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(str(item) for item in value)
    return str(value)


def _address_complaints(kind: str, data: dict[str, Any]) -> Iterator[Complaint]:
    """Faults of addresses: HTTP of all types but apprise, whose schemes are its own."""
    if "url" in data and "urls" in data:
        yield ("urls", KEY), "cannot stand beside url; write all addresses under urls"
    urls = data.get("urls")
    found: list[tuple[Place, object]] = [(("url",), data.get("url"))]
    found += [(("urls", i), u) for i, u in enumerate(urls)] if isinstance(urls, list) else []
    for path, value in found:
        if not isinstance(value, str) or not value.strip():
            continue
        try:
            if kind == "apprise":
                _read_apprise(value)
            else:
                read_url(value)
        except ValueError as error:
            yield path, str(error)


def _read_apprise(text: str) -> None:
    scheme, _, rest = text.strip().partition("://")
    if not scheme.isalnum() or not rest:
        raise ScalarError("is not an address of Apprise, such as ntfy://topic")


def _beside_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """Faults of keys that need or exclude another."""
    for one, other in (_LOGIN, _LOGIN[::-1]):
        if one in data and other not in data:
            yield (one, KEY), f"needs {other} beside it"
    if "bearer_token" in data and "username" in data:
        yield ("bearer_token", KEY), "cannot stand beside username; keep one of them"
    if "content_type" in data and "body" not in data:
        yield ("content_type", KEY), "needs body, the template whose type it is"


def _name_complaints(data: dict[str, Any]) -> Iterator[Complaint]:
    """Faults in the names of headers and labels."""
    headers, labels = data.get("headers"), data.get("labels")
    logs_in = "username" in data or "bearer_token" in data
    for name in headers if isinstance(headers, dict) else ():
        low = name.lower()
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            yield ("headers", name, KEY), "is not the name of an HTTP header"
        elif low in _OWN_HEADERS:
            yield ("headers", name, KEY), f"cannot be set here; {_OWN_HEADERS[low]}"
        elif low.startswith("webhook-"):
            yield ("headers", name, KEY), "cannot be set here; these headers carry the signature"
        elif low == "authorization" and logs_in:
            yield ("headers", name, KEY), "cannot stand beside username or bearer_token"
    for name in labels if isinstance(labels, dict) else ():
        if not LABEL.fullmatch(name):
            yield (
                ("labels", name, KEY),
                "is not a label name; use letters, digits and _, not beginning with a digit",
            )
