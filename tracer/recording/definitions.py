"""Functions that the source of a module defines, by their qualified names, as call points name them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NESTED = ".<locals>."

#: Comments and strings, which may contain anything that looks like code. Unclosed ones match too, or a text full of
#: them would take for ever.
_NO_CODE = re.compile(
    r"""#[^\n]*|\"{3}(?:[^\\]|\\.)*?(?:\"{3}|\Z)|'{3}(?:[^\\]|\\.)*?(?:'{3}|\Z)|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?""",
    re.DOTALL,
)
#: Lines that open a block, or give a name another value: where they are indented less, what was open is closed.
_LINE = re.compile(
    r"^([ \t]*)(?:(?:async[ \t]+)?(def|class)[ \t]+(\w+)|(?:if|elif|else|try|except|finally|for|while|with)\b"
    r"|(\w+)[ \t]*(?::[^=\n]+)?=(?!=))",
    re.MULTILINE,
)
#: Functions that take another one and run it: looping calls, threads, pools and greenthreads, timers of oslo.service.
_RUNNERS = r"\b(?:\w*LoopingCall|Thread|submit|spawn\w*|execute|add_thread|add_timer|add_dynamic_timer)\s*\([^()]*"


@dataclass(frozen=True)
class _Block:
    indent: int
    kind: str
    name: str
    start: int


@dataclass
class Definitions:
    """Qualified names in a source: ``functions``, and ``values``, names of anything else, which may be functions."""

    code: str
    functions: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    #: Nested functions, and the block of the outermost function around each.
    nested: dict[str, _Block] = field(default_factory=dict)

    def is_handed_over(self, name: str) -> bool:
        """Return whether its outer function passes a nested function to a looping call, a pool or a thread."""
        outer = self.nested.get(name)
        if outer is None:
            return False
        passed = re.compile(rf"{_RUNNERS}\b{name.rpartition('.')[2]}\b")
        return passed.search(self.code, outer.start, _end(self.code, outer)) is not None


def of_source(text: str) -> Definitions:
    """Return the definitions in the source of a module; text that is not valid Python has none, or some."""
    definitions = Definitions(_NO_CODE.sub("''", text))
    opened: list[_Block] = []
    for line in _LINE.finditer(definitions.code):
        indent = len(line[1].expandtabs(8))
        while opened and opened[-1].indent >= indent:
            opened.pop()
        if line[4]:
            definitions.values.add(_qualified(opened, line[4]))
        if line[2] == "def":
            name = _qualified(opened, line[3])
            definitions.functions.add(name)
            if NESTED in name:
                definitions.nested[name] = next(block for block in opened if block.kind == "def")
        if line[2]:
            opened.append(_Block(indent, line[2], line[3], line.start()))
    return definitions


def _qualified(opened: list[_Block], name: str) -> str:
    return "".join(block.name + (NESTED if block.kind == "def" else ".") for block in opened) + name


def _end(code: str, block: _Block) -> int:
    """Return the end of a block: the next statement that is indented no more than its head."""
    following = re.compile(rf"^[ \t]{{0,{block.indent}}}[\w@]", re.MULTILINE)
    match = following.search(code, code.find("\n", block.start) + 1)
    return match.start() if match else len(code)
