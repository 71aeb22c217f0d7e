"""The files that policies stand in: bootseq's own, and those that people name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tracer.diff
from tracer.diff.policy import DEFAULT, Policy
from tracer.diff.policy_reading import MAX_SIZE, read
from tracer.errors import TracerError

#: What holds where no policy says otherwise.
DEFAULTS = Path(tracer.diff.__file__).with_name("policy.yaml")


def load(paths: Sequence[Path]) -> Policy:
    """The defaults with ``paths`` on top of them, the last one uppermost."""
    policy, _ = read(_text(DEFAULTS), DEFAULT)
    for path in paths:
        own, on_top = read(_text(path), str(path))
        policy = own.upon(policy) if on_top else own
    return policy


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SIZE * 4 + 1).decode("utf-8")
    except OSError as error:
        raise TracerError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TracerError(f"{path}: not a text file") from None
