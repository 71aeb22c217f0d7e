"""``bootseq diff`` from outside: exit codes, reports, and inputs without a verdict."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.builders import call, failed_boot, http, small_boot, sql, step
from tests.test_tracer_cli import bootseq, refused
from tests.test_tracer_files import full_disk
from tracer import notices, trace_file
from tracer.diff.baseline.normalise import normal
from tracer.diff.baseline.writer import written
from tracer.model import Request, Step, Trace

Traced = Callable[..., Path]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    """Return a function that writes boots, or other requests, as a trace file."""

    def write(name: str, *boots: Request, warnings: tuple[str, ...] = (), others: tuple[Request, ...] = ()) -> Path:
        for number, boot in enumerate([*boots, *others], 1):
            boot.number = number
        trace_file.write(tmp_path / name, Trace(list(boots), list(others), {"nova": "34.0.0"}, list(warnings)))
        return tmp_path / name

    return write


def boots(count: int, *more: Step, **fields: str) -> list[Request]:
    """Return this many successful boots, with ``more`` steps at the end of their first chapters."""
    requests = []
    for number in range(1, count + 1):
        boot = small_boot()
        boot.server = f"vm{number}"
        boot.operation = "boot"
        for position, added in enumerate(more, 90):
            _add(boot, added, position)
        for name, value in fields.items():
            setattr(boot, name, value)
        requests.append(boot)
    return requests


def _add(boot: Request, added: Step, position: int) -> None:
    added.address = f"1-1-{position}" if added.numbered else f"1-1/{position}"
    added.start, added.end = boot.chapters[0].end or 0, (boot.chapters[0].end or 0) + 1000
    boot.chapters[0].children[0].children.append(added)


def deletion() -> Request:
    """Return a delete, which is no boot."""
    boot = small_boot()
    boot.operation, boot.server, boot.outcome = "DELETE /v2.1/servers/7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11", "", "done"
    head = http("client", "API", "DELETE", "/v2.1/servers/7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11", status=204)
    head.address, head.children = "1", []
    head.start, head.end = 5, 6
    boot.chapters = [head]
    return boot


def failed() -> Request:
    """Return a small boot that ends where the scheduler selects no host."""
    boot = small_boot()
    boot.operation, boot.outcome = "boot", "error: NoValidHost: No valid host was found."
    boot.chapters = boot.chapters[:2]
    boot.chapters[1].error = "NoValidHost: none"
    boot.chapters[1].children = boot.chapters[1].children[:1]
    boot.chapters[1].children[0].error = "NoValidHost: none"
    return boot


NEW = call("API", "nova.compute.api:API._enforce_create_unified_limits")


def test_equal_traces_are_the_same(traced: Traced) -> None:
    """A single boot, several, a file and itself: exit code 0."""
    single, many = traced("one.jsonl", *boots(1)), traced("many.jsonl.gz", *boots(4))
    for old, new in [(single, single), (single, many), (many, single), (many, many)]:
        done = bootseq("diff", old, new)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("same")


def test_an_added_step_is_a_difference(traced: Traced) -> None:
    """Exit code 1; the change has its class, both addresses and its parent."""
    old, new = traced("old.jsonl", *boots(2)), traced("new.jsonl", *boots(2, NEW))
    done = bootseq("diff", old, new)
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.startswith("differs: 1 fail")
    report = json.loads(bootseq("diff", old, new, "--format", "json").stdout)
    assert report["verdict"] == "differs"
    (change,) = report["changes"]
    assert {key: change[key] for key in ("class", "severity", "old", "new")} == {
        "class": "added", "severity": "fail", "old": "", "new": "1-1-90",
    }  # fmt: skip
    assert "_enforce_create_unified_limits() in POST /v2.1/servers: 202" in change["text"]
    assert bootseq("diff", new, old).stdout.startswith("differs: 1 fail")
    assert "removed" in bootseq("diff", new, old).stdout


def test_a_librarys_own_statements_are_no_difference(traced: Traced) -> None:
    old = traced("old.jsonl", *boots(1))
    begin = sql("API", "BEGIN", database="nova", fingerprint="3598517c826f")
    done = bootseq("diff", old, traced("new.jsonl", *boots(1, begin)))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "same: 1 ignored")


def test_policies_allow_and_fail_changes(traced: Traced, tmp_path: Path) -> None:
    """Later files win; entries without effect are reported."""
    old, new = traced("old.jsonl", *boots(1)), traced("new.jsonl", *boots(1, NEW))
    mild, strict = tmp_path / "mild.yaml", tmp_path / "strict.yaml"
    mild.write_text(
        "version: 1\nallow:\n"
        "- {class: added, text: '*unified_limits*', reason: new in 34, until: 2999-01-01}\n"
        "- {class: removed, text: '*gone*', reason: went in 33, until: 2001-01-01}\n"
    )
    strict.write_text("version: 1\nrules:\n- {service: libvirt, severity: fail, reason: ours}\n")
    done = bootseq("diff", old, new, "--policy", mild, "--policy", strict)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "same: 1 noted")
    assert done.stderr.splitlines() == [
        f"bootseq: note: {mild}:4: expired on 2001-01-01, nothing left that it would allow: went in 33",
        f"bootseq: note: {strict}:3: ours: fits no change",
    ]
    details = bootseq("diff", old, new, "--policy", mild, "--details").stdout
    assert "new in 34" in " ".join(details.split())
    strict.write_text("version: 1\nclasses: {added: warn}")
    assert bootseq("diff", old, new, "--policy", strict).stdout.startswith("same: 1 warn")


@pytest.mark.parametrize("text", ["version: 1\nrules:\n- {class: ad}", "\xff", ""])
def test_a_malformed_policy_is_refused_before_traces_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_bytes(text.encode("latin-1"))
    assert refused("diff", "none", "none", "--policy", tmp_path / "p.yaml").startswith(f"{tmp_path / 'p.yaml'}:")
    assert refused("diff", "none", "none", "--policy", tmp_path / "q").endswith(
        "q: cannot be read: No such file or directory"
    )


def test_reports_are_written_by_suffix(traced: Traced, tmp_path: Path) -> None:
    """Several at once; the exit code is the verdict's in every format."""
    old, new = traced("old.jsonl", *boots(1)), traced("new.jsonl", *boots(1, NEW))
    files = [tmp_path / f"r.{suffix}" for suffix in ("txt", "md", "json", "xml", "html")]
    done = bootseq("diff", old, new, *(word for file in files for word in ("-o", file)))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [f"{file}: {file.stat().st_size / 1000:.0f} kB" for file in files]
    assert json.loads(files[2].read_text())["verdict"] == "differs"
    assert ElementTree.parse(files[3]).getroot().get("failures") == "1"
    for format_ in ("text", "markdown", "json", "junit", "html"):
        printed = bootseq("diff", old, new, "--format", format_)
        assert printed.exit_code == 1
        assert "_enforce_create_unified_limits" in printed.stdout
    assert bootseq("diff", old, new, "-o", tmp_path / "odd", "--format", "json").exit_code == 1
    assert json.loads((tmp_path / "odd").read_text()) == json.loads(files[2].read_text())


