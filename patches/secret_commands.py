"""Commands: the arguments of programs that are secrets, in an argument vector and in a shell's line."""

from __future__ import annotations

import re
from typing import Any, Iterator

from . import secret_names

#: program -> its options. A secret follows ``-p``, in the next argument too; ``-p+`` only in the same argument; with
#: ``-u:`` a secret follows a : or %, with ``-o%`` a %; of ``word>2`` the second argument after ``word`` is one; with
#: ``*:`` one follows the colon of every argument that has one.
_PROGRAMS = {
    "mysql mysqldump mysqladmin mysqlcheck mysqlimport mysqlslap mysqlsh mysqlbinlog mysql_upgrade mariadb mariadb-dump"
    " mariadb-admin mariadb-check mariabackup xtrabackup innobackupex 7z 7za": "-p+",
    "mongo mongosh mongodump mongorestore cqlsh rabbitmqadmin racadm ilorest redfishtool useradd usermod adduser"
    " groupadd barbican clickhouse-client": "-p",
    "sqlcmd tsql isql bcp zip unzip": "-P",
    "redis-cli": "-a",
    "influx": "-password",
    "sshpass": "-p",
    "plink pscp psftp": "-pw",
    "ipmitool": "-P -K -k -y password>2",
    "ipmipower ipmiconsole ipmi-sensors ipmi-chassis ipmi-config ipmi-power ipmi-raw ipmi-sel bmc-info": "-p -k",
    "fence_ipmilan fence_idrac fence_ilo fence_ilo4 fence_ilo5 fence_apc fence_vmware_soap fence_redfish": "-p",
    "snmpget snmpgetnext snmpwalk snmpbulkwalk snmpbulkget snmpset snmptrap snmptable snmpinform snmpstatus snmpdf":
        "-c -A -X",
    "ldapsearch ldapadd ldapmodify ldapdelete ldapmodrdn ldapcompare ldapwhoami ldapexop": "-w",
    "ldappasswd": "-w -s -a",
    "slappasswd": "-s",
    "smbclient smbget smbtree rpcclient winexe": "-U: --user:",
    "mount mount.cifs mount.ceph": "-o%",
    "nvme": "-S -C --tls_key",
    "openssl": "-passin -passout -pass -k -K -hmac -macopt -1 -5 -6 -apr1",
    "ceph rbd rados radosgw-admin ceph-fuse rbd-nbd rbd-mirror rbd-fuse cephfs-shell ceph-volume": "--key config-key>3",
    "ceph-authtool": "-a --add-key",
    "curl": "-u: --user: -U: --proxy-user: -b --cookie --pass --oauth2-bearer -E: --cert:",
    "wget": "--http-user:",
    "http https": "-a: --auth:",
    "skopeo podman buildah": "--creds: --src-creds: --dest-creds:",
    "rabbitmqctl": "add_user>2 change_password>2 authenticate_user>2 encode>1 --erlang-cookie",
    "htpasswd": "-b>3 -bc>3 -cb>3 -bB>3 -bBc>3 -nb>2 -nbB>2 -nbm>2",
    "chpasswd newusers": "*:",
    "virsh secret-set-value set-user-password": "secret-set-value>2 set-user-password>3 --base64 --password",
    "vault": "login>1",
    "keytool": "-storepass -keypass -srcstorepass -deststorepass",
    "kadmin kinit": "-w -pw",
    "cinder-rtstool": "create>4 add-initiator>3",
    "wpa_passphrase": "wpa_passphrase>2",
    "mkpasswd": "mkpasswd>1",
    "etcdctl": "--user:",
    "openstack": "--payload",
    "swift": "-K --key",
    "xfrm": "enc>2 auth>2 auth-trunc>3 aead>2",
    "cryptsetup psql pg_dump iscsiadm sudo tgtadm": "",
}  # fmt: skip
_OPTIONS = {program: options.split() for programs, options in _PROGRAMS.items() for program in programs.split()}
PROGRAMS = frozenset(_OPTIONS)
_DASHED = {
    program: dict.fromkeys(option for option in options if option[0] == "-" and ">" not in option)
    for program, options in _OPTIONS.items()
}
#: word -> the argument after it that is a secret; ``*:`` stands for itself
_ARGUMENTS = {
    program: {
        word: int(count or 0)
        for word, _, count in (option.partition(">") for option in options)
        if count or word == "*:"
    }
    for program, options in _OPTIONS.items()
}

#: A program's name is all there is between two other signs; a folder's name is none.
_TOKEN = re.compile(r"[\w.-]+/?")
#: These are also the beginnings of URLs.
_SCHEMES = frozenset(("http", "https"))
_OTHERS = PROGRAMS - _SCHEMES
_is_httpie = re.compile(r"https?(?![\w.-]|://)(?:(?<![\w.-]http)|(?<![\w.-]https))").search
_WORD = re.compile(r"(?:'[^'\n]{0,1000}'|\"[^\"\n]{0,1000}\"|[^\s'\"]|['\"])+")
_EDGES = "[](){},'\"\\`"
_ENDS = re.compile(r"\n|\s\|\s|;(?=\s|\Z)|&&")
#: No command is longer, in characters.
_MAX_LINE = 4000
_MAX_WORDS = 200
#: Options whose argument is the value of the setting that another one names.
_SETTINGS, _VALUES = frozenset(("-n", "--name", "--option", "--setting")), ("-v", "--value")
_PIPED = re.compile(
    r"(?P<before>\b(?:echo|printf)\s{1,4}(?:-[neE]{1,3}\s{1,4}|['\"]?%s(?:\\+n)?['\"]?\s{1,4})?)"
    r"(?:\\*'[^'\n]{0,500}'|\\*\"[^\"\n]{0,500}\"|[^\s|]{1,500})"
    r"(?P<after>\s{0,4}\|\s{0,4}(?:sudo\s{1,4}(?:-\S{1,20}\s{1,4}){0,4})?\S{0,40}"
    r"(?:cryptsetup|passwd|su|sudo|kinit|docker|podman|openssl|gpg|mysql|rabbitmqctl)\b)"
)
_HERE = re.compile(r"(?<=<<<)(\s{0,4})(?:'[^'\n]{0,500}'|\"[^\"\n]{0,500}\"|[^\s'\"]{1,500})")


