"""Links from who waits to who owes: values of a chain."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracer.live.holders import Holder
from tracer.live.owners import Owner
from tracer.live.stacks import Stack
from tracer.live.waits import Wait, work


@dataclass
class Link:
    """A stack and its wait, as words: ``waits_for`` completes "waits for"."""

    holder: Holder
    wait: Wait
    waits_for: str = ""
    details: dict[str, str] = field(default_factory=dict)

    @property
    def stack(self) -> Stack:
        """The stack itself."""
        return self.holder.stack

    @property
    def function(self) -> str:
        """The function of the service's own that waits, in the notation of the tree."""
        return work(self.stack)[0].text if self.stack.frames else ""


@dataclass
class Chain:
    """Links from the first holder on; the last one waits for ``owner``."""

    links: list[Link]
    owner: Owner
