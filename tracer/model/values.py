"""Values of attributes."""

from __future__ import annotations

#: A value that a step keeps: what JSON can hold, nothing live.
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
