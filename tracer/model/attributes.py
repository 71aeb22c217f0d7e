"""Access to the attributes that steps and events share."""

from __future__ import annotations

from tracer.model.values import Value

#: Which end of a message or request was seen: "client" or "server".
SIDE = "side"
#: How a message is sent: "call", "cast", "fanout", "notify" or "reply".
MODE = "mode"


class Attributed:
    """Accessors of what has attributes and witnesses: a step, or an event that becomes one."""

    __slots__ = ()

    attributes: dict[str, Value]
    witnesses: tuple[str, ...]

    @property
    def is_server(self) -> bool:
        """Whether the step took a message or served a request."""
        return self.attributes.get(SIDE) == "server"

    @property
    def is_client(self) -> bool:
        """Whether the step sent a message or made a request."""
        return self.attributes.get(SIDE) == "client"

    @property
    def mode(self) -> str:
        """How a message was sent: "call", "cast", "fanout", "notify" or "reply"; "" where that is not known."""
        return self.text(MODE)

    @property
    def from_hooks(self) -> bool:
        """Whether hooks recorded the step, whatever else saw it."""
        return "hooks" in self.witnesses

    def text(self, key: str) -> str:
        """Return the attribute ``key`` as text, "" where it is missing."""
        value = self.attributes.get(key)
        return "" if value is None else str(value)
