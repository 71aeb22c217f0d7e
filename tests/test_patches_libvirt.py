"""Libvirt: calls of libvirt-python and of Nova's fake, under libvirt's names and with their domain."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from diagrams.words import steps
from patches import libvirt
from tests.support.recording import failing, inside_step, recording, standing_in
from tracer.model import Step
from tracer.notation import parse

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
XML = f"<domain type='test'><name>instance-01</name><uuid>{UUID}</uuid><disk><name>other</name></disk></domain>"


DISK = """<disk type="network" device="disk">
  <source protocol="rbd" name="volumes/volume-1"><host name="h" port="6789"/></source>
  <auth username="cinder"><secret type="ceph" uuid="u"/></auth>
  <target bus="virtio" dev="vdb"/><serial>geheim</serial></disk>"""
SECRET = "<secret ephemeral='no' private='no'><usage type='volume'><volume>volume-2</volume></usage></secret>"


class LibvirtError(Exception):
    """An error of libvirt-python."""


class Domain:
    """A domain of libvirt-python, with its connection."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def createWithFlags(self, flags: int) -> int:  # noqa: N802
        return self.isActive() + flags

    def isActive(self) -> int:  # noqa: N802
        return 1

    def attachDeviceFlags(self, xml: str, flags: int = 0) -> int:  # noqa: N802
        return len(xml) & flags & 0

    def detachDevice(self, xml: str) -> int:  # noqa: N802
        return len(xml) & 0

    def destroy(self) -> int:
        raise LibvirtError("Requested operation is not valid: domain is not running")

    def connect(self) -> object:
        return self._connection


class Connection:
    """A connection with some of its methods."""

    domains: type = Domain

    def defineXML(self, xml: str) -> Any:  # noqa: N802
        assert xml
        return self.domains(self)

    def lookupByUUIDString(self, uuid: str) -> Any:  # noqa: N802
        if uuid != UUID:
            raise LibvirtError("Domain not found")
        return self.domains(self)

    def secretDefineXML(self, xml: str) -> object:  # noqa: N802
        return xml

    def secretLookupByUsage(self, kind: int, usage: str) -> object:  # noqa: N802
        raise LibvirtError(f"Secret of kind {kind} not found: {usage}")

    def getLibVersion(self) -> int:  # noqa: N802
        return 9_000_000

    @staticmethod
    def _dispatch() -> None:
        """Run as a callback of the C library."""


def open_auth(uri: str, auth: object, flags: int = 0) -> Any:
    return Connection()


@pytest.fixture(params=["libvirt", "nova.tests.fixtures.libvirt"])
def library(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Yield libvirt-python with classes named vir…, or Nova's fake, which has its own names too."""
    connection = type("Connection", (), dict(vars(Connection)))
    domain = type("Domain", (), dict(vars(Domain)))
    connection.domains = domain  # type: ignore[attr-defined]
    contents: dict[str, Any] = {"virConnect": connection, "virDomain": domain, "openAuth": open_auth}
    if request.param != "libvirt":
        contents |= {"Connection": connection, "Domain": domain, "DomainSnapshot": type("DomainSnapshot", (), {})}
    with standing_in(request.param, **contents) as module:
        yield module


def test_calls_have_libvirts_names(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt") as recorded, inside_step() as step:
        library.openAuth("test:///default", [])
        assert library.virConnect().getLibVersion() == 9_000_000
        events = recorded.events("libvirt")
    assert [(event.name, event.parent, event.error) for event in events] == [
        ("libvirt.openAuth", step, None),
        ("virConnect.getLibVersion", step, None),
    ]
    assert events[1].attributes == {"class": "virConnect", "function": "getLibVersion"}


def test_calls_inside_the_library_are_not_recorded(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt") as recorded:
        domain = library.virDomain(None)
        assert domain.createWithFlags(2) == 3
        domain.isActive()
        domain.connect()
        assert [event.name for event in recorded.events()] == ["virDomain.createWithFlags", "virDomain.isActive"]


def test_a_call_has_the_domain_of_its_lookup(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt") as recorded:
        connection = library.virConnect()
        connection.defineXML(XML).isActive()
        connection.lookupByUUIDString(UUID).isActive()
        library.virDomain(None).isActive()
        names = [(event.attributes.get("uuid"), event.attributes.get("domain")) for event in recorded.events()]
    assert names == [(UUID, "instance-01")] * 2 + [(UUID, None)] * 2 + [(None, None)]


def test_devices_and_secrets_are_named(tmp_path: Path, library: ModuleType) -> None:
    """By kind and target, and by usage; nothing else of the XML is recorded, nor of what is no XML."""
    with recording(tmp_path, "libvirt") as recorded:
        domain = library.virDomain(None)
        domain.attachDeviceFlags(DISK, flags=1)
        domain.attachDeviceFlags("<interface type='bridge'><mac address='fa:16'/><target dev='tap0'/></interface>", 1)
        domain.detachDevice("<hostdev mode='subsystem'/>")
        domain.detachDevice("geheim")
        library.virConnect().secretDefineXML(SECRET)
        with pytest.raises(LibvirtError):
            library.virConnect().secretLookupByUsage(1, "volume-2")
        events = recorded.events("libvirt")
    about = [(event.attributes.get("device"), event.attributes.get("usage")) for event in events]
    assert about == [
        ("disk vdb", None), ("interface tap0", None), ("hostdev", None), (None, None),
        (None, "volume-2"), (None, "volume-2"),
    ]  # fmt: skip
    titles = [
        steps.title(Step("p/1", "libvirt", "compute", event.name, 1, attributes=event.attributes)) for event in events
    ]
    assert titles[0] == "virDomain.attachDeviceFlags(): disk vdb"
    assert parse.parse(titles[0]) == parse.parse("virDomain.attachDeviceFlags()")
    assert not [path for path in (tmp_path / "segments").iterdir() if b"geheim" in path.read_bytes()]


def test_an_error_is_recorded_and_passed_on(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt") as recorded:
        with pytest.raises(LibvirtError, match="not found"):
            library.virConnect().lookupByUUIDString("none")
        with pytest.raises(LibvirtError):
            library.virDomain(None).destroy()
        errors = [event.error for event in recorded.events()]
    assert errors[0] == "LibvirtError: Domain not found"
    assert libvirt._looking == {}


def test_arguments_are_not_recorded(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt"):
        library.virConnect().defineXML(XML.replace("<disk>", "<graphics passwd='geheim'/><disk>"))
    assert not [path for path in (tmp_path / "segments").iterdir() if b"geheim" in path.read_bytes()]


def test_calls_in_several_threads_are_all_recorded(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt") as recorded:
        threads = [threading.Thread(target=library.virConnect().getLibVersion) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(recorded.events("libvirt")) == 5


def test_the_hooks_own_failures_do_not_reach_the_host(tmp_path: Path, library: ModuleType) -> None:
    with recording(tmp_path, "libvirt"), failing():
        assert [library.virConnect().getLibVersion() for _ in range(10)] == [9_000_000] * 10
        assert not libvirt.libvirt.enabled
