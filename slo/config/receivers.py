"""The keys of receivers and routes in slo.yaml; sending is no concern of this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from slo.config.document import KEY
from slo.config.kinds import HeaderText, Port, ReceiverWord, Text, Url
from slo.config.settings import Receiver, Route
from slo.config.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slo.config.settings import ReceiverType
    from slo.config.shape import Complaint

_NEEDED: dict[str, tuple[str, ...]] = {
    "pagerduty": ("routing_key",),
    "alertmanager": ("url",),
    "slack": ("url",),
    "teams": ("url",),
    "opsgenie": ("api_key",),
    "email": ("host", "from", "to"),
    "webhook": ("url",),
}
_ALLOWED: dict[str, tuple[str, ...]] = {
    "pagerduty": ("url",),
    "alertmanager": ("username", "password"),
    "slack": (),
    "teams": (),
    "opsgenie": ("url",),
    "email": ("port", "username", "password"),
    "webhook": ("secret", "username", "password"),
}


class ReceiverShape(Shape):
    """Where notifications go."""

    type: ReceiverWord = Field(description="What it is; it decides the other keys.")
    url: Url | None = Field(
        default=None,
        description="Address: of alertmanager, slack, teams and webhook; "
        "of pagerduty and opsgenie where it is not the usual one.",
    )
    routing_key: HeaderText | None = Field(
        default=None, description="pagerduty: the integration's key."
    )
    api_key: HeaderText | None = Field(default=None, description="opsgenie: the integration's key.")
    secret: HeaderText | None = Field(
        default=None, description="webhook: key that signs what is sent."
    )
    host: Text | None = Field(default=None, description="email: the SMTP server.")
    port: Port | None = Field(default=None, description="email: the SMTP server's port.")
    sender: HeaderText | None = Field(default=None, alias="from", description="email: the sender.")
    to: list[HeaderText] | None = Field(default=None, description="email: the recipients.")
    username: Text | None = Field(
        default=None, description="alertmanager, email, webhook: user to log in as."
    )
    password: Text | None = Field(
        default=None, description="alertmanager, email, webhook: the password."
    )

    @classmethod
    def complaints(cls, data: dict[str, Any]) -> Iterator[Complaint]:
        """The keys that the type needs, and no others."""
        kind = data.get("type")
        if not isinstance(kind, str) or kind not in _NEEDED:
            return
        lawful = (*_NEEDED[kind], *_ALLOWED[kind])
        for key in _NEEDED[kind]:
            if key not in data:
                yield (), f"needs {key}"
        for key in data:
            if key in cls.names() and key != "type" and key not in lawful:
                yield (key, KEY), f"is no key of {kind}; allowed: type, {', '.join(lawful)}"
        if data.get("to") == []:
            yield ("to", KEY), "is empty; write at least one address"

    def receiver(self, name: str) -> Receiver:
        """The receiver under its name."""
        given = self.model_dump(by_alias=True, exclude_none=True, exclude={"type"})
        options = tuple(
            (key, tuple(value) if isinstance(value, list) else str(value))
            for key, value in sorted(given.items())
        )
        return Receiver(name, cast("ReceiverType", self.type), options)


class RoutesShape(Shape):
    """Which receivers get alerts, by severity."""

    page: list[Text] = Field(default=[], description="Receivers of alerts that wake people.")
    ticket: list[Text] = Field(
        default=[], description="Receivers of alerts that can wait for the day."
    )

    def routes(self) -> tuple[Route, ...]:
        """The routes that name a receiver."""
        routes = (Route("page", tuple(self.page)), Route("ticket", tuple(self.ticket)))
        return tuple(route for route in routes if route.receivers)