def test_a_report_that_cannot_be_written_leaves_the_earlier_file(traced: Traced, tmp_path: Path) -> None:
    """Exit code 2, and no other file is left."""
    old = traced("old.jsonl", *boots(1))
    (tmp_path / "r.json").write_text("earlier")
    before = sorted(os.listdir(tmp_path))
    line = refused("diff", old, old, "-o", tmp_path / "r.bmp")
    assert line.endswith("r.bmp: unknown report suffix; use one of .txt, .md, .json, .xml, .html, or pass --format")
    assert refused("diff", old, old, "-o", tmp_path / "no" / "r.md").endswith(
        "cannot be written: No such file or directory"
    )
    with full_disk():
        assert refused("diff", old, old, "-o", tmp_path / "r.json").endswith("cannot be written: File too large")
    assert (tmp_path / "r.json").read_text() == "earlier"
    assert sorted(os.listdir(tmp_path)) == before


def test_colour_is_used_on_request_or_on_a_terminal(traced: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runner is no terminal."""
    old, new = traced("old.jsonl", *boots(1)), traced("new.jsonl", *boots(1, NEW))
    assert "\x1b[" in bootseq("diff", old, new, "--colour", "always").stdout
    assert "\x1b[" in bootseq("diff", old, new, "--color", "always").stdout
    assert "\x1b[" not in bootseq("diff", old, new).stdout
    assert "\x1b[" not in bootseq("diff", old, new, "--colour", "never").stdout


def test_chosen_boots_are_compared(traced: Traced) -> None:
    """Two boots of one file; other requests by number, and only with the same kind of request."""
    file = traced("t.jsonl", *boots(1), *boots(1, NEW), others=(deletion(), deletion()))
    assert bootseq("diff", file, file, "--old-boot", "1", "--new-boot", "2").exit_code == 1
    assert bootseq("diff", file, file, "--old-boot", "2", "--new-boot", "2").exit_code == 0
    assert bootseq("diff", file, file, "--old-boot", "3", "--new-boot", "4").exit_code == 0
    line = refused("diff", file, file, "--new-boot", "3")
    assert line.startswith(f"cannot compare different requests: {file} holds boot, {file} DELETE /v2.1/")
    assert refused("diff", file, file, "--old-boot", "9") == f"{file} holds no boot '9'; see: bootseq list {file}"
    mixed = refused("diff", file, file, "--old-boot", "1", "--old-boot", "3")
    assert mixed.endswith("DELETE /v2.1/servers/{id} and boot are different requests; choose some with --old-boot")


def test_a_baseline_may_be_either_side(traced: Traced, tmp_path: Path) -> None:
    """Through a pipe too. A baseline names no operation: another request has no step in common."""
    old, new = traced("old.jsonl", *boots(1)), traced("new.jsonl", *boots(1, NEW), others=(deletion(),))
    text = tmp_path / "34.baseline"
    text.write_text(written(normal(boots(1)[0])))
    assert bootseq("diff", text, old).exit_code == 0
    assert bootseq("diff", old, text).exit_code == 0
    assert bootseq("diff", text, text).exit_code == 0
    assert bootseq("diff", text, new).exit_code == 1
    assert refused("diff", text, new, "--new-boot", "2") == (
        f"{text} and {new} have no step in common; compare requests of one kind"
    )
    assert refused("diff", text, new, "--old-boot", "1").endswith("so it has no boots to choose from; omit --old-boot")
    command = f"{sys.executable} -m tracer diff <(cat {text}) {new}"
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=False).returncode == 1


def test_an_outline_written_by_hand_is_checked_against_the_boot(traced: Traced, tmp_path: Path) -> None:
    """Only as OLD; a step that is missing in the boot is reported with its line of the outline."""
    outline, new = tmp_path / "boot.outline", traced("new.jsonl", *boots(1))
    outline.write_text(bootseq("show", new).stdout)
    assert bootseq("diff", outline, new).exit_code == 0
    first, chapter, others = outline.read_text().partition("\n2. ")
    more = "\n1-1-1-9. compute/api.py.API -> resize()\n1-1-1-10. self.rebuild()\n- if: asked for"
    outline.write_text(first + more + chapter + others)
    done = bootseq("diff", outline, new, "--format", "json")
    changes = {change["class"]: change for change in json.loads(done.stdout)["changes"]}
    assert (done.exit_code, set(changes)) == (1, {"missing", "unmet"})
    assert changes["missing"]["text"] == "compute/api.py.API -> resize() is written and does not happen"
    assert changes["missing"]["where"].startswith("boot.outline:")
    assert changes["unmet"]["severity"] == "note"
    assert refused("diff", new, outline).endswith("an outline can only be OLD, which NEW is checked against")


def test_a_failed_boot_differs_by_its_outcome_and_its_errors(traced: Traced) -> None:
    """Not by the hundred steps that did not run. Two boots with the same failure are the same."""
    good, bad = traced("old.jsonl", *boots(2)), traced("new.jsonl", failed())
    report = json.loads(bootseq("diff", good, bad, "--format", "json").stdout)
    assert report["verdict"] == "differs"
    fails = [change for change in report["changes"] if change["severity"] == "fail"]
    assert fails[0]["text"] == "the boot ended active, and now error"
    assert {change["class"] for change in fails} == {"outcome", "error"}
    assert "removed" in {change["class"] for change in report["changes"] if change["severity"] == "ignore"}
    assert bootseq("diff", bad, good).exit_code == 1
    assert bootseq("diff", bad, bad).exit_code == 0


def test_a_failed_boot_among_many_is_a_difference_on_the_new_side(traced: Traced) -> None:
    """The steps compared are those of the successful boots; on the old side it is no difference."""
    good, mixed = traced("old.jsonl", *boots(3)), traced("new.jsonl", *boots(2), failed())
    done = bootseq("diff", good, mixed)
    assert done.exit_code == 1
    assert done.stdout.startswith("differs: 1 fail\n")
    assert "the boot ended active, and now active or error" in " ".join(done.stdout.split())
    assert done.stderr == (f"bootseq: warning: {mixed}: of 3 boots 2 active, 1 error; the steps are those of active\n")
    assert bootseq("diff", mixed, good).exit_code == 0


def test_an_incomplete_recording_is_never_the_same(traced: Traced) -> None:
    """It can differ by the steps that it has; only --partial accepts it as the same.

    Corrected clocks, and heartbeats of no request, do not make a recording incomplete.
    """
    lost = "nova-compute (pid 7): 3 events dropped, the capture or the disk was full"
    old, new = traced("old.jsonl", *boots(1)), traced("new.jsonl", *boots(1), warnings=(lost,))
    untold = "cannot decide: no failing change found, but the recording is incomplete; record again or pass"
    untold += " --partial"
    done = bootseq("diff", old, new, "-o", old.with_name("r.md"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"bootseq: warning: {new}: {lost}", f"bootseq: {untold}"]
    assert not old.with_name("r.md").exists()
    assert bootseq("diff", new, old).exit_code == 2
    taken = bootseq("diff", old, new, "--partial")
    assert (taken.exit_code, taken.stderr) == (0, f"bootseq: warning: {new}: {lost}\n")
    other = traced("other.jsonl", *boots(1, NEW), warnings=(lost,))
    assert bootseq("diff", old, other).exit_code == 1
    beats = "26 SQL statements of 69 in the logs tied to no request: 24 periodic, 2 start-up"
    clock = "host b: its clock is 1.000 s ahead, corrected"
    corrected = notices.clock_corrected("host b", "host a", 10**9, 3).text
    periodic = notices.statements_unassigned({"periodic": 2}, 69).text
    fine = traced("fine.jsonl", *boots(1), warnings=(clock, beats, corrected, periodic))
    assert bootseq("diff", old, fine).exit_code == 0
    unknown = "3 SQL statements of 69 in the logs tied to no request: 1 unknown, 2 periodic"
    assert bootseq("diff", old, traced("unknown.jsonl", *boots(1), warnings=(unknown,))).exit_code == 2


def test_an_unfinished_boot_differs_from_a_finished_one(traced: Traced) -> None:
    """Two unfinished boots cannot be compared."""
    good, cut = traced("old.jsonl", *boots(1)), traced("cut.jsonl", *boots(1, outcome="unfinished"))
    assert bootseq("diff", good, cut).exit_code == 1
    done = bootseq("diff", cut, cut)
    assert done.exit_code == 2
    assert f"{cut}: boot 1 had not ended when the recording did" in done.stderr


@pytest.mark.parametrize("side", ["old", "new"])
def test_an_invalid_side_is_refused_in_one_line(traced: Traced, tmp_path: Path, side: str) -> None:
    """Empty, foreign, newer, torn, missing, or a folder: never the same, not even as itself."""
    good = traced("good.jsonl.gz", *boots(1))
    whole = gzip.decompress(good.read_bytes())
    header = json.loads(whole.splitlines()[0])
    (tmp_path / "empty").touch()
    (tmp_path / "foreign.json").write_text("{}")
    (tmp_path / "words").write_text("just words\n")
    (tmp_path / "bytes").write_bytes(os.urandom(500))
    (tmp_path / "newer").write_text(json.dumps(header | {"version": 99}) + "\n")
    (tmp_path / "torn").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "torn.gz").write_bytes(good.read_bytes()[:-20])
    (tmp_path / "later.baseline").write_text("# bootseq baseline 99\n1. GET /: 200\n")
    (tmp_path / "empty.baseline").write_text("# bootseq baseline 2\n# outcome: active\n")
    (tmp_path / "broken.baseline").write_bytes(b"# bootseq baseline 2\n\n1. GET /: 200\n\xff\n")
    traced("nothing")
    traced("no-boot", others=(deletion(),))
    hollow = failed_boot()
    hollow.chapters, hollow.operation = [], "boot"
    traced("hollow", hollow)
    for name, reason in [
        ("none", "none: cannot be read: No such file or directory"),
        ("", ": a folder, not a trace file; make one with: bootseq ingest -o FILE "),
        ("empty", "empty: not a trace file, a baseline or an outline; make a trace file with: "),
        ("foreign.json", "foreign.json: not a bootseq trace file; "),
        ("words", "words: not a trace file, a baseline or an outline"),
        ("bytes", "bytes: not a trace file, a baseline or an outline"),
        ("newer", "newer: trace format 99, this bootseq reads 1"),
        ("torn", "torn:"),
        ("torn.gz", "torn.gz: cut off or damaged"),
        ("later.baseline", "later.baseline:1: a baseline of version 99; this bootseq reads up to 2"),
        ("empty.baseline", "empty.baseline holds no steps"),
        ("broken.baseline", "broken.baseline: not UTF-8"),
        ("nothing", "nothing holds no boots"),
        ("no-boot", f"no-boot holds no boots; choose another request with --{side}-boot and its number (see: "),
        ("hollow", "hollow holds no steps"),
    ]:
        bad = tmp_path / name
        assert reason in refused("diff", *((bad, good) if side == "old" else (good, bad)))
        refused("diff", bad, bad)


def test_terminal_escapes_in_a_trace_are_not_printed(traced: Traced) -> None:
    old = traced("old.jsonl", *boots(1))
    bad = step("call", "API", name="\x1b]0;owned\x07evil")
    new = traced("new.jsonl", *boots(1, bad), warnings=("\x1b[2Jgone",))
    done = bootseq("diff", old, new)
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout + done.stderr


def test_an_address_of_thousands_of_digits_is_compared(tmp_path: Path) -> None:
    """A baseline may come from anyone."""
    digits, long = "9" * 5000, tmp_path / "long.baseline"
    roots = re.sub(r" (→ 2|← 1-1-1-1-5-1)$", "", written(normal(small_boot())), flags=re.MULTILINE)
    long.write_text(re.sub(r"(^|← )2(?=[-.])", rf"\g<1>{digits}", roots, flags=re.MULTILINE))
    assert f"\n{digits}. " in long.read_text()
    done = bootseq("diff", long, long)
    assert (done.exit_code, done.stderr) == (0, "")
