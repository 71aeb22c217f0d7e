"""RPC over oslo.messaging: messages sent, dispatched and answered, linked by the ids that they carry anyway.

Sent: ``Transport._send``; the ids (``_msg_id``, ``_unique_id``) are read where the driver adds them to the message.
Received: ``RPCServer._process_incoming``, with context and ids of the incoming message, never the thread's context.
Where sender and receiver are one process (the fake driver), both have the same message object.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from . import hooks, import_hooks, masking, patching, recorder, values
from .classes import is_kind, module_of, type_name
from .host_fields import field

if TYPE_CHECKING:
    from types import ModuleType

    Args = tuple[Any, ...]
    Attributes = tuple[Any, ...]
    Kwargs = dict[str, Any]

rpc = hooks.Hook("rpc")

#: Conductor methods that call a method of the object they carry, and the argument that holds the object.
_ENVELOPES = {"object_action": "objinst", "object_class_action_versions": "objname"}


_IDS = ("request_id", "global_request_id", "user_id", "project_id", "traceparent")


def install() -> None:
    """Wrap oslo.messaging's seams once it is imported."""
    for module, wrap in (
        ("oslo_messaging.transport", _wrap_transport),
        ("oslo_messaging._drivers.amqp", _wrap_ids),
        ("oslo_messaging._drivers.amqpdriver", _wrap_reply),
        ("oslo_messaging.rpc.server", _wrap_server),
        ("oslo_messaging.rpc.dispatcher", _wrap_dispatcher),
    ):
        import_hooks.when_imported(module, functools.partial(rpc.guarded, wrap))


def _wrap_transport(module: ModuleType) -> None:
    patching.replace(vars(module)["Transport"], "_send", hooks.within(rpc, _send_begins, _ends))
    patching.replace(vars(module)["Transport"], "_send_notification", hooks.within(rpc, _notification_begins, _ends))


def _wrap_ids(module: ModuleType) -> None:
    patching.replace(module, "_add_unique_id", hooks.around(rpc, lambda args, kwargs: args, _note_ids))


def _wrap_reply(module: ModuleType) -> None:
    patching.replace(vars(module)["AMQPIncomingMessage"], "_send_reply", hooks.within(rpc, _reply_begins, _ends))


def _wrap_server(module: ModuleType) -> None:
    # The whole handling of a message, acknowledgement and reply included; the dispatch is its middle.
    patching.replace(vars(module)["RPCServer"], "_process_incoming", hooks.within(rpc, _incoming_begins, _ends))


def _wrap_dispatcher(module: ModuleType) -> None:
    patching.replace(
        vars(module)["RPCDispatcher"], "dispatch", hooks.around(rpc, lambda args, kwargs: args, _note_error)
    )
    patching.replace(
        vars(module)["RPCDispatcher"], "_do_dispatch", hooks.around(rpc, _note_endpoint, lambda *rest: None)
    )


def _sent(args: Args, kwargs: Kwargs) -> Args:
    return tuple([hooks.argument(args, kwargs, *which) for which in ((1, "target"), (2, "ctxt"), (3, "message"))])


def _send_begins(args: Args, kwargs: Kwargs) -> int:
    target, context, message = _sent(args, kwargs)
    waits = hooks.argument(args, kwargs, 4, "wait_for_reply")
    mode = "call" if waits is True else "fanout" if field(target, "fanout") is True else "cast"
    attributes = ("side", "client", "mode", mode) + _target(target) + _message(message) + request_ids(context)
    return recorder.begin("rpc", _method(message), attributes)


def _notification_begins(args: Args, kwargs: Kwargs) -> int:
    target, context, message = _sent(args, kwargs)
    attributes = (
        ("side", "client", "mode", "notify") + _target(target) + ("message", id(message)) + request_ids(context)
    )
    return recorder.begin("rpc", values.scalar(_entry(message, "event_type")), attributes)


def _reply_begins(args: Args, kwargs: Kwargs) -> int:
    incoming = args[0]
    failed = hooks.argument(args, kwargs, 3, "failure") is not None
    return recorder.begin(
        "rpc",
        "reply",
        ("side", "client", "mode", "reply", "msg_id", values.scalar(field(incoming, "msg_id")), "failed", failed),
    )


def _note_ids(args: Args, result: Any, error: BaseException | None) -> None:
    """Note the ids that the driver has added to a message on the send that is under way."""
    message = args[0]
    step = recorder.current.get()
    if step:
        ids = values.scalar(_entry(message, "_unique_id")), values.scalar(_entry(message, "_msg_id"))
        recorder.note(step, ("unique_id", ids[0], "msg_id", ids[1]))


