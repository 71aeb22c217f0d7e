"""OVSDB: ovsdbapp's transactions with the tables, records and columns that their commands name.

A transaction is queued by ``commit``, which waits for its result, and carried out by ``do_commit`` in the connection's
own thread: that step is below the one that waits. Of the values only the ids and macs of ports are recorded.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any
from uuid import UUID

from . import hooks, import_hooks, patching, recorder, values
from .classes import type_name
from .host_fields import field
from .host_objects import stored

ovsdb = hooks.Hook("ovsdb")

#: Commands of one transaction that are recorded.
MAX_COMMANDS = 16

_MODULE = "ovsdbapp.backend.ovs_idl.transaction"
#: The fields of commands that name what is changed.
_NAMING = (
    "table", "record", "column", "bridge", "port", "parent", "name", "switch", "lswitch", "lport", "port_group",
    "router",
)  # fmt: skip
#: The fields that may be a port's id, or a list of such, in OVN's northbound database.
_PORTS = ("lport", "lsp", "port")
#: The forms in which a command has its columns and values.
_PAIRS: tuple[type, ...] = (tuple, list, type({}.items()))
_PORT_TABLE = "Logical_Switch_Port"

#: The step that waits for a transaction, by the transaction's identity, until it is carried out.
_waiting: dict[int, int] = {}


def install() -> None:
    """Wrap ovsdbapp's transactions once they are imported."""
    patching.undo(_waiting.clear)
    import_hooks.when_imported(_MODULE, functools.partial(ovsdb.guarded, _wrap))


def _wrap(module: ModuleType) -> None:
    owner = vars(module)["Transaction"]
    patching.replace(owner, "commit", hooks.within(ovsdb, _commit_begins, _commit_ends))
    patching.replace(owner, "do_commit", hooks.within(ovsdb, _do_commit_begins, _do_commit_ends))


def _commit_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    commands = field(args[0], "commands")
    if type(commands) is not list or not commands:
        return 0
    words = [_words(stored(command), type_name(type(command))) for command in commands[:MAX_COMMANDS]]
    if len(commands) > MAX_COMMANDS:
        words.append("… %d in all" % len(commands))
    attributes: tuple[Any, ...] = ("via", "ovsdbapp", "arguments", ("[]", "ovsdb") + tuple(words))
    ports, macs = _ports_and_macs([stored(command) for command in commands])
    if ports:
        attributes += ("ports", ("[]",) + ports)
    if macs:
        attributes += ("macs", ("[]",) + macs)
    step = recorder.begin("command", "ovsdb", attributes)
    _waiting[id(args[0])] = step
    return step


def _commit_ends(step: int, result: Any, error: BaseException | None) -> None:
    if error is not None:  # it may never be carried out
        for key in [key for key, waiting in list(_waiting.items()) if waiting == step]:
            _waiting.pop(key, None)
    recorder.finish(step, error)


def _do_commit_begins(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    step = _waiting.pop(id(args[0]), 0)
    if not step:
        return 0
    attributes = ("via", "ovsdbapp", "module", _MODULE, "function", "Transaction.do_commit")
    return recorder.begin("handoff", _MODULE + ":Transaction.do_commit", attributes, step)


def _do_commit_ends(step: int, result: Any, error: BaseException | None) -> None:
    recorder.finish(step, error)


def _words(own: dict[str, Any], name: str) -> str:
    """Return a command's name, what its fields name, and the columns that it sets."""
    words = [name]
    for key in _NAMING:
        value = dict.get(own, key)
        if type(value) in (str, int, UUID):
            words.append("%s=%s" % (key, value))
    columns = _columns(own)
    if columns:
        words.append("columns=" + ",".join(columns))
    return values.masked_text(" ".join(words))


def _columns(own: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that a command sets, with their new values."""
    columns: Any = dict.get(own, "columns")
    pairs: Any = dict.get(own, "col_values")
    if type(columns) is dict:
        pairs = columns.items()
    if type(pairs) not in _PAIRS:
        return {}
    named = [pair for pair in list(pairs) if type(pair) is tuple and len(pair) == 2]
    return {key: value for key, value in named if type(key) is str}


def _ports_and_macs(commands: list[dict[str, Any]]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the ids and macs of the ports that commands name, each once."""
    ports: dict[Any, None] = {}
    macs: dict[Any, None] = {}
    for own in commands:
        external_ids = _columns(own).get("external_ids")
        if type(external_ids) is dict:
            _add(ports, external_ids.get("iface-id"))
            _add(macs, external_ids.get("attached-mac"))
        for key in _PORTS:
            _add_ids(ports, dict.get(own, key))
        if dict.get(own, "table") == _PORT_TABLE:
            _add_ids(ports, dict.get(own, "record"))
    return tuple(ports), tuple(macs)


def _add_ids(ids: dict[Any, None], value: Any) -> None:
    """Add the uuids among the texts: a port's name in Open_vSwitch is none, nor need it be in another's OVN."""
    for text in value if type(value) in (list, tuple, set) else (value,):
        if values.is_uuid(text):
            _add(ids, text)


def _add(ids: dict[Any, None], text: Any) -> None:
    if type(text) is str and len(ids) < values.MAX_ITEMS:
        ids[values.scalar(text)] = None
