"""Copies of trees of nodes, for functions that modify trees and must not modify their arguments."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from tracer.model import NormalStep

_values = attrgetter(*(field.name for field in fields(NormalStep)))


def copy_nodes(nodes: list[NormalStep]) -> list[NormalStep]:
    """Return copies of the nodes and of everything below them; details are shared, since no function modifies them."""
    copies = [NormalStep(*_values(node)) for node in nodes]
    stack = list(copies)  # no recursion, since trees may be deep
    while stack:
        node = stack.pop()
        node.children = [NormalStep(*_values(child)) for child in node.children]
        stack += node.children
    return copies
