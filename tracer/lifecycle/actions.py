"""The action that a request is: by the API's body or path, else by its messages, task states and log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.messages import Report
from tracer.model import Request, Step
from tracer.model.patterns import UUID

#: Actions by the key of the body of ``POST /servers/{id}/action``.
_BODIES = {
    "os-start": "started", "os-stop": "stopped", "reboot": "rebooted", "resize": "resized", "rebuild": "rebuilt",
    "confirmResize": "resize confirmed", "revertResize": "resize reverted", "migrate": "migrated",
    "os-migrateLive": "live-migrated", "evacuate": "evacuated", "createImage": "imaged", "createBackup": "backed up",
    "pause": "paused", "unpause": "unpaused", "suspend": "suspended", "resume": "resumed", "rescue": "rescued",
    "unrescue": "unrescued", "shelve": "shelved", "shelveOffload": "shelved", "unshelve": "unshelved",
    "forceDelete": "deleted", "restore": "restored", "lock": "locked", "unlock": "unlocked",
    "changePassword": "password changed", "os-resetState": "state reset",
}  # fmt: skip
#: The same by the method of a message.
_METHODS = {
    "terminate_instance": "deleted", "soft_delete_instance": "deleted", "start_instance": "started",
    "stop_instance": "stopped", "reboot_instance": "rebooted", "prep_resize": "resized", "migrate_server": "resized",
    "resize_instance": "resized", "confirm_resize": "resize confirmed", "revert_resize": "resize reverted",
    "rebuild_instance": "rebuilt", "live_migrate_instance": "live-migrated", "live_migration": "live-migrated",
    "snapshot_instance": "imaged", "backup_instance": "backed up", "pause_instance": "paused",
    "unpause_instance": "unpaused", "suspend_instance": "suspended", "resume_instance": "resumed",
    "rescue_instance": "rescued", "unrescue_instance": "unrescued", "shelve_instance": "shelved",
    "shelve_offload_instance": "shelved", "unshelve_instance": "unshelved", "restore_instance": "restored",
    "attach_volume": "volume attached", "detach_volume": "volume detached", "attach_interface": "interface attached",
    "detach_interface": "interface detached",
}  # fmt: skip
#: The same by the task state that an instance enters.
_TASKS = {
    "deleting": "deleted", "soft-deleting": "deleted", "powering-on": "started", "powering-off": "stopped",
    "rebooting": "rebooted", "rebooting_hard": "rebooted", "resize_prep": "resized",
    "resize_reverting": "resize reverted", "rebuilding": "rebuilt", "migrating": "live-migrated",
    "image_snapshot": "imaged", "image_snapshot_pending": "imaged", "image_backup": "backed up", "pausing": "paused",
    "unpausing": "unpaused", "suspending": "suspended", "resuming": "resumed", "rescuing": "rescued",
    "unrescuing": "unrescued", "shelving": "shelved", "unshelving": "unshelved", "restoring": "restored",
}  # fmt: skip
#: The same by the phase that log lines report.
_PHASES = {
    "delete": "deleted", "resize": "resized", "migration": "migrated", "live migration": "live-migrated",
    "rebuild": "rebuilt", "reboot": "rebooted", "attach": "volume attached", "detach": "volume detached",
    "interface": "interface attached", "rescue": "rescued", "snapshot": "imaged", "shelve": "shelved",
}  # fmt: skip
#: The same by what is below the server in the path, and the method.
_PATHS = {
    ("DELETE", ""): "deleted", ("PUT", ""): "updated",
    ("POST", "os-volume_attachments"): "volume attached", ("DELETE", "os-volume_attachments"): "volume detached",
    ("POST", "os-interface"): "interface attached", ("DELETE", "os-interface"): "interface detached",
}  # fmt: skip
_PATH = re.compile(rf"/servers/(?P<uuid>{UUID})(?:/(?P<below>[\w-]+))?")


def server_in_path(step: Step) -> tuple[str, str]:
    """Return the uuid of the server in an HTTP request's path and what is below it; "" where there is none."""
    match = _PATH.search(step.text("path")) if step.kind == "http" else None
    return (match["uuid"], match["below"] or "") if match else ("", "")


def action_of(request: Request, reports: list[Report]) -> str:
    """Return what a request does to its instances, "" for one that only reads, or whose action nothing names."""
    if request.operation == "boot":
        return "created"
    sent = next(_server_requests(request), None)
    if sent is not None and sent.text("method") in ("GET", "HEAD"):
        return ""
    candidates = [
        *_named_by_api(sent),
        *_named_by_steps(request),
        *(_PHASES.get(report.phase, "") for report in reports),
    ]
    if sent is not None and server_in_path(sent)[1] == "action":
        candidates.append("changed")
    return next(filter(None, candidates), "")


def _server_requests(request: Request) -> Iterator[Step]:
    """Yield the HTTP requests about a server, the outermost first."""
    return (step for step in request.walk() if step.kind == "http" and server_in_path(step)[0])


def _named_by_api(sent: Step | None) -> Iterator[str]:
    if sent is None:
        return
    body = sent.attributes.get("body")
    for key in body if isinstance(body, dict) else ():
        yield _BODIES.get(key, "")
    yield _PATHS.get((sent.text("method"), server_in_path(sent)[1]), "")


def _named_by_steps(request: Request) -> Iterator[str]:
    for step in request.walk():
        if step.kind == "rpc":
            yield _METHODS.get(step.text("method") or step.name, "")
    for step in request.walk():
        if step.kind == "state":
            yield _TASKS.get(str(step.new_value("task_state")), "")
