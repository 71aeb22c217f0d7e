"""Commands: programs run by oslo.concurrency, and by Neutron's agents themselves.

A command's arguments are recorded, masked, and its exit code; its input, output and environment never are, but for the
names of the chains in a packet filter's input.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from . import chains, hooks, import_hooks, masking, patching, recorder, values
from .classes import type_name
from .host_fields import field

commands = hooks.Hook("commands")

#: step -> the exit code that its success means; None where several are allowed
_expected: dict[int, int | None] = {}


def install() -> None:
    """Wrap them once they are imported."""
    patching.undo(_expected.clear)
    import_hooks.when_imported("oslo_concurrency.processutils", functools.partial(commands.guarded, _wrap_execute))
    import_hooks.when_imported("neutron.agent.linux.utils", functools.partial(commands.guarded, _wrap_neutron))


def _wrap_execute(module: ModuleType) -> None:
    patching.replace(module, "execute", hooks.within(commands, _execute_begins, _execute_ends))


def _wrap_neutron(module: ModuleType) -> None:
    # What Neutron's agents run without oslo.concurrency, by themselves or by the rootwrap daemon.
    for name in ("_execute_process", "execute_rootwrap_daemon"):
        if hasattr(module, name):
            patching.replace(module, name, hooks.within(commands, _process_begins, _process_ends))


def _process_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    command = hooks.argument(args, kwargs, 0, "cmd")
    if type(command) not in (list, tuple):
        return 0
    attributes = ("arguments", ("[]",) + masked(tuple(command)))
    attributes += chains.named(command, args[1] if len(args) > 1 else None)
    return recorder.begin("command", _program(masked(tuple(command))), attributes)


def _process_ends(step: int, result: Any, error: BaseException | None) -> None:
    code = result[2] if type(result) is tuple and len(result) == 3 else None
    recorder.finish(step, error, ("exit_code", code) if type(code) is int else ())


def _execute_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    command = masked(args)
    attributes = ("arguments", ("[]",) + command, "as_root", kwargs.get("run_as_root") is True)
    attributes += chains.named(args, kwargs.get("process_input"))
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
    finish(step, error, () if error is not None else ("exit_code", code))


def finish(step: int, error: BaseException | None, attributes: tuple[Any, ...] = ()) -> None:
    """Close the step of a command, by the exit code of one that failed."""
    code = None if error is None else field(error, "exit_code")
    if type(code) is int:
        # Not by recorder.finish: the error's own first argument is the program's output.
        recorder.finish_as(step, "%s: exit code %d" % (type_name(type(error)), code), ("exit_code", code))
    else:
        recorder.finish(step, error, attributes)


def _program(command: tuple[Any, ...]) -> str:
    """Return the program's name, without its folder and, in a shell's line, without its arguments."""
    words = str(command[0]).split(None, 1) if command else ()
    return str(values.scalar(words[0].rpartition("/")[2])) if words else ""


def masked(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with the secrets of the program's own options, and of others by their names, masked."""
    return tuple([values.scalar(argument) for argument in masking.arguments(arguments[: values.MAX_ITEMS])])
