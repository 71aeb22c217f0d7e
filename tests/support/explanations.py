"""``bootseq explain`` as tests run it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from click.testing import CliRunner, Result

from tracer.cli import main


def explain(*arguments: object) -> Result:
    """Return the result of the command with these arguments."""
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


def text_of(*arguments: object) -> str:
    """Return what it prints; it must succeed."""
    result = explain(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@cache
def json_of(*arguments: object) -> Any:
    """Return what it prints as JSON; it must succeed."""
    result = explain(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
