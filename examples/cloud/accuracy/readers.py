"""Readers of the witnesses: libvirtd's log, uWSGI's access lines and the firehose, line by line."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

SECOND = 1_000_000_000
_CALL = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\+0000: \d+: debug : (?P<function>vir[A-Z]\w+):\d+ : "
    r"(?P<about>(?:conn|dom|domain|dev|net|network|pool|vol|secret|snapshot|iface|nwfilter)=.*)"
)
_UUID = re.compile(r"uuid=([0-9a-f-]{36})")
_ACCESS = re.compile(
    r'\[uwsgi \d+\] \S+ \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<uri>\S+) HTTP/1\.\d" (?P<status>\d+)'
)
_METHOD = re.compile(
    r"^class (?P<class>\w+)|^    def (?P<method>\w+)\(|^def (?P<function>\w+)\(|libvirtmod\.(?P<c>\w+)\(", re.M
)
#: The daemon's names of calls that the client's library names otherwise.
_REMOTE = {"virDomainLookupByUUIDString": "virDomainLookupByUUID", "virConnectOpenAuth": "virConnectOpen"}
#: Additional calls that libvirt-python makes for one of its calls.
_BESIDES = {"virDomainGetVcpus": ("virDomainGetInfo", "virNodeGetCPUMap")}
#: Calls that the client's library answers itself: the daemon sees none of them, or only the first.
LOCAL = frozenset(
    {"virDomainGetID", "virDomainGetName", "virDomainGetUUID", "virDomainGetUUIDString", "virConnectGetType"}
)


@dataclass(frozen=True)
class Entry:
    """A witness's entry; `key` identifies it, `values` are a statement's literals, `ids` its uuids and request ids.

    Its time is between `time` and `within` nanoseconds later, since some logs write whole seconds.
    """

    time: int
    key: tuple[str, ...]
    text: str
    values: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    within: int = 0

    def off(self, time: int) -> int:
        """Return its distance from a time."""
        return max(self.time - time, time - self.time - self.within, 0)


def libvirt_calls(log: str) -> Iterator[Entry]:
    for line in log.splitlines():
        match = _CALL.match(line)
        if match:
            when = datetime.strptime(match["time"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
            about = frozenset(_UUID.findall(match["about"]))
            text = " ".join([match["function"], *sorted(about)])
            yield Entry(_nanoseconds(when), (match["function"],), text, ids=about)


def libvirt_functions(source: str) -> dict[str, tuple[str, ...]]:
    """Return the functions that libvirtd logs, by the method's name in bootseq, such as virDomain.info.

    `source` is libvirt-python's own libvirt.py, generated: each method names the C function it calls.
    """
    calls: dict[str, tuple[str, ...]] = defaultdict(tuple)
    owner = method = ""
    for match in _METHOD.finditer(source):
        if match["class"]:
            owner, method = match["class"], ""
        elif match["method"]:
            method = f"{owner}.{match['method']}"
        elif match["function"]:
            method = f"libvirt.{match['function']}"
        elif method and method not in calls:
            name = _REMOTE.get(match["c"], match["c"])
            calls[method] = (name, *_BESIDES.get(name, ()))
    return dict(calls)


def access_lines(service: str, log: str) -> Iterator[Entry]:
    for line in log.splitlines():
        match = _ACCESS.match(line)
        if match:
            when = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z")
            path = unquote(match["uri"].partition("?")[0])
            key, status = (service, match["method"], path), match["status"]
            text, ids = " ".join([*key, status]), frozenset(path.split("/"))
            yield Entry(_nanoseconds(when), key, text, (status,), ids, SECOND)


def messages(log: str, event: str) -> Iterator[Entry]:
    """Yield the published messages, or the delivered ones except replies, whose arrival is not a step."""
    for line in log.splitlines():
        message = json.loads(line)
        if message["event"] != event or (event == "deliver" and message["method"] == "reply"):
            continue
        ids = frozenset([*message["uuids"], message["request_id"], message["global_request_id"]]) - {""}
        text = f"{message['method']} to {message['place']} unique_id {message['unique_id']}"
        yield Entry(message["at"], (message["unique_id"],), text, ids=ids)


def unread(log: str) -> int:
    """Count the messages that the firehose's reader could not read."""
    return sum(json.loads(line)["event"] == "unread" for line in log.splitlines())


def _nanoseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000) * 1_000_000


def time_of(seconds: int) -> int:
    return seconds * SECOND


def user_services() -> Mapping[str, str]:
    """Return bootseq's names of the services, by the database's user and the name of the access log."""
    return {
        "nova-api": "API",
        "nova-conductor": "conductor",
        "nova-scheduler": "scheduler",
        "placement": "placement",
        "keystone": "identity",
        "glance": "image",
        "neutron": "network",
        "neutron-rpc-server": "network",
        "neutron-periodic-workers": "network",
        "neutron-ovn-maintenance-worker": "network",
        "cinder-api": "volume-api",
        "cinder-scheduler": "volume-scheduler",
        "cinder-volume": "volume",
    }
