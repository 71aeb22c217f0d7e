"""Steps and boots for tests, in one line each; addresses and times are assigned when the boot is assembled."""

from __future__ import annotations

from itertools import count
from typing import Any

from tracer.model import LeftOut, Request, Step

_ids = count(1)
#: When every built boot starts: 2026-01-01 UTC.
EPOCH = 1_767_225_600_000_000_000
_TICK, _MILLISECOND = 100_000, 1_000_000


def step(
    kind: str, service: str, *children: Step, name: str = "", chapter: int = 0, took: int = 0, **fields: Any
) -> Step:
    """A step; ``fields`` that a Step has are set on it, the others become attributes (``class_`` for ``class``).

    ``chapter`` is the chapter that a cast opens; ``took`` adds milliseconds before its end.
    """
    own = {key: fields.pop(key) for key in ("error", "host", "pid", "request_id", "opened_by") if key in fields}
    unfinished = fields.pop("unfinished", False)
    attributes = {key.rstrip("_"): value for key, value in fields.items()}
    built = Step(f"e{next(_ids)}", kind, service, name, 0, None if unfinished else took, attributes=attributes, **own)
    built.children = list(children)
    built.opens = [str(chapter)] if chapter else []
    return built


def call(service: str, target: str, *children: Step, **fields: Any) -> Step:
    """A function call; ``target`` is ``nova.compute.api:API.create`` or ``nova.utils:f``."""
    module, _, qualified = target.partition(":")
    cls, _, function = qualified.rpartition(".")
    return step("call", service, *children, name=target, module=module, class_=cls, function=function, **fields)


def http(service: str, peer: str, method: str, path: str, *inside: Step, status: int = 200, **fields: Any) -> Step:
    """A request from ``service`` to ``peer``, with the far side and what it did inside."""
    attributes: dict[str, Any] = {"name": f"{method} {path}", "method": method, "path": path, "status": status}
    far = step("http", peer, *inside, side="server", **attributes)
    return step("http", service, far, side="client", peer=peer, **attributes, **fields)


def rpc(service: str, peer: str, method: str, *inside: Step, endpoint: str = "", **fields: Any) -> Step:
    """An RPC call from ``service`` to ``peer``, with the far side and what it did inside."""
    far = served(peer, method, *inside, endpoint=endpoint, mode="call")
    return step("rpc", service, far, name=method, side="client", mode="call", method=method, peer=peer, **fields)


def served(service: str, method: str, *inside: Step, endpoint: str = "", mode: str = "cast", **fields: Any) -> Step:
    """The receiving side of a message: below a call, or as a chapter's head."""
    module, _, qualified = endpoint.partition(":")
    cls, _, function = qualified.rpartition(".")
    where: dict[str, Any] = {"module": module, "class_": cls, "function": function} if endpoint else {}
    return step("rpc", service, *inside, name=method, side="server", mode=mode, method=method, **where, **fields)


def cast(service: str, peer: str, method: str, chapter: int, mode: str = "cast", **fields: Any) -> Step:
    """A cast, which opens ``chapter``."""
    attributes: dict[str, Any] = {"name": method, "method": method, "mode": mode, "peer": peer}
    return step("rpc", service, side="client", chapter=chapter, **attributes, **fields)


def sql(service: str, verb: str, *tables: str, rows: int = 1, **fields: Any) -> Step:
    """A statement."""
    return step("sql", service, name=f"{verb} {' '.join(tables)}", verb=verb, tables=list(tables), rows=rows, **fields)


def state(service: str, **changes: Any) -> Step:
    """A change of an instance's row: ``task_state=(None, "scheduling")``."""
    return step("state", service, name="instances", table="instances", changes={k: list(v) for k, v in changes.items()})


def log(service: str, message: str, level: str = "INFO", kind: str = "log") -> Step:
    """A log line, or with ``kind="ask"`` an ask line."""
    return step(kind, service, name=message, level=level, logger="nova." + service, message=message)


def boot(*chapters: Step, **fields: Any) -> Request:
    """Assemble a boot of these chapters: addresses, links between chapters, a tenth of a millisecond for every step."""
    request = Request(1, fields.pop("operation", "create"), list(chapters), **fields)
    senders: dict[str, str] = {}
    now = EPOCH
    for number, chapter in enumerate(chapters, 1):
        _number(chapter, str(number), senders)
        now = _time(chapter, now)
        chapter.opened_by = chapter.opened_by or senders.get(str(number), "")
    return request


def _number(head: Step, address: str, senders: dict[str, str]) -> None:
    head.address = address
    stack = [head]
    while stack:
        parent = stack.pop()
        senders.update((chapter, parent.address) for chapter in parent.opens)
        ordinal, notes = count(1), count(1)
        for child in parent.children:
            child.address = f"{parent.address}-{next(ordinal)}" if child.numbered else f"{parent.address}/{next(notes)}"
            stack.append(child)


def _time(head: Step, now: int) -> int:
    stack = [(head, False)]
    while stack:
        timed, leaving = stack.pop()
        now += _TICK
        if leaving:
            if timed.end is not None:
                now += timed.end * _MILLISECOND  # until now it held the step's own time, without its children
                timed.end = now
            continue
        timed.start = now
        stack.append((timed, True))
        stack.extend((child, False) for child in reversed(timed.children))
    return now