def masked_line(text: str, mask: str) -> str:
    """Return ``text`` with the secrets masked that it gives to programs."""
    parts = []
    copied = line_end = 0
    for program in _programs(text):
        if program.start() < line_end:
            continue
        last = min(len(text), program.start() + _MAX_LINE)
        end = _ENDS.search(text, program.end(), last)
        line_end = end.start() if end is not None else last
        for start, stop in _spans(text, _begin(text, program), line_end):
            parts.append(text[copied:start])
            parts.append(mask)
            copied = stop
    parts.append(text[copied:])
    return _without_input("".join(parts), mask)


def _programs(text: str) -> list[re.Match[str]]:
    """Return the programs of the table that ``text`` names."""
    return [token for token in _TOKEN.finditer(text) if token[0] in PROGRAMS] if names_program(text) else []


def _begin(text: str, program: re.Match[str]) -> int:
    """Return the offset of a command's first word: of its quote where it alone is quoted, as in a list of arguments."""
    start, end = program.span()
    quote = text[start - 1 : start]
    return start - 1 if quote and quote in "'\"" and text[end : end + 1] == quote else start


def _without_input(text: str, mask: str) -> str:
    """Mask what a program is given on its standard input in the same line."""
    if "|" in text:
        text = _PIPED.sub(lambda piped: piped["before"] + mask + piped["after"], text)
    return _HERE.sub(r"\1" + mask, text) if "<<<" in text else text


def _spans(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each secret of one command."""
    words: list[str] = []
    offsets = []
    for word in _WORD.finditer(text, start, stop):
        core = word[0].strip(_EDGES)
        if core and len(words) < _MAX_WORDS:
            words.append(core)
            offsets.append(word.start() + word[0].index(core))
    for index, offset in sorted(secret_parts(words).items()):
        if offset < len(words[index]):
            yield offsets[index] + offset, offsets[index] + len(words[index])


def secret_parts(words: list[Any]) -> dict[int, int]:
    """Return the words of a command that are secrets: index -> the first character that is one."""
    parts: dict[int, int] = {}
    options: dict[str, None] = {}
    arguments: dict[str, int] = {}
    setting = False
    for index, word in enumerate(words):
        if type(word) is not str:
            continue
        name = word.rpartition("/")[2]
        if name in PROGRAMS:
            options.update(_DASHED[name])
            arguments.update(_ARGUMENTS[name])
        if word.startswith("-") and "=" not in word and len(word) < 80:
            if secret_names.secret_key(word.lstrip("-")):
                parts.setdefault(index + 1, 0)
        elif not setting and ("." in word[:200] or _is_setting(words[index - 1 : index])) and " " not in word:
            setting = secret_names.secret_key(word[:200])
        if word.startswith("-"):
            for option in options:
                _apply(option, index, words, parts)
        if name in arguments:
            parts.setdefault(index + arguments[name], 0)
        if "*:" in arguments and ":" in word and word[:1] != "-" and "://" not in word:
            parts.setdefault(index, word.index(":") + 1)
    if setting:
        parts.update({index + 1: 0 for index, word in enumerate(words) if type(word) is str and word in _VALUES})
    return {index: offset for index, offset in parts.items() if index < len(words)}


def _is_setting(before: list[Any]) -> bool:
    """Return whether an option that names a setting precedes a word."""
    return bool(before) and type(before[0]) is str and before[0] in _SETTINGS


def _apply(option: str, index: int, words: list[str], parts: dict[int, int]) -> None:
    """Note the secrets that one option of the table reports for the word at ``index``."""
    word, name = words[index], option.rstrip("+:%")
    if not word.startswith(name):
        return
    if word == name:
        if option[-1] != "+" and index + 1 < len(words):
            _note(option, index + 1, 0, words, parts)
    elif word.startswith(name + "="):
        _note(option, index, len(name) + 1, words, parts)
    elif len(name) == 2 and word[2:].lower() not in ("", "assword"):
        _note(option, index, 2, words, parts)


def _note(option: str, index: int, offset: int, words: list[str], parts: dict[int, int]) -> None:
    """Note a secret that begins at ``offset`` of the word, or after its user's name."""
    if option[-1] in ":%":
        word: Any = words[index]
        signs = [] if type(word) is not str else [word.find("%", offset)]
        if option[-1] == ":" and signs:
            signs.append(word.find(":", offset))
        signs = [sign for sign in signs if sign >= 0]
        if not signs:
            return
        offset = min(signs) + 1
    parts.setdefault(index, offset)


def names_program(text: str) -> bool:
    """Return whether ``text`` names a program of the table; ``http://`` is none."""
    if not _OTHERS.isdisjoint(_TOKEN.findall(text)):
        return True
    return "http" in text and _is_httpie(text) is not None
