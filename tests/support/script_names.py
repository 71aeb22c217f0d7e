"""The names that a script of the page uses for its own things, read from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<skipped> //[^\n]* | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" )
    | (?P<quote> ` )
    | (?P<open> \$?\{ )
    | (?P<close> \} )
    | (?P<name> (?: \.\s*[A-Za-z_$][\w$]* (?=\s*=[^=>]) | (?: (?<![\w$.]) | (?<=\.\.\.) ) [A-Za-z_$][\w$]* ) )
    """,
    re.VERBOSE | re.DOTALL,
)


def script_names(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each identifier of a script outside of comments and texts.

    These are the declared names, parameters, keys, and properties that are assigned; properties that are only read
    belong to others.
    """
    # The innermost context: "`" inside a template, "{" inside code in braces.
    contexts = ["{"]
    for token in _TOKEN.finditer(text):
        in_template = contexts[-1] == "`"
        if token["quote"]:
            if in_template:
                contexts.pop()
            else:
                contexts.append("`")
        elif token["open"] and (not in_template or token[0] == "${"):
            contexts.append("{")
        elif token["close"] and not in_template:
            contexts.pop()
        elif token["name"] and not in_template:
            yield text.count("\n", 0, token.start()) + 1, token["name"].lstrip(". \n")
