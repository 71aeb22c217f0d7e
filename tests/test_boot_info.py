"""Boots of a cloud that logs at INFO: nothing logs a receipt of a message, and several boots run at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.log_traces import at_info, at_once, nova34, trace
from tracer.model import Request, Step
from tracer.model.patterns import UUID

_ANY = re.compile(UUID)
_INSTANCE = re.compile(rf"\[instance: ({UUID})\]")


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the logs of Nova 34 at INFO."""
    return at_info(nova34(tmp_path_factory.mktemp("debug")), tmp_path_factory.mktemp("info"))


def shape(boot: Request) -> list[tuple[object, ...]]:
    """Return everything about a boot's steps but times and ids."""
    return [(s.address, s.service, s.kind, _ANY.sub("…", s.name), s.tied_by, _text(s)) for s in boot.walk()]


def _text(step: Step) -> str:
    return _ANY.sub("…", step.text("message"))


def test_a_boot_is_complete(info: Path) -> None:
    (boot,) = trace(info).boots
    assert (boot.uuid, boot.host, boot.outcome) == ("d7dc3b0e-3225-4632-8254-476a9183374f", "vm", "active")
    assert boot.duration < 6_000_000_000
    build, event = (chapter for chapter in boot.chapters if chapter.service == "compute")
    assert build.request_id == boot.request_id
    assert ["Received unexpected event" in step.text("message") for step in event.children] == [True]


def test_lines_are_below_steps_of_their_own_process(info: Path) -> None:
    result = trace(info)
    for request in (*result.boots, *result.others):
        for step in request.walk():
            assert {child.process for child in step.children if child.kind == "log"} <= {step.process}


def test_lines_of_a_service_own_context_belong_to_the_boot_of_their_instance(info: Path) -> None:
    """The events of libvirt are logged under the id that the compute has since it started."""
    (boot,) = trace(info).boots
    lines = [step for step in boot.walk() if "(Lifecycle Event)" in step.text("message")]
    assert [step.tied_by for step in lines] == ["instance", "instance"]


@pytest.mark.parametrize("apart", [40, 900])
@pytest.mark.parametrize("boots", [2, 5])
def test_boots_at_once_are_separated(boots: int, apart: int, info: Path, tmp_path: Path) -> None:
    """Each has the steps that it has alone, and no line of another's instance."""
    (alone,) = trace(info).boots
    result = trace(at_once(info, tmp_path, boots=boots, apart=apart))
    assert len({boot.uuid for boot in result.boots}) == len(result.boots) == boots
    for boot in result.boots:
        assert (boot.host, boot.outcome) == (alone.host, alone.outcome)
        assert sorted(shape(boot)) == sorted(shape(alone))
        named = {uuid for step in boot.walk() for uuid in _INSTANCE.findall(step.text("message"))}
        assert named == {boot.uuid}
