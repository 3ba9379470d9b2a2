"""What the files of the command line share: the --json option and how an object is printed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]


def print_json(value: Any) -> None:
    """Print one JSON object to standard output; a number that JSON cannot hold is an error."""
    typer.echo(json.dumps(value, allow_nan=False))
