"""`slo schema`: the JSON Schema of slo.yaml."""

from __future__ import annotations

import click

from slo.cli.command import command as make
from slo.config import schema_text


@make("schema", "slo schema > slo.schema.json", configured=False)
def command() -> int:
    """Print the JSON Schema of slo.yaml, for editors that check while one types.

    With the YAML extension of most editors, this line at the top of slo.yaml
    names it: # yaml-language-server: $schema=slo.schema.json
    """
    click.echo(schema_text(), nl=False)
    return 0
