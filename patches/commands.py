"""Commands: programs run by oslo.concurrency, and functions that oslo.privsep has its privileged daemon run.

A command's arguments are recorded, masked, and its exit code; its input, output and environment never are.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import hooks, import_hooks, masking, patching, record_format, recorder, values
from .classes import type_name
from .host_fields import field

commands = hooks.Hook("commands")

#: Functions of the daemon whose arguments are a command; those of others may be a file's contents.
_EXECUTES = ("execute", "execute_root", "custom_execute")

#: step -> the exit code that its success means; None where several are allowed
_expected: dict[int, int | None] = {}


def install() -> None:
    """Wrap both once they are imported."""
    patching.undo(_expected.clear)
    import_hooks.when_imported("oslo_concurrency.processutils", functools.partial(commands.guarded, _wrap_execute))
    import_hooks.when_imported("oslo_privsep.daemon", functools.partial(commands.guarded, _wrap_channel))


def _wrap_execute(module: ModuleType) -> None:
    patching.replace(module, "execute", hooks.within(commands, _execute_begins, _execute_ends))


def _wrap_channel(module: ModuleType) -> None:
    # Not PrivContext._wrap, by which a call starts: every entrypoint bound its method when it was defined.
    patching.replace(module._ClientChannel, "remote_call", hooks.within(commands, _remote_begins, _ends))


def _execute_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    command = _masked(args)
    attributes = ("arguments", ("[]",) + command, "as_root", kwargs.get("run_as_root") is True)
    step = recorder.begin("command", _program(command), attributes)
    _expected[step] = _only_code(kwargs.get("check_exit_code", 0))
    return step


def _only_code(allowed: Any) -> int | None:
    """Return the exit code of success; ``check_exit_code`` may allow several, then it is unknown."""
    if allowed is True or allowed is None:
        return 0
    codes = allowed if type(allowed) in (list, tuple) else (allowed,)
    return codes[0] if len(codes) == 1 and type(codes[0]) is int else None


def _execute_ends(step: int, result: Any, error: BaseException | None) -> None:
    code = _expected.pop(step, None)
    if error is None:
        recorder.finish(step, None, ("exit_code", code))
        return
    code = field(error, "exit_code")
    if type(code) is not int:
        recorder.finish(step, error)
        return
    # Not by finish(): the error's own first argument is the program's output.
    text = "%s: exit code %d" % (type_name(type(error)), code)
    if recorder.recorder is not None:
        recorder.recorder.write((record_format.END, step, recorder.clock(), text, ("exit_code", code)))


def _remote_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    name = values.scalar(hooks.argument(args, kwargs, 1, "name"))
    attributes: tuple[Any, ...] = ("via", "privsep", "function", name)
    arguments = hooks.argument(args, kwargs, 2, "args")
    if type(name) is str and name.rpartition(".")[2] in _EXECUTES and type(arguments) is tuple:
        attributes += ("arguments", ("[]",) + _masked(arguments))
    return recorder.begin("command", name, attributes)


def _ends(step: int, result: Any, error: BaseException | None) -> None:
    recorder.finish(step, error)


def _program(command: tuple[Any, ...]) -> str:
    """Return the program's name, without its folder and, in a shell's line, without its arguments."""
    words = str(command[0]).split(None, 1) if command else ()
    return str(values.scalar(words[0].rpartition("/")[2])) if words else ""


def _masked(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with the secrets of the program's own options, and of others by their names, masked."""
    return tuple([values.scalar(argument) for argument in masking.arguments(arguments[: values.MAX_ITEMS])])