def _ends(step: int, result: Any, error: BaseException | None) -> None:
    recorder.finish(step, error)


def _incoming_begins(args: Args, kwargs: Kwargs) -> int:
    incoming = args[1][0]
    message, context = field(incoming, "message"), field(incoming, "ctxt")
    attributes: Attributes = (
        "side", "server",
        "unique_id", values.scalar(field(incoming, "unique_id")),
        "msg_id", values.scalar(field(incoming, "msg_id")),
    )  # fmt: skip
    attributes += _message(message) + request_ids(context)
    # A served message is never below what its thread did before: the ids lead to its sender.
    step = recorder.begin("rpc", _method(message), attributes, parent=0)
    recorder.context.set(context if type(context) is dict else None)
    return step


def _note_error(args: Args, result: Any, error: BaseException | None) -> None:
    """Note an endpoint's exception, unwrapped from ExpectedException: a server answers it instead of raising it."""
    if error is not None:
        info = field(error, "exc_info")
        cause = info[1] if type(info) is tuple and len(info) == 3 else error
        recorder.note(recorder.current.get(), ("error", values.error_text(cause)))


def _note_endpoint(args: Args, kwargs: Kwargs) -> None:
    endpoint, method = args[1:3]
    # Nova 34 wraps its managers to count the calls under way.
    wrapped = field(endpoint, "_endpoint")
    owner = type(endpoint if wrapped is None else wrapped)
    attributes = ("module", module_of(owner), "class", type_name(owner), "function", values.scalar(method))
    recorder.note(recorder.current.get(), attributes)


def _target(target: Any) -> Attributes:
    return (
        "topic", values.scalar(field(target, "topic")),
        "server", values.scalar(field(target, "server")),
    )  # fmt: skip


def _message(message: Any) -> Attributes:
    """Return the message's identity in this process, and its arguments: objects by type, version and uuid only."""
    arguments = _entry(message, "args")
    return (
        "message", id(message),
        "version", values.scalar(_entry(message, "version")),
        "arguments", _arguments(arguments) if type(arguments) is dict else None,
    )  # fmt: skip


def _method(message: Any) -> Any:
    """Return the method that a message calls: ``Instance.save`` where the envelope has ``object_action``."""
    method, arguments = _entry(message, "method"), _entry(message, "args")
    holder = _ENVELOPES.get(method) if type(method) is str else None
    if holder is None or type(arguments) is not dict:
        return values.scalar(method)
    held = arguments.get(holder)
    name = held.get("nova_object.name") if type(held) is dict else held
    return "%s.%s" % (values.scalar(name), values.scalar(arguments.get("objmethod")))


def _arguments(arguments: dict[Any, Any]) -> Attributes:
    pairs = []
    valued = masking.secret_values(arguments)
    for name, value in list(arguments.items())[: values.MAX_ITEMS]:
        secret = type(name) is str and (values.secret_key(name) or name in valued)
        pairs.append(values.scalar(name))
        pairs.append(values.MASK if secret and values.may_be_secret(value) else _argument(value))
    return ("{}",) + tuple(pairs)


def _argument(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        if "nova_object.name" in value:
            return _object(value)
        return "{%d}" % len(value)
    if kind is list or kind is tuple:
        if masking.is_pair(value):
            return "[]", values.scalar(value[0]), values.MASK
        shown = [_argument(item) for item in value[:4] if type(item) is not list]
        return ("[]",) + tuple(shown) + (("… %d in all" % len(value),) if len(value) > 4 else ())
    return values.scalar(value)


def _object(primitive: dict[Any, Any]) -> str:
    data = primitive.get("nova_object.data")
    uuid = data.get("uuid") if type(data) is dict else None
    text = "%s %s" % (primitive.get("nova_object.name"), primitive.get("nova_object.version"))
    return "%s %s" % (text, uuid) if type(uuid) is str else text


def request_ids(context: Any) -> Attributes:
    """Return a request context's ids and user as attributes; a context is an object, or the dict of a message."""
    get = context.get if type(context) is dict else functools.partial(_of_object, context)
    pairs = ((name, get(name)) for name in _IDS)
    return sum(((name, values.scalar(value)) for name, value in pairs if type(value) is str), ())


def _of_object(context: Any, name: str) -> Any:
    """Return a context's field; before 2024 some have an underscore, behind properties that we do not run."""
    value = field(context, name)
    return field(context, "_" + name) if value is None else value


def _entry(message: Any, name: str) -> Any:
    return dict.get(message, name) if is_kind(type(message), dict) else None
