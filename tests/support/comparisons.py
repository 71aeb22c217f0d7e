"""Comparisons for tests, built pair by pair; addresses, both trees and the list of changes are derived."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from tracer.model import NOTES, Baseline, Change, Comparison, NormalStep, Pair

#: Addresses are assigned at the end: until then a change holds these for a step that exists.
_OLD, _NEW = "old", "new"


def both(
    kind: str, service: str, text: str, *children: Pair, was: str = "", by: str = "", changes: tuple[Change, ...] = (),
    **fields: Any,
) -> Pair:  # fmt: skip
    """A step on both sides; ``was`` and ``by`` are the old text and service where these differ."""
    old, new = NormalStep(kind, by or service, was or text, **fields), NormalStep(kind, service, text, **fields)
    pair = Pair(old, new, list(changes), list(children))
    _sign(pair)
    return pair


def added(kind: str, service: str, text: str, *children: Pair, **fields: Any) -> Pair:
    """A step that only the new side has, with a change unless ``changes`` is passed."""
    changes = fields.pop("changes", (change("added", text),))
    pair = Pair(
        None, NormalStep(kind, service, text, where=fields.pop("where", ""), **fields), list(changes), list(children)
    )
    _sign(pair)
    return pair


def removed(kind: str, service: str, text: str, *children: Pair, **fields: Any) -> Pair:
    """A step that only the old side has."""
    changes = fields.pop("changes", (change("removed", text),))
    pair = Pair(
        NormalStep(kind, service, text, where=fields.pop("where", ""), **fields), None, list(changes), list(children)
    )
    _sign(pair)
    return pair


def change(class_: str, text: str, severity: str = "fail", **fields: Any) -> Change:
    """A change; the fields that it shares with its pair are filled in there."""
    return Change(class_, fields.pop("kind", ""), fields.pop("service", ""), text, severity=severity, **fields)


def _sign(pair: Pair) -> None:
    node = pair.new or pair.old
    assert node
    for difference in pair.changes:
        difference.kind, difference.service, difference.where = node.kind, node.service, difference.where or node.where
        difference.old, difference.new = _OLD if pair.old else "", _NEW if pair.new else ""
        difference.old_text, difference.new_text = pair.old.text if pair.old else "", pair.new.text if pair.new else ""


def comparison(*pairs: Pair, further: tuple[Change, ...] = (), **fields: Any) -> Comparison:
    """Assemble a comparison; ``further`` are changes without a pair."""
    old = Baseline(_side(pairs, "old"), fields.pop("old", "32.trace.jsonl.gz"), 10, ("active",), {"nova": "32.0.0"})
    new = Baseline(_side(pairs, "new"), fields.pop("new", "34.trace.jsonl.gz"), 1, ("active",), {"nova": "34.0.0"})
    changes = [*further, *(difference for pair in pairs for difference in _addressed(pair))]
    verdict = "differs" if any(difference.severity == "fail" for difference in changes) else "same"
    return Comparison(old, new, list(pairs), changes, fields.pop("verdict", verdict))


def _side(pairs: tuple[Pair, ...], side: str) -> list[NormalStep]:
    """Return one side's tree, with addresses."""
    tops: list[NormalStep] = []
    stack: list[tuple[list[Pair], NormalStep | None]] = [(list(pairs), None)]
    while stack:
        level, parent = stack.pop()
        siblings = tops if parent is None else parent.children
        ordinals = {True: count(1), False: count(1)}
        for pair in level:
            node: NormalStep | None = getattr(pair, side)
            if node is None:
                continue
            siblings.append(node)
            note = node.kind in NOTES
            ordinal = next(ordinals[note])
            node.address = f"{parent.address}{'/' if note else '-'}{ordinal}" if parent else str(ordinal)
            stack.append((pair.children, node))
    return tops


def _addressed(top: Pair) -> Iterator[Change]:
    stack: list[tuple[Pair, tuple[str, ...]]] = [(top, ())]
    while stack:
        pair, path = stack.pop()
        node = pair.new or pair.old
        assert node
        for difference in pair.changes:
            difference.old = pair.old.address if pair.old and difference.old == _OLD else difference.old
            difference.new = pair.new.address if pair.new and difference.new == _NEW else difference.new
            difference.path = path
            difference.below = sum(1 for _ in pair.walk()) - 1 if pair.old is None or pair.new is None else 0
            yield difference
        stack.extend((child, (*path, node.text)) for child in reversed(pair.children))


def small() -> Comparison:
    """Most classes of changes, each severity, in a boot cut down to what happens around them."""
    further = (change("logged", "WARNING lines of compute: 2–3 → 9", "note", service="compute", kind="log"),)
    return comparison(_requested(), _other_chapter(), further=further)


