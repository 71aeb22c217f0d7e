"""The attributes that steps and events share: their values, and access to them."""

from __future__ import annotations

#: A value that a step keeps: what JSON can hold, nothing live.
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

#: The end of a message or request that the step is: "client" or "server".
SIDE = "side"
#: The mode of a message: "call", "cast", "fanout", "notify" or "reply".
MODE = "mode"
#: The spans that other tracers recorded of the step, and the span that caused it: ``trace/span``, several with blanks.
SPAN, SPAN_PARENT = "span", "span_parent"
#: W3C's header of a request or message, and the ids of OpenTelemetry in a log line.
TRACEPARENT, TRACE_ID, SPAN_ID = "traceparent", "trace_id", "span_id"
#: The witnesses that are other tracers.
TRACERS = frozenset({"otel", "osprofiler"})


class Attributed:
    """Accessors of what has attributes and witnesses: a step, or an event that becomes one."""

    __slots__ = ()

    attributes: dict[str, Value]
    witnesses: tuple[str, ...]

    @property
    def is_server(self) -> bool:
        """True if the step received a message or served a request."""
        return self.attributes.get(SIDE) == "server"

    @property
    def is_client(self) -> bool:
        """True if the step sent a message or made a request."""
        return self.attributes.get(SIDE) == "client"

    @property
    def mode(self) -> str:
        """The mode of a message: "call", "cast", "fanout", "notify" or "reply"; "" where it is unknown."""
        return self.text(MODE)

    @property
    def from_hooks(self) -> bool:
        """True if hooks recorded the step, alone or among other witnesses."""
        return "hooks" in self.witnesses

    @property
    def from_tracers(self) -> bool:
        """True if other tracers recorded the step, and nobody else."""
        return TRACERS.issuperset(self.witnesses)

    def text(self, key: str) -> str:
        """Return the attribute ``key`` as text, "" where it is missing."""
        value = self.attributes.get(key)
        return "" if value is None else str(value)
