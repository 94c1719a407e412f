"""Policy files: `alerts` as in slo.yaml in a file of their own, for `slo replay --policy`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from pydantic import Field, ValidationError

from slo.config.alerts import AlertsValue
from slo.config.definitions import ALERTS, NO_DATA
from slo.config.document import Document
from slo.config.fault import ConfigError, Fault
from slo.config.kinds import NoDataWord
from slo.config.policies import Layer, make_policy
from slo.config.shape import Shape, faults_of
from slo.domain.policy import default_policy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slo.config.policies import Judged
    from slo.domain.policy import NoData, Policy


class PolicyShape(Shape):
    """What a policy file may say."""

    alerts: AlertsValue = Field(description=ALERTS)
    no_data: NoDataWord | None = Field(default=None, description=NO_DATA)


def load_policy_file(path: Path, env: Mapping[str, str], judged: Judged) -> Policy:
    """The policy that the file makes of the default one, for what is `judged`.

    It may hold `alerts` and `no_data`, written as on an SLO in slo.yaml. Raises
    `ConfigError` with every fault of the file.
    """
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, ValueError) else error.strerror
        message = f"cannot be read: {reason}; --policy names a file with alerts as in slo.yaml"
        raise ConfigError([Fault(str(path), 0, 0, "", message)]) from None
    return parse_policy(text, str(path), env, judged)


def parse_policy(text: str, filename: str, env: Mapping[str, str], judged: Judged) -> Policy:
    """The same of a file's text; faults name `filename`."""
    document = Document.read(text, filename, env)
    if document.root is None and not document.faults:
        document.add((), "is empty; write alerts, as in alerts: {page-1h: {factor: 10}}")
    try:
        shape = None if document.root is None else PolicyShape.model_validate(document.data)
    except ValidationError as error:
        shape = None
        for place, message in faults_of(error):
            document.add(place, message)
    if shape is None or document.faults:
        raise ConfigError(document.faults)
    if shape.no_data is not None:
        judged = replace(judged, no_data=cast("NoData", shape.no_data), no_data_depth=2)
    policy, faults = make_policy([Layer(shape.alerts, 2, ("alerts",))], judged)
    for place, message in faults:
        document.add(place, message)
    if document.faults:
        raise ConfigError(document.faults)
    return policy or default_policy(judged.objective, judged.no_data)
