"""The disguise of our wrappers, from code that looks up the stack or at a function.

``warnings`` attributes a warning to a caller some frames up, and skips the frames of the import system, which it
recognises by the names of their files; so does ``logging`` from Python 3.11 on. Our wrappers have such a name. Their
free variables are named so that the wrapped function's is the first: Nova finds the function below decorators that way.
"""

from __future__ import annotations

import inspect
import os
from types import CodeType, FunctionType
from typing import Any, Callable, TypeVar

from . import faults

_Function = TypeVar("_Function", bound=Callable[..., Any])

#: a wrapper's code -> the same with another file's name: all wrappers of a hook share it
_hidden: dict[CodeType, CodeType] = {}


def hide(function: _Function) -> _Function:
    """Let no warning be attributed to this function of ours, or to those nested in it."""
    function.__code__ = _renamed(function.__code__)
    return function


def disguise(wrapper: Any, original: Any) -> None:
    """Give a wrapper the signature of the function, besides what functools.wraps copies."""
    hide(wrapper)
    if type(original) is not FunctionType or "__wrapped__" in vars(original) or "__signature__" in vars(original):
        return
    if wrapper.__code__.co_argcount == 0:  # else defaults would be filled in
        wrapper.__defaults__, wrapper.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    try:
        wrapper.__signature__ = inspect.signature(original)
    except (TypeError, ValueError) as error:
        faults.pass_on(error)


def _renamed(code: CodeType) -> CodeType:
    known = _hidden.get(code)
    if known is None:
        name = "<bootseq importlib _bootstrap %s>" % os.path.basename(code.co_filename)
        inner = [_renamed(part) if type(part) is CodeType else part for part in code.co_consts]
        known = _hidden[code] = code.replace(co_filename=name, co_consts=tuple(inner))
    return known
