"""The ids and names to read in a service's stacks: of which functions' variables, and of which classes' attributes."""

from __future__ import annotations

from typing import Any

#: Key, form, path.
Spec = tuple[str, str, tuple[str, ...]]


def _spec(key: str, path: str = "", form: str = "name") -> Spec:
    return key, form, tuple(path.split("/")) if path else ()


_SENT = [
    _spec("message", "msg_id"), _spec("topic", "target/topic"), _spec("server", "target/server"),
    _spec("fanout", "target/fanout"), _spec("method", "message/method"), _spec("sent", "unique_id"),
    _spec("object_method", "message/args/objmethod"), _spec("object_class", "message/args/objname"),
]  # fmt: skip
_INCOMING = [
    _spec("taken", "msg_id"), _spec("taken_method", "message/method"), _spec("request", "ctxt/request_id"),
    _spec("global", "ctxt/global_request_id"),
]  # fmt: skip
#: The instances that a message is about, by its arguments.
_BUILD = "message/args/build_requests/*/nova_object.data"
_INCOMING += [
    _spec("instance", f"{_BUILD}/instance_uuid"),
    _spec("name", f"{_BUILD}/instance/nova_object.data/display_name"),
    _spec("instance", "message/args/instance/nova_object.data/uuid"),
    _spec("name", "message/args/instance/nova_object.data/display_name"),
]
_HTTP = [
    _spec("http_method", "method"), _spec("http_path", "url", "address"), _spec("http_host", "self/host"),
    _spec("http_port", "self/port"), _spec("http_scheme", "self/scheme"),
]  # fmt: skip
_BODY = [
    _spec("http_path", "self/_request_url", "address"), _spec("http_host", "self/_pool/host"),
    _spec("http_port", "self/_pool/port"), _spec("http_scheme", "self/_pool/scheme"),
]  # fmt: skip
_SQL = [_spec("statement", "statement", "statement")]
_COMMAND = [_spec("pid", "self/pid"), _spec("program", "self/args", "program")]

#: (end of the file's path, functions, what is read of their variables)
_FUNCTIONS: list[tuple[str, str, list[Spec]]] = [
    ("oslo_messaging/_drivers/amqpdriver.py", "_send", _SENT),
    ("oslo_messaging/_drivers/amqpdriver.py", "wait", [
        _spec("rpc_ends", "timer/_ends_at", "number"), _spec("rpc_timeout", "timer/_duration", "number")]),
    ("oslo_messaging/_drivers/amqpdriver.py", "poll", [_spec("consumes", "self/conn/_consumers/*/queue_name")]),
    ("oslo_messaging/rpc/dispatcher.py", "dispatch", [
        (key, form, ("incoming", *path)) for key, form, path in _INCOMING]),
    ("oslo_concurrency/lockutils.py", "lock", [_spec("lock", "name")]),
    ("oslo_concurrency/lockutils.py", "inner", [_spec("lock_scope", "name")]),
    ("fasteners/process_lock.py", "acquire", [_spec("lock_file", "self/path")]),
    ("fasteners/process_lock.py", "_do_acquire", [_spec("lock_file", "self/path")]),
    ("urllib3/connectionpool.py", "urlopen", _HTTP),
    *[("urllib3/response.py", name, _BODY) for name in ("read", "stream", "read_chunked", "_raw_read", "_fp_read")],
    *[("sqlalchemy/engine/default.py", name, _SQL) for name in (
        "do_execute", "do_executemany", "do_execute_no_params")],
    *[("/subprocess.py", name, _COMMAND) for name in ("wait", "communicate", "_communicate", "_wait", "_try_wait")],
    *[("nova/compute/manager.py", name, [
        _spec("event", "events/*"), _spec("instance", "instance/_obj_uuid")]) for name in (
        "_wait_for_instance_events", "wait_for_instance_event")],
    ("nova/compute/manager.py", "_await_block_device_map_created", [
        _spec("volume", "vol_id"), _spec("try", "attempt", "number"), _spec("tries", "attempts", "number")]),
    ("oslo_db/api.py", "wrapper", [
        _spec("tries_left", "remaining", "number"), _spec("tries", "self/max_retries", "number")]),
    ("oslo_privsep/daemon.py", "remote_call", [_spec("privileged", "name")]),
    ("oslo_privsep/priv_context.py", "_wrap", [_spec("privileged_context", "self/prefix")]),
    ("/socket.py", "getaddrinfo", [_spec("host_name", "host"), _spec("host_port", "port")]),
    ("/socket.py", "create_connection", [_spec("connect_to", "address/*")]),
    ("amqp/transport.py", "_connect", [_spec("broker_host", "host"), _spec("broker_port", "port")]),
    ("oslo_messaging/_drivers/impl_rabbit.py", "ensure", [_spec("broker_host", "self/connection/hostname")]),
]  # fmt: skip


def _field(key: str, attribute: str) -> Spec:
    return _spec(key, f"_obj_{attribute}")


_CLASSES: dict[str, list[Spec]] = {
    "oslo_context.context.RequestContext": [_spec("request", "request_id"), _spec("global", "global_request_id")],
    "nova.objects.instance.Instance": [
        _field("instance", "uuid"), _field("name", "display_name"), _field("vm_state", "vm_state"),
        _field("task_state", "task_state")],
    "nova.objects.instance.InstanceList": [_spec("", "_obj_objects", "objects")],
    "nova.objects.request_spec.RequestSpec": [_field("instance", "instance_uuid")],
    "nova.objects.build_request.BuildRequest": [
        _field("instance", "instance_uuid"), _spec("", "_obj_instance", "objects")],
    "nova.objects.build_request.BuildRequestList": [_spec("", "_obj_objects", "objects")],
    "nova.objects.block_device.BlockDeviceMapping": [
        _field("instance", "instance_uuid"), _field("volume", "volume_id")],
    "nova.objects.block_device.BlockDeviceMappingList": [_spec("", "_obj_objects", "objects")],
    "nova.objects.migration.Migration": [_field("instance", "instance_uuid")],
    "nova.objects.external_event.InstanceExternalEvent": [_field("instance", "instance_uuid")],
    "cinder.objects.volume.Volume": [_field("volume", "id"), _field("name", "display_name")],
    "oslo_messaging._drivers.amqpdriver.AMQPIncomingMessage": _INCOMING,
}  # fmt: skip

_ENVIRON = [
    _spec("request", "openstack.request_id"), _spec("global", "openstack.global_request_id"),
    _spec("served_method", "REQUEST_METHOD"), _spec("served_path", "PATH_INFO"), _spec("peer_port", "REMOTE_PORT"),
]  # fmt: skip
_VARIABLES: dict[str, list[Spec]] = {
    "environ": _ENVIRON,
    "env": _ENVIRON,
    "req": [(key, form, ("environ", *path)) for key, form, path in _ENVIRON],
    "instance_uuid": [_spec("instance", form="uuid")],
    "instance_uuids": [_spec("instance", "*", "uuid")],
    "volume_id": [_spec("volume", form="uuid")],
    "port_id": [_spec("port", form="uuid")],
}
#: Keys that say whose work a stack does.
OWNERS = ("instance", "name", "request", "global", "volume", "port")


def request() -> dict[str, Any]:
    """Return the tables as a visit takes them."""
    return {
        "functions": _FUNCTIONS,
        "classes": list(_CLASSES.items()),
        "variables": list(_VARIABLES.items()),
    }
