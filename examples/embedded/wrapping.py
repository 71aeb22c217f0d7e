"""How commands are started under bootseq, where a capture is wanted."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from examples.embedded.errors import EmbeddedError


@dataclass(frozen=True)
class Wrapping:
    """`bootseq` execs what it wraps, so that the process stays the one that was started."""

    capture: Path | None = None
    bootseq: Path | None = None
    options: tuple[str, ...] = ()

    def wrap(self, command: Sequence[str]) -> list[str]:
        if self.capture is None:
            return list(command)
        return [self._find(), "run", "-o", str(self.capture.resolve()), *self.options, "--", *command]

    def _find(self) -> str:
        found = self.bootseq or Path(sys.executable).parent / "bootseq"
        if not found.exists():
            raise EmbeddedError(f"no {found}: a capture needs the bootseq command (make install, or --bootseq PATH)")
        return str(found.resolve())
