"""The hosts of a capture: whose clocks they have, which parts are theirs, and what was not recorded of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tracer.errors import TracerError
from tracer.files import folder as folders
from tracer.files import read
from tracer.files.folder import Folder

HOSTS = "hosts.json"
_FORMAT = 1
_MAX_TEXT = 64 << 20
_MAX_TIME = 1 << 62


@dataclass
class RecordedHost:
    """A host by its ``name`` in the inventory; ``host`` is its own name for itself.

    ``prefix`` begins the names of its parts. ``failure`` is the reason why nothing more was recorded there, if so;
    ``began`` whether something had been recorded before. ``pings`` are nanoseconds (low, high) by which its clock is
    ahead of that of the recording machine. ``missing`` are its services without hooks: name, pid, reason.
    """

    name: str
    prefix: str
    host: str = ""
    boot: str = ""
    failure: str = ""
    began: bool = False
    pings: list[tuple[int, int]] = field(default_factory=list)
    missing: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass
class RecordedHosts:
    """All hosts of a capture, its token on them, and the recording machine's own name and boot."""

    token: str
    host: str = ""
    boot: str = ""
    hosts: list[RecordedHost] = field(default_factory=list)

    def write(self, capture: Folder) -> None:
        """Write them into the capture."""
        with capture.write(HOSTS) as file:
            file.write(json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode())


def of(capture: Path) -> RecordedHosts | None:
    """Return the hosts of a capture of anybody's, None if it is of this machine alone; TracerError if invalid."""
    try:
        content = json.loads(read.contents(capture / HOSTS, _MAX_TEXT))
        return _parsed(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TracerError(f"{capture / HOSTS}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TracerError(f"{capture / HOSTS}: invalid content") from None


def own(capture: Path) -> RecordedHosts | None:
    """Return the hosts of the caller's own capture, None if it is of this machine alone, or new.

    Raises TracerError with the reason if it is not the caller's.
    """
    try:
        with folders.opened(capture) as folder:
            return of(capture) if folder.has(HOSTS) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TracerError(f"{capture}: not a capture of yours: {error.strerror}") from None


def _parsed(content: dict[str, Any]) -> RecordedHosts:
    token, host, boot = texts = [content[name] for name in ("token", "host", "boot")]
    hosts = [_host(item) for item in content["hosts"]]
    if content["format"] != _FORMAT or any(type(text) is not str for text in texts):
        raise ValueError
    return RecordedHosts(token, host, boot, hosts)


def _host(item: dict[str, Any]) -> RecordedHost:
    name, prefix, host, boot, failure = texts = [item[key] for key in ("name", "prefix", "host", "boot", "failure")]
    pings = [(low, high) for low, high in item["pings"]]
    missing = [(service, pid, reason) for service, pid, reason in item["missing"]]
    numbers = [number for ping in pings for number in ping] + [pid for _, pid, _ in missing]
    texts += [text for service, _, reason in missing for text in (service, reason)]
    if (
        any(type(text) is not str for text in texts)
        or any(type(number) is not int or abs(number) > _MAX_TIME for number in numbers)
        or type(item["began"]) is not bool
    ):
        raise ValueError
    return RecordedHost(name, prefix, host, boot, failure, item["began"], pings, missing)
