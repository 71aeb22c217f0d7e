"""``bootseq anonymize``: nothing planted remains, equal stays equal, and the result reads as the original does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.canary_texts import canaries
from tests.support.log_traces import DIABLO, SERVICES, nova34
from tests.support.sharing import anonymize, ingest, outline, shared
from tracer.files.write import written

UUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REQUEST = "req-3f2504e0-4f89-41d3-9a0c-0305e82c3301"
HEX = "a3bb189e8bf94c4e8cf1f1f0cbbc2e11"
STAMP = "2024-03-01 10:00:01.500 101"
INFO = f"{STAMP} INFO nova.compute.manager [{REQUEST} {HEX} {HEX} - default default]"
SQL = f"{STAMP} INFO sqlalchemy.engine.Engine [-]"
INSERT = f"{SQL} INSERT INTO instances (id, display_name, host) VALUES (%s, %s, %s)"

#: Texts by the position of what is planted in them: words that must not remain.
PLANTED = {
    "bracket": (f"{STAMP} INFO nova.api [{REQUEST} kestrel plover - - -] hello", "kestrel plover"),
    "bracket with the caller's id": (f"{STAMP} INFO nova.api [None {REQUEST} kestrel plover] hello", "kestrel plover"),
    "bracket of 2011": (f"2011-11-22 07:20:55,241 AUDIT nova.x [{UUID} kestrel plover] hello", "kestrel plover"),
    "syslog's host": ("Mar  1 10:00:05 kestrel nova-compute[202]: INFO nova.x [-] hello", "kestrel"),
    "journal's host, ISO": ("2024-03-01T10:00:05+00:00 kestrel nova-compute[202]: INFO nova.x [-] hello", "kestrel"),
    "prefix of a merged log": (f"kestrel: {STAMP} INFO nova.x [-] hello", "kestrel"),
    "prefix in brackets": (f"[kestrel] {STAMP} INFO nova.x [-] hello", "kestrel"),
    "folder of grep -r": (f"kestrel/var/log/nova/nova-api.log:12:{STAMP} INFO nova.x [-] hello", "kestrel"),
    "request body": (f'{INFO} body: {{"server": {{"name": "kestrel", "key_name": "plover"}}}}', "kestrel plover"),
    "escaped body": (f'{INFO} body: "{{\\"server\\": {{\\"name\\": \\"kestrel\\"}}}}"', "kestrel"),
    "name with blanks": (f"{INFO} {{'display_name': \"Jo's first kestrel\"}} and Jo's first kestrel", "Jo's kestrel"),
    "name outside ASCII": (f'{INFO} {{"display_name": "k\\u00e9strel"}} and késtrel', "késtrel k\\u00e9strel"),
    "Python 2's texts": (f"{INFO} {{u'display_name': u'kestrel', u'host': u'plover'}}", "kestrel plover"),
    "object's representation": (f"{INFO} Instance(display_name='kestrel',host='plover')", "kestrel plover"),
    "named parameters": (f"{INFO} [generated in 0.1s] {{'host_1': 'kestrel', 'name_1': 'wren'}}", "kestrel wren"),
    "positional parameters": (f"{INSERT}\n{SQL} [generated in 0.1s] (1, 'kestrel', 'plover')", "kestrel plover"),
    "rows": (f"{SQL} Col ('instances_id', 'instances_display_name')\n{SQL} Row (1, 'kestrel')", "kestrel"),
    "claim": (f"{INFO} [instance: {UUID}] Claim successful on node kestrel", "kestrel"),
    "weighed host": (f"{INFO} Choosing host WeighedHost [host: kestrel, weight: 1.0]", "kestrel"),
    "host state": (f"{INFO} (kestrel, kestrel.moor.example) ram: 1024MB disk: 1MB", "kestrel"),
    "last host": (f"{INFO} Error from last host: kestrel (node plover): [u'Traceback']", "kestrel plover"),
    "resource tracker": (f"{INFO} Compute_service record updated for kestrel:plover", "kestrel plover"),
    "quoted host": (f"{INFO} Successfully synced instances from host 'kestrel'.", "kestrel"),
    "queue": (f"{INFO} CAST unique_id: {HEX} exchange 'nova' topic 'compute.kestrel' _send", "kestrel"),
    "volume's host": (f"{INFO} host: kestrel@fast#pool-of-wren", "kestrel pool-of-wren"),
    "option": (f"{STAMP} DEBUG oslo_service [-] host                           = kestrel log_opt_values", "kestrel"),
    "variable": ("export OS_USERNAME=kestrel\nexport OS_PROJECT_NAME=plover", "kestrel plover"),
    "arguments": ("$ openstack --os-username kestrel server create --image wren plover", "kestrel plover wren"),
    "table": ("| Field | Value |\n| OS-EXT-SRV-ATTR:host | kestrel |\n| name | plover |", "kestrel plover"),
    "list": ("| ID | Name | Status |\n| 1 | kestrel | ACTIVE |\n| 2 | plover | ERROR |", "kestrel plover"),
    "prompt": ("jo@kestrel:~/devstack$ nova list", "jo@ kestrel"),
    "home": (f"{INFO} cannot read /home/kestrel/plover", "/kestrel"),
    "URL": (f"{INFO} GET http://kestrel.moor.example:8774/v2.1 and rabbit://kestrel2:x@plover:5672/", "kestrel plover"),
    "path": (f'{INFO} 10.1.2.3 "GET /v2.1/flavors/kestrel HTTP/1.1" status: 404', "kestrel"),
    "mail": (f"{INFO} notify jo.kestrel@plover-networks.com", "jo.kestrel plover-networks"),
    "domain": (f"{INFO} kestrel.plover-networks.com is not reachable, nor is plover-networks", "kestrel plover"),
    "domain XML": ('<nova:name>kestrel</nova:name><nova:user uuid="1">plover</nova:user>', "kestrel plover"),
    "networks of a server": (f"{INFO} {{'addresses': {{'kestrel': [{{'addr': '10.1.2.3'}}]}}}}", "kestrel 10.1.2.3"),
    "zone": (f"{INFO} availability_zone='kestrel', region_name='plover'", "kestrel plover"),
    "access line": ('10.1.2.3 - kestrel [01/Mar/2024 10:00:01] "GET /v2/x HTTP/1.1" 200', "kestrel 10.1.2.3"),
    "addresses": (
        f"{INFO} 10.1.2.3 fd12:3456::7 fe80::f816:3eff:fe11:2233 fa:16:3e:11:22:33 host-10-1-2-3",
        "10.1.2.3 fd12:3456::7 3eff:fe11 fa:16:3e 10-1-2-3",
    ),
    "ids": (f"{INFO} {UUID} {UUID.upper()} {UUID.replace('-', '')} {UUID.replace('-', '_')}", "7c9e6679 7C9E c1f90ae7"),
    "devices": (f"{INFO} {UUID} tap7c9e6679-74 qvb7c9e6679-74 qbr7c9e6679-74 brq7c9e6679-74", "7c9e6679"),
    "names of domains": (f"{INFO} instance-0000abcd i-0000abcd", "0000abcd"),
    "hashes": (f"{INFO} checksum {HEX}{HEX[:8]} and {HEX}{HEX}", HEX),
    "colours": (f"\x1b[36m{STAMP} INFO nova.x [{REQUEST} jo kestrel\x1b[36m] \x1b[1mkestrel", "kestrel"),
    "escaped ends of lines": (f"{INFO} host: kestrel\n{INFO} 'no\\nkestrel\\n10.1.2.3'", "kestrel 10.1.2.3"),
    "JSON": ('{"message": "on kestrel", "hostname": "kestrel", "context": {"user_name": "wren"}}', "kestrel wren"),
    "other case": (f"{INFO} Claim successful on node kestrel\nKESTREL and Kestrel", "kestrel KESTREL Kestrel"),
}  # fmt: skip


@pytest.mark.parametrize("position", PLANTED)
def test_nothing_planted_remains(tmp_path: Path, position: str) -> None:
    text, words = PLANTED[position]
    result = shared(tmp_path, text + "\n")
    assert [word for word in words.split() if word in result] == [], result
    assert result.count("\n") == text.count("\n") + 1


def test_names_of_one_position_are_replaced_everywhere(tmp_path: Path) -> None:
    lines = [
        f"{INFO} {text}" for text in ("Claim successful on node kestrel", "kestrel failed, kestrel.log, kestrel_2")
    ]
    assert shared(tmp_path, "\n".join(lines)).count("host-1") == 4


def test_equal_stays_equal_in_every_writing(tmp_path: Path) -> None:
    result = shared(tmp_path, f"{INFO} {UUID} {UUID.replace('-', '')} tap{UUID[:11]} volume-{UUID}\n")
    token = result.split()[-4]
    assert result.split()[-4:] == [token, token.replace("-", ""), f"tap{token[:11]}", f"volume-{token}"]


def test_a_device_named_before_its_port_has_the_ports_token(tmp_path: Path) -> None:
    result = shared(tmp_path, f"{INFO} tap{UUID[:11]}\n{INFO} port {UUID}\n")
    token = result.split()[-1]
    assert f"tap{token[:11]}\n" in result


def test_tokens_keep_the_form_of_their_originals(tmp_path: Path) -> None:
    text = f"{INFO} host kestrel: host='kestrel', 10.1.2.3, fd12::7, fa:16:3e:11:22:33, {UUID}\n"
    result = shared(tmp_path, text)
    assert f"[req-00000001-0000-4000-8000-000000000001 {'00000002000040008000000000000002 ' * 2}" in result
    assert "host='host-1', 192.0.2.1, 2001:db8::1, 02:00:00:00:00:01, 00000003-0000-4000-8000-000000000003" in result


def test_what_identifies_nothing_stays(tmp_path: Path) -> None:
    text = f"""{INFO.replace(REQUEST, "-").replace(HEX, "-")} bound to 127.0.0.1, ::1, 0.0.0.0, 192.0.2.7, 255.255.255.0
