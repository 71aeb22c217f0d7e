"""The addresses of a baseline's nodes as its text needs them: unique, chapters by number, notes by position."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import count

from tracer.diff.compare.subtrees import copy_nodes
from tracer.model import NOTES, Baseline, NormalStep
from tracer.notation.parse import UNAWAITED, parse


def addressed(baseline: Baseline) -> Baseline:
    """Return a copy in the order and with the addresses of its text: the baseline's own where all of them fit.

    Chapters are the last children of the step that opens them: in the text they are separate.
    """
    copy = replace(baseline, nodes=_with_chapters_last(baseline.nodes))
    fits = _fit(copy.nodes)
    chapters = deque((node, node.address) for node in copy.nodes)
    numbers = count(1)
    while chapters:
        head, address = chapters.popleft()
        chapters.extend(_give(head, address if fits else str(next(numbers)), fits))
    return copy


def is_chapter(node: NormalStep, parent: NormalStep) -> bool:
    """Return whether ``parent`` opened the node as a chapter, rather than waited for it."""
    if node.address:
        return node.address.isdigit()
    return node.kind == parent.kind == "rpc" and parse(parent.text).traits.get("mode") in UNAWAITED


def _with_chapters_last(nodes: list[NormalStep]) -> list[NormalStep]:
    copies = copy_nodes(nodes)
    for node in (inner for root in copies for inner in root.walk()):
        node.children.sort(key=lambda child: is_chapter(child, node))
    return copies


def _give(head: NormalStep, address: str, keep: bool) -> list[tuple[NormalStep, str]]:
    """Set the addresses of the nodes of a chapter; return the chapters opened in it, in order, with theirs."""
    opened: list[tuple[NormalStep, str]] = []
    stack = [(head, address)]
    while stack:
        node, address = stack.pop()
        inside, notes, steps = [], count(1), count(1)
        for child in node.children:
            if is_chapter(child, node):
                opened.append((child, child.address))
            elif child.kind in NOTES:
                inside.append((child, f"{address}/{next(notes)}"))
            else:
                inside.append((child, child.address if keep and "/" not in address else f"{address}-{next(steps)}"))
        node.address = address
        stack.extend(reversed(inside))
    return opened


def _fit(nodes: list[NormalStep]) -> bool:
    """Return whether the addresses of numbered nodes are unique and match their positions, and chapters ascend."""
    addresses: set[str] = set()
    stack = [(NormalStep("", "", "", children=nodes), False)]
    while stack:
        parent, noted = stack.pop()
        last = 0
        for child in parent.children:
            if not parent.kind or is_chapter(child, parent):
                if not _ordinal(child.address) or int(child.address) <= last:
                    return False
                last = int(child.address)
            elif child.kind in NOTES or noted:
                stack.append((child, True))  # addressed by position, with all below it
                continue
            elif not _stands_in(child.address, parent.address):
                return False
            if child.address in addresses:
                return False
            addresses.add(child.address)
            stack.append((child, False))
    return True


def _stands_in(address: str, parent: str) -> bool:
    return address.startswith(f"{parent}-") and _ordinal(address[len(parent) + 1 :])


def _ordinal(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10 and text[0] != "0"
