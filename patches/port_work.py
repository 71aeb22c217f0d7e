"""Work on ports that carries no request id: calls of Neutron's and Nova's functions with the ports they are about.

The agent's loop, OVN's events and Neutron's batches of events for Nova serve whatever ports there are; the ids say for
whose request. A call that is about none is recorded only where a call point names its function.
"""

from __future__ import annotations

import functools
from types import FunctionType, ModuleType
from typing import Any, Callable

from . import calls, hooks, import_hooks, patching, port_ids, recorder
from .hooks import argument

work = hooks.Hook("ports")

#: Returns the attributes of a call's arguments, or of its result; () where it is about no port.
_About = Callable[..., "tuple[Any, ...]"]


def _argument(position: int, name: str) -> _About:
    """Return a function that reads an id, or several, from one argument."""
    return lambda args, kwargs: port_ids.ports(argument(args, kwargs, position, name))


def _port(args: Any, kwargs: Any) -> Any:
    return port_ids.of_port(argument(args, kwargs, 1, "port"))


def _port_update(args: Any, kwargs: Any) -> Any:
    return port_ids.of_port(kwargs.get("port"))


def _of_agents(*names: str) -> _About:
    """Return a function that reads ids from what an agent sends."""
    return lambda args, kwargs: port_ids.ports(*[kwargs.get(name) for name in names])


def _filters(args: Any, kwargs: Any) -> Any:
    return port_ids.ports(argument(args, kwargs, 1, "new_devices"), argument(args, kwargs, 2, "updated_devices"))


def _refreshed(args: Any, kwargs: Any) -> Any:
    devices = argument(args, kwargs, 1, "device_ids")
    # Without an argument it refreshes all.
    return port_ids.ports(devices or port_ids.UNKNOWN)


def _retrieved(result: Any) -> Any:
    return port_ids.of_info(result[0] if type(result) is tuple and result else None)


_PORT_FILTERS = dict.fromkeys(("prepare_port_filter", "update_port_filter", "remove_port_filter"), _port)

#: By module and class: the functions, and what reads their arguments.
_FUNCTIONS: dict[str, dict[str, dict[str, _About]]] = {
    "neutron.plugins.ml2.drivers.openvswitch.agent.ovs_neutron_agent": {
        "OVSNeutronAgent": {
            "port_update": _port_update,
            "port_delete": _of_agents("port_id"),
            "process_port_info": lambda args, kwargs: (),
            "process_network_ports": lambda args, kwargs: port_ids.of_info(argument(args, kwargs, 1, "port_info")),
            "process_deleted_ports": lambda args, kwargs: port_ids.of_self(
                args[0], "deleted_ports", argument(args, kwargs, 1, "port_info")
            ),
            "treat_devices_added_or_updated": _argument(1, "devices"),
            "treat_devices_removed": _argument(1, "devices"),
            "treat_devices_skipped": _argument(1, "devices"),
            "treat_vif_port": _argument(2, "port_id"),
        },
    },
    "neutron.agent.securitygroups_rpc": {
        "SecurityGroupAgentRpc": {
            "setup_port_filters": _filters,
            "prepare_devices_filter": _argument(1, "device_ids"),
            "remove_devices_filter": _argument(1, "device_ids"),
            "refresh_firewall": _refreshed,
        },
    },
    "neutron.agent.linux.openvswitch_firewall.firewall": {"OVSFirewallDriver": _PORT_FILTERS},
    "neutron.agent.linux.iptables_firewall": {"IptablesFirewallDriver": _PORT_FILTERS},
    "neutron.plugins.ml2.rpc": {
        "RpcCallbacks": {
            "get_device_details": _of_agents("device"),
            "get_devices_details_list": _of_agents("devices"),
            "get_devices_details_list_and_failed_devices": _of_agents("devices"),
            "update_device_up": _of_agents("device"),
            "update_device_down": _of_agents("device"),
            "update_device_list": _of_agents("devices_up", "devices_down"),
            "update_port_status_to_active": _argument(3, "port_id"),
        },
    },
    "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver": {
        "OVNMechanismDriver": {
            "set_port_status_up": _argument(1, "port_id"),
            "set_port_status_down": _argument(1, "port_id"),
        },
    },
    "neutron.notifiers.batch_notifier": {
        "BatchNotifier": {
            "queue_event": lambda args, kwargs: port_ids.of_events(argument(args, kwargs, 1, "event")),
        },
    },
    "neutron.notifiers.nova": {
        "Notifier": {
            "send_events": lambda args, kwargs: port_ids.of_events(argument(args, kwargs, 1, "batched_events")),
        },
    },
    "nova.compute.manager": {
        "ComputeVirtAPI": {
            "_wait_for_instance_events": lambda args, kwargs: port_ids.of_expected(
                argument(args, kwargs, 0, "instance"), argument(args, kwargs, 1, "events")
            ),
        },
        "ComputeManager": {
            "_process_instance_event": lambda args, kwargs: port_ids.of_received(
                argument(args, kwargs, 1, "instance"), argument(args, kwargs, 2, "event")
            ),
        },
    },
}  # fmt: skip
#: What reads the result of those that find out which ports there are.
_RESULTS: dict[str, Callable[[Any], Any]] = {"OVSNeutronAgent.process_port_info": _retrieved}


def install() -> None:
    """Wrap the functions once their modules are imported."""
    patching.undo(calls.elsewhere.clear)
    for name, owners in _FUNCTIONS.items():
        import_hooks.when_imported(name, functools.partial(work.guarded, _wrap, owners))


def _wrap(owners: dict[str, dict[str, _About]], module: ModuleType) -> None:
    for owner_name, functions in owners.items():
        owner = vars(module).get(owner_name)
        for name, about in functions.items() if isinstance(owner, type) else ():
            raw = vars(owner).get(name)
            if type(getattr(raw, "__func__", raw)) is FunctionType:
                point = _Point(module.__name__, "%s.%s" % (owner_name, name), getattr(raw, "__func__", raw), about)
                if patching.replace(owner, name, hooks.within(work, point.begins, point.ends)):
                    calls.elsewhere[module.__name__, point.qualified] = point.record_always


class _Point:
    """A function whose calls are recorded with what they are about."""

    def __init__(self, module: str, qualified: str, function: Any, about: _About) -> None:
        self.qualified = qualified
        self._about = about
        self._after = _RESULTS.get(qualified)
        self._name, self._attributes = calls.described(function, module, qualified)
        #: A call point names the function as well.
        self._always = False

    def record_always(self) -> None:
        """Record calls that are about no port, too."""
        self._always = True

    def begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
        """Open a step; return 0 for a call that is not recorded."""
        about = self._about(args, kwargs)
        if not about and not self._always and self._after is None:
            return 0
        return recorder.begin("call", self._name, self._attributes + about)

    def ends(self, step: int, result: Any, error: BaseException | None) -> None:
        """Close the step."""
        recorder.finish(step, error, self._after(result) if self._after and error is None else ())
