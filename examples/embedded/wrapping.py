"""The wrapping of commands in `bootseq run`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Wrapping:
    """The capture and options of `bootseq run`, which execs the wrapped command, so that the process stays the same."""

    capture: Path | None = None
    bootseq: Path | None = None
    options: tuple[str, ...] = ()

    def wrap(self, command: Sequence[str]) -> list[str]:
        if self.capture is None:
            return list(command)
        return [self._find(), "run", "-o", str(self.capture.resolve()), *self.options, "--", *command]

    def _find(self) -> str:
        path = self.bootseq or Path(sys.executable).parent / "bootseq"
        if not path.exists():
            raise EmbeddedError(f"no {path}: a capture needs the bootseq command (make install, or --bootseq PATH)")
        return str(path.resolve())
