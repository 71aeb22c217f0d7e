"""Names in the positions of a log's lines: brackets, prefixes, URLs, paths, prompts, Nova's own messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracer.anonymize.ordinary import is_ordinary

_HOST = r"[A-Za-z0-9](?:[\w.-]{0,250}\w)?"
_bracket = re.compile(
    r"\[(?:(?:None|-|req-[0-9a-f-]{36}|[0-9a-f]{8}-[0-9a-f-]{27}) ){1,2}([^\]\[\s'\":]+(?: [^\]\[\s'\":]+){0,6})\]"
).finditer
_BRACKET_KINDS = ("user", "project", "domain", "domain", "domain", "domain", "domain")
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_syslog = [
    re.compile(rf"{date} ({_HOST}) [\w@./()-]+(?:\[[0-9]+\])?:").search
    for date in (
        rf"[JFMASOND][a-z]{{2}} [ 0-3][0-9] {_TIME}(?:\.[0-9]{{3,6}})?",
        rf"[12][0-9]{{3}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}(?:\.[0-9]+)?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})",
    )
]
_url = re.compile(
    r"://(?:(?P<user>[^\s/@:'\"\\]{1,64})(?::[^\s/@'\"\\]{0,200})?@)?(?P<host>[A-Za-z0-9][\w.-]{0,250})"
).finditer
#: A resource that a request's path names.
_resource = re.compile(
    r"/v[0-9][0-9.]*(?:/[\w-]{1,64})?/(server|flavor|image|network|volume|project|user)s/"
    r"(?!(?:detail|defaults|action)\b)([A-Za-z][\w.-]{0,254})"
).finditer
_more_hosts = re.compile(rf",(?:[^\s/@:,]{{1,64}}:[^\s/@,]{{1,200}}@)({_HOST}):[0-9]+").finditer
_home = re.compile(r"(?:/home/|/Users/|\\Users\\|/users/)(\w[\w.-]{0,63})").finditer
_mail = re.compile(
    r"(?<![\w.+-])(?P<user>\w[\w.+-]{0,63}+)@(?P<site>[A-Za-z0-9][\w-]{0,62}(?:\.[A-Za-z0-9][\w-]{0,62}){1,8})"
).finditer
_UNITS = (".service", ".socket", ".timer", ".slice", ".mount", ".target", ".scope")
_login = re.compile(
    r"(?<![\w.+-])(?P<user>[a-z_]\w{0,31})@(?P<host>[A-Za-z][\w-]{0,62}(?:\.[\w-]{1,63}){0,8})"
    r"(?=[: ]{1,2}[~/]|[: ][^\n]{0,80}[$#] )"
).finditer
_broker = re.compile(r"\b(?:rabbit|cloud|root|stack|ubuntu|centos|nova|heat-admin)@([A-Za-z][\w.-]{1,250})").finditer
_access = re.compile(r"[0-9.]{7,15} (?:-|\S{1,64}) (\w[\w.@-]{0,63}) \[[0-9]{2}/").finditer
#: Ends of domain names; those in ``sure`` end no name of Python's or SQL's.
_domain = re.compile(
    r"\.(?:(?P<sure>com|org|edu|gov|mil|de|uk|fr|ch|nl|eu|cz|se|fi|dk|pt|br|ru|cn|jp|kr|au|ca)"
    r"|net|io|local|internal|lan|corp|intra|intranet|localdomain|cloud|dev|at|es|us|it|be|info|home|arpa"
    r"|novalocal|openstacklocal|example|test)(?![\w(-]|\.\w)"
).finditer
_before_domain = re.compile(
    r"(?<![\w./@-])[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,8}\Z"
).search
_MAX_DOMAIN = 253
_KIND = r"(?:[Hh]ost|[Nn]ode|[Hh]ypervisor|[Aa]gent|[Ss]erver|[Cc]hassis|[Mm]achine)"
#: Messages that name hosts: a part of each, and the message from that part on.
_SENTENCES = [
    (part, re.compile(pattern).finditer)
    for part, pattern in (
        (" on node ", rf"(?:successful|[Bb]uild(?:ing)?|[Ss]pawn(?:ing)?|claim) on node ({_HOST})"),
        ("Error from last host: ", rf"Error from last host: ({_HOST}) \(node ({_HOST})\)"),
        (") ram:", rf"\(({_HOST}), ({_HOST})\) ram:"),
        ("record ", rf"record (?:created|updated) for ({_HOST}):({_HOST})"),
        (" (node: ", rf"(?:resources|view) for (?:node:? )?({_HOST}) \(node: ({_HOST})\)"),
        ("view: name=", rf"view: name=({_HOST})"),
        ("host: ", rf"host: ({_HOST})[],]"),
        ("qemu", rf"qemu(?:\+\w{{1,9}})?://(?:\w{{1,32}}@)?({_HOST})/"),
        ("Host ", rf"Host ({_HOST}) (?:is not|is mapped|has been|does not|fails|passes)"),
        ("Casted to ", rf"Casted to [a-z]{{1,20}} ({_HOST}) for"),
        ("sosreport-", rf"sosreport-({_HOST})-20[0-9]{{2}}-"),
    )
]
_quoted = re.compile(rf"{_KIND}s?:? (?:is |named |called )?[\[(]?u?\\*['\"]({_HOST})\\*['\"]").finditer
#: The like in other messages, where any word may follow: names are recognised by a digit or a dash.
_loose = re.compile(rf"{_KIND} ({_HOST})").finditer
_before_loose = re.compile(r"\b(?:on|from|to|for|of|at|by|via) (?:the )?(?:[a-z]{1,20} )?\Z").search
_REACH = 40
_topic = re.compile(
    r"(?:compute|compute-alt|conductor|scheduler|network|volume|cert|console|consoleauth|cinder-volume"
    r"|cinder-scheduler|cinder-backup|l3_agent|dhcp_agent|q-[a-z-]{1,40})\.[\w.@-]{0,250}\w"
).finditer
_before_topic = re.compile(r"\b(?:on|to|target|topic|queue|from) ['\"]?\Z").search
_filtered = re.compile(r"[\[(]\(?u?'([\w.-]{1,253})', u?'([\w.-]{1,253})'\)").finditer
_COMMAND = re.compile(
    r"\b(?:openstack|nova|neutron|cinder|glance|keystone)\b[^\n|]{0,2000}?\b(server|boot|volume|network|image|flavor|keypair|"
    r"aggregate|project|user|subnet|port)[ -]?(?:create|show|delete|list|set|start|stop|rebuild|resize|migrate|boot)?\b"
    r"[^\n|]{0,2000}? (?P<last>[\w.-]{1,255})\s*$"
)
_option = re.compile(
    r"--(?:os-)?(username|user|project-name|project|tenant-name|image|flavor|network|key-name|availability-zone|"
    r"region-name|host|node)[ =]([\w.@-]{1,255})"
).finditer
_OPTION_KINDS = {
    "username": "user", "user": "user", "project-name": "project", "project": "project", "tenant-name": "project",
    "key-name": "keypair", "availability-zone": "zone", "region-name": "region", "node": "host",
}  # fmt: skip
#: What precedes the time of a line: a host or a file's path.
_prefix = re.compile(
    r"(?P<prefix>[^\s:|\[\]]{1,200}|\[[^\s\]]{1,200}\])(?::[0-9]+)?[:|\]-]{0,2}\s{0,3}\|?\s?"
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]{_TIME}"
).match
_FILE = re.compile(r"\.(?:log|txt|gz|xz|zst|json|export|out|err)(?:\W|\Z)|[0-9]\Z")
_SERVICE = re.compile(
    r"(?i)(?:nova|neutron|cinder|glance|keystone|placement|openstack|devstack|screen|pod|container|unit)\b"
)
_VERSION = re.compile(r"[0-9.]*\Z")


def host_of_topic(topic: str) -> str:
    """Return the host in the name of a queue, ``compute.HOST``, ``cinder-volume.HOST@BACKEND``, "" if it has none."""
    for action in ("deliver.", "publish."):
        topic = topic.removeprefix(action)
    name, dot, host = topic.partition(".")
    host = host.partition("@")[0]
    return "" if not dot or not name or "/" in topic or ":" in topic or _VERSION.match(host) else host


def names(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, name) for the positions in a text that hold names."""
    if "[" in text:
        for match in _bracket(text):
            yield from zip(_BRACKET_KINDS, match[1].split(), strict=False)
    yield from _at_times(text)
    if "/v" in text:
        yield from ((match[1], match[2]) for match in _resource(text))
    if "://" in text:
        for match in _url(text):
            yield "host", match["host"]
            if match["user"]:
                yield "user", match["user"]
        yield from (("host", match[1]) for match in _more_hosts(text))
    if "ome/" in text or "sers" in text:
        yield from (("user", match[1]) for match in _home(text))
    if "@" in text:
        yield from _with_at(text)
    for match in _domain(text):
        before = _before_domain(text[max(match.start() - _MAX_DOMAIN, 0) : match.start()])
        if before is not None and (
            match["sure"] or "-" in before[0] or any(map(str.isdigit, before[0].partition(".")[0]))
        ):
            yield "host", before[0] + match[0]
    yield from _sentences(text)
    if "--" in text or "openstack " in text or " boot " in text:
        yield from _command(text)


