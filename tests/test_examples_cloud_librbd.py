"""The witness of Ceph's client library: its lines, and their comparison with the recorded calls."""

from datetime import UTC, datetime
from pathlib import Path

from examples.cloud.accuracy import librbd
from examples.cloud.accuracy.match import Trees
from tests.support.events import Cloud, Services, run
from tracer.events import Event

VOLUME = "volume-22d2e5fe-167d-47ca-8adc-0d9d012db793"
SNAPSHOT = "snapshot-00f7871b-a020-4b9a-a1f2-1777676e0855"
# Of Ceph 16: calls are on lines of librbd itself, or of Operations without "execute_".
LOG = f"""\
2026-11-30T13:12:35.505+0000 7f995affd6c0 10 librbd: create name={VOLUME}, id= 104380de4b03, size=1073741824
2026-11-30T13:12:37.085+0000 7f99b1c6ab80 10 librbd::ImageCtx: 0x56503f756d40 ImageCtx: image_name={VOLUME}, image_id=
2026-11-30T13:12:38.649+0000 7f999f1eb6c0  5 librbd::Operations: 0x56503f41a470 resize: size=67108864, new_size=10
2026-11-30T13:12:38.685+0000 7f99587f86c0  5 librbd::Operations: 0x56503f41a470 execute_resize: size=67108864
2026-11-30T13:12:38.717+0000 7f999f1eb6c0  2 librbd::Operations: resize finished
2026-11-30T13:12:42.429+0000 7f997f7fe6c0  5 librbd::Operations: 0x56503f705a20 snap_create: snap_name={SNAPSHOT}
2026-11-30T13:13:50.749+0000 7f995affd6c0 10 librbd: clone c_name={VOLUME}, c_id= 10592543f156, c_opts=[features=61]
2026-11-30T13:13:51.749+0200 7f995affd6c0 10 librbd: clone c_name={VOLUME}, c_id= 10592543f156, c_opts=[features=61]
"""


def test_lines_of_calls_are_read_and_lines_of_their_inner_work_are_not() -> None:
    """With the name of the image or snapshot, its ids, and the time in its zone."""
    entries = list(librbd.rbd_calls(LOG))
    assert [(entry.key, entry.values) for entry in entries] == [
        (("RBD.create",), (VOLUME,)),
        (("Image.resize",), ("",)),
        (("Image.create_snap",), (SNAPSHOT,)),
        (("RBD.clone",), (VOLUME,)),
        (("RBD.clone",), (VOLUME,)),
    ]
    assert entries[0].ids == {VOLUME.partition("-")[2]}
    assert entries[3].time - entries[4].time == 7_199_000_000_000


def log_of(calls: list[Event]) -> str:
    """Return the library's lines of clones at the times of these events."""
    lines = []
    for call in calls:
        stamp = datetime.fromtimestamp(call.start / 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
        lines.append(f"{stamp} 7f995affd6c0 10 librbd: clone c_name={VOLUME}, c_id= 1, c_opts=[features=61]")
    return "\n".join(lines)


def test_calls_are_compared_with_the_logs_of_recorded_processes_only(tmp_path: Path) -> None:
    """One in the boot's tree, one in no tree; the line of a command, a process without hooks, is none of them."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(6):
        next(story)
    about = {"module": "rbd", "function": "RBD.clone", "image": VOLUME}
    calls = [
        services.conductor.does("handoff", "rbd:RBD.clone", **about),
        services.conductor.on(9).does("handoff", "rbd:RBD.clone", **about),
    ]
    run(story)
    own, command = (tmp_path / f"librbd-{pid}.log" for pid in (services.conductor.process.pid, 99999))
    own.write_text(log_of(calls))
    command.write_text(log_of(calls[:1]))
    trace = cloud.trace()
    trees = Trees(trace, trace.boots[0], cloud.events)
    agreement = librbd.compare([own, command], cloud.events, trees)
    assert (agreement.witnessed, agreement.in_tree) == (2, 1)
    assert dict(agreement.missed) == {("recorded, but in no tree", f"RBD.clone {VOLUME}"): 1}
    assert not agreement.beyond


def test_a_call_of_another_image_is_not_the_witnessed_one(tmp_path: Path) -> None:
    """Both are reported: one as missing, one as unconfirmed."""
    cloud = Cloud()
    services = Services(cloud)
    story = services.boot()
    for _ in range(6):
        next(story)
    call = services.conductor.does("handoff", "rbd:RBD.clone", module="rbd", function="RBD.clone", image="volume-2")
    run(story)
    file = tmp_path / f"librbd-{services.conductor.process.pid}.log"
    file.write_text(log_of([call]))
    trace = cloud.trace()
    agreement = librbd.compare([file], cloud.events, Trees(trace, trace.boots[0], cloud.events))
    assert (agreement.witnessed, agreement.in_tree, agreement.beyond.total()) == (1, 0, 1)