def _requested() -> Pair:
    image = "GET /v2/images/{id} → image: 200"
    return both(
        "http", "API", "POST /v2.1/servers: 202",
        both(
            "call", "API", "compute/api.py.API -> create()",
            *(both("call", "API", f"compute/api.py.API -> _check_{what}()") for what in ("quota", "networks", "name")),
            both("http", "API", image, both("http", "image", "GET /v2/images/{id}: 200")),
            added(
                "http", "API", "GET /v3/types?name → volume: 200",
                added("http", "volume", "GET /v3/types?name: 200", changes=()),
                where="nova/volume/cinder.py:512",
            ),
            removed("sql", "API", "sql: SELECT quotas in nova_api #3598517c826f", where="nova/quota.py:1102"),
            both(
                "sql", "API", "sql: SELECT services in nova_cell1 #11aa", min_count=3, max_count=3,
                changes=(change("repeated", "1 → 3 times", ratio=3.0),), where="nova/objects/service.py:517",
            ),
            both(
                "rpc", "API", "rpc.cast() to conductor: schedule_and_build_instances 1.25",
                _conducted(), was="rpc.cast() to conductor: schedule_and_build_instances 1.23",
                changes=(change("version", "schedule_and_build_instances 1.23 → 1.25", "warn"),),
                where="nova/conductor/rpcapi.py:402",
            ),
        ),
    )  # fmt: skip


def _conducted() -> Pair:
    candidates = "GET /allocation_candidates?limit&resources&root_required → placement: 200"
    return both(
        "rpc", "conductor", "schedule_and_build_instances by conductor/manager.py.ComputeTaskManager",
        both(
            "rpc", "conductor", "rpc.call() to scheduler: select_destinations 4.5",
            both(
                "rpc", "scheduler", "select_destinations by scheduler/manager.py.SchedulerManager",
                both(
                    "http", "scheduler", candidates,
                    both("http", "placement", "GET /allocation_candidates: 200"),
                    was=candidates.replace("&root_required", ""),
                    changes=(change("arguments", "query key root_required is new"),),
                    where="nova/scheduler/client/report.py:310",
                ),
                *(both("call", "scheduler", f"scheduler/filters/f{n}.py -> filter_all()") for n in range(7)),
                both(
                    "http", "scheduler", "PUT /allocations/{id} → placement: 204",
                    both("http", "placement", "PUT /allocations/{id}: 204"),
                    changes=(change("slower", "9–14 ms → 61 ms", "note", ratio=4.4),),
                ),
            ),
        ),
        both(
            "rpc", "conductor", "rpc.cast() to compute: build_and_run_instance 6.4",
            _built(),
        ),
    )  # fmt: skip


def _built() -> Pair:
    save = "rpc.call() to conductor: Instance.save 3.0 (Instance 2.8)"
    info = "$ qemu-img info --output=json {path}"
    moved = change("moved", "from under ComputeManager._prepare() to under LibvirtDriver.spawn()")
    return both(
        "rpc", "compute", "build_and_run_instance by compute/manager.py.ComputeManager",
        removed("command", "compute", info, changes=(moved,)),
        both("rpc", "compute", save, both("rpc", "conductor", "Instance.save by conductor/manager.py.Manager")),
        both(
            "handoff", "compute", "hand-off to _do_build by ThreadPoolExecutor",
            was="hand-off to _do_build by spawn_n",
            changes=(change("arguments", "by spawn_n → by ThreadPoolExecutor", "ignore", rule="hand-offs of 34"),),
        ),
        both(
            "call", "compute", "virt/libvirt/driver.py.LibvirtDriver -> spawn()",
            both("call", "compute", info, changes=(change("reordered", "before _get_guest_xml(), was after", "note"),)),
            added("libvirt", "compute", "virConnect.listDevices()", min_count=2, max_count=4),
            added(
                "call", "compute", "virt/libvirt/driver.py.LibvirtDriver -> _share_mapping()",
                *(
                    added("call", "compute", f"virt/libvirt/share.py.Share -> step{n}()", changes=())
                    for n in range(9)
                ),
                added(
                    "rpc", "compute", "rpc.call() to conductor: ShareMapping.get 1.0",
                    added("rpc", "conductor", "ShareMapping.get by conductor/manager.py.ConductorManager", changes=()),
                    changes=(),
                ),
                where="nova/virt/libvirt/driver.py:4410",
            ),
            both("libvirt", "compute", "virConnect.defineXML()"),
            both("libvirt", "compute", "virDomain.createWithFlags()"),
        ),
        removed(
            "rpc", "compute", "rpc.fanout() to scheduler: update_instance_info 4.1",
            removed("rpc", "scheduler", "update_instance_info by scheduler/manager.py.SchedulerManager", changes=()),
            where="nova/compute/manager.py:2291",
        ),
        both(
            "state", "compute", "instances: vm_state active, task_state None",
            changes=(change("state", "task_state spawning → None, was powering-on → None"),),
        ),
    )  # fmt: skip


def _other_chapter() -> Pair:
    return both(
        "rpc", "conductor", "notify by conductor/manager.py.ComputeTaskManager",
        both("call", "scheduler", "scheduler/host_manager.py.HostManager -> update()", by="conductor",
             changes=(change("service", "by scheduler, was by conductor"),)),
    )  # fmt: skip
