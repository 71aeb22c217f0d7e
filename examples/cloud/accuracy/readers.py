"""What libvirtd's log, uWSGI's access lines and the firehose say, line by line."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

SECOND = 1_000_000_000
_CALL = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\+0000: \d+: debug : (?P<function>vir[A-Z]\w+):\d+ : "
    r"(?P<about>(?:conn|dom|domain|dev|net|network|pool|vol|secret|snapshot|iface|nwfilter)=.*)"
)
_UUID = re.compile(r"uuid=([0-9a-f-]{36})")
_ACCESS = re.compile(
    r'\[uwsgi \d+\] \S+ \[(?P<at>[^\]]+)\] "(?P<method>[A-Z]+) (?P<uri>\S+) HTTP/1\.\d" (?P<status>\d+)'
)
_METHOD = re.compile(
    r"^class (?P<class>\w+)|^    def (?P<method>\w+)\(|^def (?P<function>\w+)\(|libvirtmod\.(?P<c>\w+)\(", re.M
)
#: What the daemon calls a call that the client's library has a second name for.
_REMOTE = {"virDomainLookupByUUIDString": "virDomainLookupByUUID", "virConnectOpenAuth": "virConnectOpen"}
#: What libvirt-python asks besides for one of its calls.
_BESIDES = {"virDomainGetVcpus": ("virDomainGetInfo", "virNodeGetCPUMap")}
#: What the client's library answers by itself: the daemon sees nothing of it, or of all but the first.
LOCAL = frozenset(
    {"virDomainGetID", "virDomainGetName", "virDomainGetUUID", "virDomainGetUUIDString", "virConnectGetType"}
)


@dataclass(frozen=True)
class Said:
    """`key` is what it is recognised by, `values` a statement's literals, `ids` the uuids and request ids in it.

    It was said between `at` and `within` nanoseconds later: some logs write whole seconds.
    """

    at: int
    key: tuple[str, ...]
    text: str
    values: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    within: int = 0

    def off(self, at: int) -> int:
        """How far from a time it was said."""
        return max(self.at - at, at - self.at - self.within, 0)


def libvirt_calls(log: str) -> Iterator[Said]:
    for line in log.splitlines():
        found = _CALL.match(line)
        if found:
            at = datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
            about = frozenset(_UUID.findall(found["about"]))
            text = " ".join([found["function"], *sorted(about)])
            yield Said(_nanoseconds(at), (found["function"],), text, ids=about)


def libvirt_functions(source: str) -> dict[str, tuple[str, ...]]:
    """By the method's name as bootseq says it, such as virDomain.info, the functions that libvirtd then logs.

    `source` is libvirt-python's own libvirt.py, generated: each method names the C function it calls.
    """
    calls: dict[str, tuple[str, ...]] = defaultdict(tuple)
    owner = method = ""
    for found in _METHOD.finditer(source):
        if found["class"]:
            owner, method = found["class"], ""
        elif found["method"]:
            method = f"{owner}.{found['method']}"
        elif found["function"]:
            method = f"libvirt.{found['function']}"
        elif method and method not in calls:
            name = _REMOTE.get(found["c"], found["c"])
            calls[method] = (name, *_BESIDES.get(name, ()))
    return dict(calls)


def access_lines(service: str, log: str) -> Iterator[Said]:
    for line in log.splitlines():
        found = _ACCESS.match(line)
        if found:
            at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z")
            path = unquote(found["uri"].partition("?")[0])
            key, status = (service, found["method"], path), found["status"]
            text, ids = " ".join([*key, status]), frozenset(path.split("/"))
            yield Said(_nanoseconds(at), key, text, (status,), ids, SECOND)


def messages(log: str, event: str) -> Iterator[Said]:
    """Those that were published, or those that were delivered but for replies, whose arrival is no step."""
    for line in log.splitlines():
        said = json.loads(line)
        if said["event"] != event or (event == "deliver" and said["method"] == "reply"):
            continue
        ids = frozenset([*said["uuids"], said["request_id"], said["global_request_id"]]) - {""}
        text = f"{said['method']} to {said['place']} unique_id {said['unique_id']}"
        yield Said(said["at"], (said["unique_id"],), text, ids=ids)


def unread(log: str) -> int:
    """How many messages the firehose's reader could not read."""
    return sum(json.loads(line)["event"] == "unread" for line in log.splitlines())


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000) * 1_000_000


def at_of(logged_at: int) -> int:
    return logged_at * SECOND


def user_services() -> Mapping[str, str]:
    """By the database's user, and by the name of an access log, how bootseq calls the service."""
    return {
        "nova-api": "API",
        "nova-conductor": "conductor",
        "nova-scheduler": "scheduler",
        "placement": "placement",
        "keystone": "identity",
        "glance": "image",
        "neutron": "network",
    }