def _at_times(text: str) -> Iterator[tuple[str, str]]:
    for search in _syslog:
        match = search(text)
        if match is not None:
            yield "host", match[1]
    before = _prefix(text)
    if before is not None:
        yield from (("host", word) for word in _prefix_words(before["prefix"].strip("[]")))
    if "/20" in text:
        yield from (("user", access[1]) for access in _access(text))


def _prefix_words(prefix: str) -> Iterator[str]:
    """Yield the words of a path, or the word, before a line's time that are neither files nor services."""
    for word in prefix.split("/"):
        if not _SERVICE.match(word) and (not _FILE.search(word) or not ("." in word or "/" in prefix)):
            yield word


def _with_at(text: str) -> Iterator[tuple[str, str]]:
    for match in _mail(text):
        if not match[0].endswith(_UNITS) and not match[0].startswith("cinder-"):
            yield "user", match["user"]
            yield "host" if match["site"].count(".") > 1 else "site", match["site"]
    for match in _login(text):
        yield "user", match["user"]
        yield "host", match["host"]
    yield from (("host", match[1]) for match in _broker(text))


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    for part, find in _SENTENCES:
        if part in text:
            for match in find(text):
                yield from (("host", group) for group in match.groups())
    if any(kind in text for kind in ("ost", "ode", "ypervisor", "gent", "erver", "hassis", "achine")):
        for match in _quoted(text):
            yield "host", match[1]
        yield from _loosely(text)
    if "topic" in text or "queue" in text or "target" in text or "cast" in text:
        for match in _topic(text):
            if _before_topic(text[max(match.start() - _REACH, 0) : match.start()]):
                yield "host", host_of_topic(match[0])
    if "Filter results" in text or "WeighedHost" in text:
        for match in _filtered(text):
            yield from (("host", group) for group in match.groups() if not group.endswith("Filter"))


def _loosely(text: str) -> Iterator[tuple[str, str]]:
    for match in _loose(text):
        is_name = any(map(str.isdigit, match[1])) or "-" in match[1]
        if is_name and _before_loose(text[max(match.start() - _REACH, 0) : match.start()]):
            yield "host", match[1]


def _command(text: str) -> Iterator[tuple[str, str]]:
    for match in _option(text):
        yield _OPTION_KINDS.get(match[1], match[1]), match[2]
    command = _COMMAND.search(text) if "openstack " in text or " boot " in text else None
    if command is not None and not is_ordinary(command["last"]):
        yield {"boot": "server"}.get(command[1], command[1]), command["last"]
