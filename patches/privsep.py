"""oslo.privsep: privileged calls at both ends, which the id of the call's message links.

The caller's step is a command named by the function. The daemon's is a call: what the function does is below it.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from . import chains, commands, hooks, import_hooks, patching, recorder, values

privsep = hooks.Hook("privsep")

#: oslo_privsep.comm.Message, which travels as a number.
_CALL, _ERROR = 3, 5
#: Functions of the daemon whose arguments are a command; those of others may be a file's contents.
_EXECUTES = ("execute", "execute_root", "custom_execute")
#: Neutron's own: its first argument is the command, the second its input.
_EXECUTES_INPUT = "neutron.privileged.agent.linux.utils.execute_process"

#: The step of the privileged call that this thread is about to send.
_calling: ContextVar[int] = ContextVar("bootseq_privsep", default=0)


def install() -> None:
    """Wrap both ends once they are imported."""
    import_hooks.when_imported("oslo_privsep.comm", functools.partial(privsep.guarded, _wrap_messages))
    import_hooks.when_imported("oslo_privsep.daemon", functools.partial(privsep.guarded, _wrap_ends))


def _wrap_messages(module: ModuleType) -> None:
    patching.replace(module.Serializer, "send", hooks.around(privsep, _send_begins, _send_ends))


def _wrap_ends(module: ModuleType) -> None:
    # Not PrivContext._wrap, by which a call starts: every entrypoint bound its method when it was defined.
    patching.replace(module._ClientChannel, "remote_call", hooks.within(privsep, _call_begins, _call_ends))
    patching.replace(module.Daemon, "_process_cmd", hooks.within(privsep, _work_begins, _work_ends))


def _call_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    name = values.scalar(hooks.argument(args, kwargs, 1, "name"))
    attributes: tuple[Any, ...] = ("via", "privsep", "function", name)
    arguments = hooks.argument(args, kwargs, 2, "args")
    if type(name) is str and type(arguments) is tuple:
        attributes += _command(name, arguments, hooks.argument(args, kwargs, 3, "kwargs"))
    step = recorder.begin("command", name, attributes)
    _calling.set(step)
    return step


def _command(name: str, arguments: tuple[Any, ...], named: Any) -> tuple[Any, ...]:
    """Return a command that the daemon is to run as attributes, with the chains that it loads; () of other calls."""
    if name.rpartition(".")[2] in _EXECUTES:
        sent = named.get("process_input") if type(named) is dict else None
    elif name == _EXECUTES_INPUT and len(arguments) > 1 and type(arguments[0]) is list:
        arguments, sent = tuple(arguments[0]), arguments[1]
    else:
        return ()
    return ("arguments", ("[]",) + commands.masked(arguments)) + chains.named(arguments, sent)


def _call_ends(step: int, result: Any, error: BaseException | None) -> None:
    commands.finish(step, error)


def _send_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Note the message's id at the call that sends it; the daemon's replies are sent outside of any call."""
    step = recorder.current.get()
    if step and step == _calling.get():
        message = hooks.argument(args, kwargs, 1, "msg")
        if type(message) is tuple and message:
            recorder.note(step, _id(message[0]))


def _send_ends(token: object, result: Any, error: BaseException | None) -> None:
    """Do nothing: the call has an end of its own."""


def _id(message_id: Any) -> tuple[Any, ...]:
    """Return the id as attributes: none where it is a thread's number, as before oslo.privsep 2.6, and not unique."""
    return ("call_id", values.scalar(message_id)) if type(message_id) is str else ()


def _work_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Open the step of a call that the daemon has received: (daemon, message id, _CALL, function's name, …)."""
    if len(args) < 4 or args[2] != _CALL or type(args[3]) is not str:
        return 0
    module, _, function = values.scalar(args[3]).rpartition(".")
    attributes = ("via", "privsep", "module", module, "class", "", "function", function)
    return recorder.begin("call", "%s:%s" % (module, function), attributes + _id(args[1]))


def _work_ends(step: int, result: Any, error: BaseException | None) -> None:
    """Close the step: the daemon sends an error of the function's as (_ERROR, its class, its arguments, …)."""
    text = None if error is None else values.error_text(error)
    if type(result) is tuple and len(result) > 2 and result[0] == _ERROR and type(result[1]) is str:
        text = _error_text(result[1].rpartition(".")[2], result[2])
    recorder.finish_as(step, text)


def _error_text(name: str, arguments: Any) -> str:
    """Return ``Type: first text``; the first argument of a command's error is the program's output."""
    if type(arguments) is not tuple or name == "ProcessExecutionError":
        return name
    text = next((argument for argument in arguments[:2] if type(argument) is str), "")
    return "%s: %s" % (name, values.masked_text(text)) if text else name