def small_boot() -> Request:
    """A boot that works, cut down: every kind of step, the services and the order of a real one on Nova 34."""
    chapters = (_requested(), _conducted(), _built(), _informed())
    return boot(
        *chapters, server="vm1", uuid="7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11", request_id="req-client",
        host="cmp1", outcome="active", left_out=[LeftOut("compute", "heartbeat Service.save", "rpc", 3)],
    )  # fmt: skip


def _requested() -> Step:
    api = "API"
    return http(
        "client", api, "POST", "/v2.1/servers",
        call(
            api, "nova.api.openstack.compute.servers:ServersController.create",
            call(
                api, "nova.compute.api:API.create",
                call(api, "nova.compute.api:API._check_requested_networks", took=2),
                http(api, "image", "GET", "/v2/images/cirros", took=20),
                call(api, "nova.quota:check_deltas", sql(api, "SELECT", "quotas", rows=2)),
                call(
                    api, "nova.compute.api:API._provision_instances",
                    sql(api, "INSERT", "instances", "instance_extra"),
                    state(api, vm_state=(None, "building"), task_state=(None, "scheduling")),
                    call(api, "nova.objects.build_request:BuildRequest.create", sql(api, "INSERT", "build_requests")),
                    log(api, "instance made", kind="ask"),
                ),
                call(
                    api, "nova.conductor.api:ComputeTaskAPI.schedule_and_build_instances",
                    cast(api, "conductor", "schedule_and_build_instances", 2),
                ),
            ),
        ),
        status=202,
    )  # fmt: skip


def _conducted() -> Step:
    manager = "nova.conductor.manager:ComputeTaskManager."
    placement = "placement.handlers.allocation_candidate:list_allocation_candidates"
    return served(
        "conductor", "schedule_and_build_instances",
        rpc(
            "conductor", "scheduler", "select_destinations",
            http(
                "scheduler", "placement", "GET", "/allocation_candidates?limit=1000&resources=VCPU:1",
                call("placement", placement, *(sql("placement", "SELECT", "inventories", rows=3) for _ in range(4))),
            ),
            *(call("scheduler", "nova.scheduler.filters:BaseHostFilter.filter_all", took=1) for _ in range(7)),
            http("scheduler", "placement", "PUT", "/allocations/7b5e1c52", status=204, took=9),
            endpoint="nova.scheduler.manager:SchedulerManager.select_destinations",
        ),
        call("conductor", manager + "_create_block_device_mapping", sql("conductor", "INSERT", "block_device_mapping")),
        cast("conductor", "compute", "build_and_run_instance", 3),
        endpoint=manager + "schedule_and_build_instances",
    )  # fmt: skip


def _save(**changes: tuple[str | None, str | None]) -> Step:
    inside = [sql("conductor", "UPDATE", "instances"), state("conductor", **changes)]
    endpoint = "nova.conductor.manager:ConductorManager.object_action"
    return rpc("compute", "conductor", "Instance.save", *inside, endpoint=endpoint)


def _built() -> Step:
    manager, driver = "nova.compute.manager:ComputeManager.", "nova.virt.libvirt.driver:LibvirtDriver."
    building = ("building", "building")
    info = ["qemu-img", "info", "--output=json", "/var/lib/base"]
    spawn = call(
        "compute", driver + "spawn",
        call(
            "compute", driver + "_create_image",
            step("command", "compute", arguments=info, exit_code=0, took=30),
        ),
        call("compute", driver + "_get_guest_xml", took=4),
        call(
            "compute", driver + "_create_guest",
            step("libvirt", "compute", class_="virConnect", function="defineXML", took=12),
            step("libvirt", "compute", class_="virDomain", function="createWithFlags", took=900),
        ),
        log("compute", "Instance spawned successfully."),
    )  # fmt: skip
    build = call(
        "compute", manager + "_do_build_and_run_instance",
        _save(vm_state=building, task_state=("scheduling", None)),
        call("compute", "nova.compute.resource_tracker:ResourceTracker.instance_claim", took=3),
        http("compute", "network", "POST", "/v2.0/ports", status=201, took=150),
        _save(task_state=(None, "networking")),
        _save(task_state=("networking", "spawning")),
        spawn,
        _save(vm_state=("building", "active"), task_state=("spawning", None)),
        cast("compute", "scheduler", "update_instance_info", 4, mode="fanout"),
    )  # fmt: skip
    locked = "_locked_do_build_and_run_instance"
    handoff = step("handoff", "compute", build, function=locked, via="spawn_on", waited=200_000)
    endpoint = manager + "build_and_run_instance"
    return served("compute", "build_and_run_instance", handoff, endpoint=endpoint, host="cmp1")


def _informed() -> Step:
    endpoint = "nova.scheduler.manager:SchedulerManager.update_instance_info"
    return served("scheduler", "update_instance_info", endpoint=endpoint, mode="fanout")


def failed_boot() -> Request:
    """A boot that finds no host: the error rises from the scheduler, and a step never ends."""
    error = "NoValidHost: No valid host was found.\nThere are not enough hosts available."
    pick = call("scheduler", "nova.utils:pick", error=error)
    head = served(
        "conductor", "schedule_and_build_instances",
        rpc("conductor", "scheduler", "select_destinations", pick, error=error),
        call("conductor", "nova.conductor.manager:ComputeTaskManager._bury_in_cell0", unfinished=True),
        error=error,
    )  # fmt: skip
    return boot(head, server="vm2", request_id="req-2", outcome="error: NoValidHost")