2001:db8::5 00000000-0000-0000-0000-000000000000 https://docs.openstack.org/nova python-novaclient/18.13.1 0x7f18b8ad
File "/usr/lib/python3/dist-packages/nova/compute/manager.py", line 2731, in _build_and_run_instance
SELECT instances.host AS instances_host FROM instances WHERE instances.host = %(host_1)s
"""
    assert shared(tmp_path, text) == text


def test_names_that_are_ordinary_words_stay_and_are_listed(tmp_path: Path) -> None:
    path, output = tmp_path / "a.log", tmp_path / "b.log"
    text = "Mar  1 10:00:05 controller nova-compute[2]: INFO nova.compute.manager [- admin nova] compute is up\n"
    path.write_text(text)
    run = anonymize(path, output)
    assert run.exit_code == 0
    assert output.read_text() == text
    assert "not replaced, ordinary words: admin, controller, nova" in run.stdout


def test_no_token_is_an_address_that_stays(tmp_path: Path) -> None:
    result = shared(tmp_path, "10.0.0.1 then 192.0.2.1 host-1 host='kestrel'\n")
    assert result == "192.0.2.2 then 192.0.2.1 host-1 host='host-2'\n"


def test_the_result_is_anonymous_already(tmp_path: Path) -> None:
    text = "\n".join(text for text, _ in PLANTED.values() if "instance-0000" not in text) + "\n"
    first = shared(tmp_path, text)
    assert shared(tmp_path, first, "again.log") == first


def test_replaced_originals_are_counted_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(f"{INFO} Claim successful on node kestrel\n{INFO} 10.1.2.3\n")
    run = anonymize(path, tmp_path / "b.log")
    assert "4 originals replaced 8 times" in run.stdout
    assert "1 request id, 1 uuid, 1 IPv4 address, 1 host" in run.stdout


def test_many_names_and_addresses_get_tokens_of_their_own(tmp_path: Path) -> None:
    lines = [f"{INFO} host='kestrel{number:05}' 10.{number >> 8}.{number & 255}.9" for number in range(3000)]
    result = shared(tmp_path, "\n".join(lines))
    tokens = [tuple(line.split()[-2:]) for line in result.splitlines()]
    assert len(set(tokens)) == 3000
    assert len({address for _, address in tokens}) == 3000


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\n\n", b"\xff\xfe", b"{" * 50_000, b'{"a": NaN, "host": "kestrel"}\n', b"host='" + b"k" * 100_000 + b"'",
        b"a:" * 50_000, b"0123456789abcdef" * 20_000, b"1.2.3." * 20_000, b"\\n" * 50_000, b"%41" * 50_000,
        b"host = " * 20_000, b"| a " * 20_000, b'{"host": "\\ud800 kestrel"}\n', b"kestrel@" * 20_000,
        b"INSERT INTO t (" + b"a, " * 20_000 + b") VALUES\n(" + b"'x', " * 20_000 + b")\n",
    ],
    ids=lambda text: text[:12].decode(errors="replace"),
)  # fmt: skip
def test_hostile_texts_end_in_time(tmp_path: Path, text: bytes) -> None:
    path, output = tmp_path / "a.log", tmp_path / "b.log"
    path.write_bytes(text)
    run = anonymize(path, output)
    assert run.exit_code == 0, run.output
    assert b"kestrel'" not in output.read_bytes()


def test_names_of_signs_and_patterns_are_texts(tmp_path: Path) -> None:
    names = ["k.*", "(kes|trel)", "[wren]+", "a\\\\b", "k^$", "x{2}", "..kestrel..", "\\\\Qk\\\\E"]
    text = "\n".join(f'{INFO} {{"server": {{"name": "{name}"}}}} kk kestrel0 wrenwren xx' for name in names)
    result = shared(tmp_path, text)
    assert all(line.endswith(" kk kestrel0 wrenwren xx") for line in result.splitlines())


def test_bytes_that_are_no_text_stay(tmp_path: Path) -> None:
    path, output = tmp_path / "a.log", tmp_path / "b.log"
    path.write_bytes(INFO.encode() + b" \xff\xc3( host='kestrel'\r\n")
    assert anonymize(path, output).exit_code == 0
    assert output.read_bytes().endswith(b" \xff\xc3( host='host-1'\r\n")


def test_secrets_of_a_log_are_masked(tmp_path: Path) -> None:
    planted = [canary for canary in canaries() if "\n" not in canary.text]
    result = shared(tmp_path, "\n".join(f"{INFO} {canary.text}" for canary in planted))
    assert [canary.name for canary in planted if canary.secret in result] == []


def test_a_private_key_over_several_lines_is_masked(tmp_path: Path) -> None:
    body = "MIIEowIBAAKCAQEAx1kestrelAAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJ"
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    assert body not in shared(tmp_path, f"{INFO} key:\n{key}{INFO} done\n")


def test_a_packed_log_stays_packed(tmp_path: Path) -> None:
    assert shared(tmp_path, gzip.compress(f"{INFO} host='kestrel'\n".encode()), "a.log.gz").endswith("host='host-1'\n")


def test_a_cut_log_is_shared_up_to_the_cut(tmp_path: Path) -> None:
    path, output = tmp_path / "a.log.gz", tmp_path / "b.log"
    path.write_bytes(gzip.compress(f"{INFO} host='kestrel'\n".encode() * 2000)[:-20])
    run = anonymize(path, output)
    assert run.exit_code == 0
    assert "cut off" in run.stderr
    assert "kestrel'" not in output.read_text()


def test_a_journals_export_stays_one(tmp_path: Path) -> None:
    def field(name: bytes, value: bytes) -> bytes:
        return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"

    message = f"INFO nova.compute.manager [{REQUEST} jo plover] on kestrel\nand kestrel".encode()
    text = b"__REALTIME_TIMESTAMP=1709287205000000\n_HOSTNAME=kestrel\n_PID=2\n" + field(b"MESSAGE", message) + b"\n"
    path, output = tmp_path / "a.export", tmp_path / "b.export"
    path.write_bytes(text * 2)
    run = anonymize(path, output)
    assert run.exit_code == 0, run.output
    result = output.read_bytes()
    replaced = (
        b"INFO nova.compute.manager [req-00000001-0000-4000-8000-000000000001 user-1 project-1] on host-1\nand host-1"
    )
    assert b"_HOSTNAME=host-1\n" in result
    assert field(b"MESSAGE", replaced) in result
    assert b"kestrel" not in result


@pytest.mark.parametrize("content", ["", "nothing to see here\n"])
def test_a_text_without_originals_is_copied(tmp_path: Path, content: str) -> None:
    assert shared(tmp_path, content) == content


def test_an_output_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(INFO)
    run = anonymize(path, tmp_path / "missing" / "b.log")
    assert run.exit_code == 2
    assert "cannot be written" in run.stderr


@pytest.mark.parametrize("name", ["missing.log", ""])
def test_an_input_that_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    run = anonymize(tmp_path / name, tmp_path / "b.log")
    assert run.exit_code == 2
    assert "cannot be read" in run.stderr
    assert not (tmp_path / "b.log").exists()


def test_nothing_is_written_if_an_original_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.anonymize.replace.Replacer.text", lambda self, text: text)
    path, output = tmp_path / "a.log", tmp_path / "b.log"
    path.write_text(f"{INFO} host='kestrel'\n")
    run = anonymize(path, output)
    assert run.exit_code == 2
    assert "still contains" in run.stderr
    assert not output.exists()


@pytest.mark.parametrize("name", [*SERVICES, "rpc.jsonl"])
def test_a_log_of_2011_reads_the_same_anonymised_before_or_after(tmp_path: Path, name: str) -> None:
    check_same(DIABLO / name, tmp_path)


@pytest.mark.slow
def test_logs_of_nova_34_read_the_same_anonymised_before_or_after(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for number, path in enumerate(sorted([*nova34(folder).rglob("*.log"), *folder.rglob("*.jsonl")])):
        work = tmp_path / str(number)
        work.mkdir()
        check_same(path, work)


def check_same(path: Path, tmp_path: Path) -> None:
    """Check that the trace of an anonymised log is the anonymised trace of the log, up to tokens."""
    first, second, trace = tmp_path / path.name, tmp_path / "second.trace.jsonl.gz", tmp_path / "first.trace.jsonl.gz"
    assert anonymize(path, first).exit_code == 0
    original = ingest(tmp_path / "original.trace.jsonl.gz", path)
    assert anonymize(original, second).exit_code == 0
    before, after = outline(ingest(trace, first)), outline(second)
    assert len(before) == len(after)
    for left, right in zip(before, after, strict=True):
        assert left == right


def test_a_trace_keeps_its_tree(tmp_path: Path) -> None:
    trace = ingest(tmp_path / "a.trace.jsonl", *(DIABLO / name for name in SERVICES))
    run = anonymize(trace, tmp_path / "b.trace.jsonl")
    assert run.exit_code == 0, run.output
    before, after = ([json.loads(line) for line in path.read_text().splitlines()] for path in
                     (trace, tmp_path / "b.trace.jsonl"))  # fmt: skip
    for left, right in zip(before[1:], after[1:], strict=True):
        for name in ("address", "kind", "service", "start", "end", "tied_by", "opens", "witnesses", "pid"):
            assert left.get(name) == right.get(name)
    assert after[0]["boots"][0]["server"] == "server-1"
    assert after[0]["boots"][0]["outcome"] == "active"
    text = (tmp_path / "b.trace.jsonl").read_text()
    assert not any(word in text for word in ("vm1", "demo", "compute1", "d6b01029", str(DIABLO)[1:]))


def test_a_damaged_trace_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.trace.jsonl"
    with written(path) as file:
        file.write(b'{"format":"bootseq-trace","version":1}\n')
    run = anonymize(path, tmp_path / "b.trace.jsonl")
    assert run.exit_code == 2
    assert "invalid line" in run.stderr
