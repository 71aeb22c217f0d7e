"""Call points in YAML: accepted files, and mistakes reported with their line."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TracerError
from tracer.recording import call_points
from tracer.recording.call_points import PointName


def test_modules_have_included_and_excluded_names() -> None:
    """Names with ! are excluded; a module may be listed twice; aliases are resolved."""
    text = """
    nova.compute.api: [API.create, "API._*", "!API._x"]
    nova.quota: &names
      - f
    nova.compute.api: *names
    """
    assert call_points.compile_text("f", text) == [
        ("nova.compute.api", ["API.create", "API._*"], ["API._x"]), ("nova.quota", ["f"], []),
        ("nova.compute.api", ["f"], []),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_has_no_points(text: str) -> None:
    assert call_points.compile_text("f", text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [b]\nc: [d", "f:2: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: [b]\n\tc: [d]", "f:2: not YAML: found character '\\t' that cannot start any token"),
        ("a: [*b]", "f:1: not YAML: found undefined alias 'b'"),
        ("a: [*.cache]", "f:1: not YAML: expected alphabetic or numeric character, but found '.'"),
        ("a: [b]\n---\nc: [d]", "f:2: not YAML: but found another document"),
        ("a: [b]\n\x00", "f: not YAML: unacceptable character #x0000: special characters are not allowed"),
        ("- a\n- b", "f:1: expected modules and, under each, a list of names"),
        ("just text", "f:1: expected modules and, under each, a list of names"),
        ("a: [b]\nc: d", "f:2: under c expected a list of names such as API.create or API.*"),
        ("a:", "f:1: under a expected a list of names such as API.create or API.*"),
        ("a: {b: c}", "f:1: under a expected a list of names such as API.create or API.*"),
        ("a: [b,\n5]", "f:1: under a expected a list of names such as API.create or API.*"),
        ("a: [[b]]", "f:1: under a expected a list of names such as API.create or API.*"),
        ("a: [2001-99-99]", "f:1: under a expected a list of names such as API.create or API.*"),
        ('a: [""]', "f:1: under a expected a list of names such as API.create or API.*"),
        ("a: []", "f:1: under a every name is excluded"),
        ('\na: ["!b"]', "f:2: under a every name is excluded"),
        ("5: [b]", "f:1: expected the name of a module"),
        ("[a]: [b]", "f:1: expected the name of a module"),
        ("<<: [b]", "f:1: expected the name of a module"),
        ("[" * 2000, "f: nested too deep"),
        ("!!python/object/apply:os.system [x]: [y]", "f:1: expected the name of a module"),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, message: str) -> None:
    """In one line of output."""
    with pytest.raises(TracerError) as raised:
        call_points.compile_text("f", text)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["a", ":", " [", "]", "\n", "- ", "*", "&", "!", "?", "{", "}"])).map("".join)
)
def test_any_text_is_compiled_or_refused(text: str) -> None:
    """Without any other exception."""
    try:
        points = call_points.compile_text("f", text)
    except TracerError:
        return
    assert all(names for _, names, _ in points)


def test_files_add_to_the_default(tmp_path: Path) -> None:
    """First the default's, then the files' in order."""
    (tmp_path / "mine.yaml").write_text("ä.b: [c]", encoding="utf-8")
    default = call_points.load([])
    assert call_points.load([tmp_path / "mine.yaml"]) == [*default, ("ä.b", ["c"], [])]


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A missing file, a folder, a binary file."""
    binary = tmp_path / "b"
    binary.write_bytes(b"\xff\xfe\xff")
    for path, reason in [
        (tmp_path / "none", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (binary, "not a text file: invalid UTF-8"),
    ]:
        with pytest.raises(TracerError) as raised:
            call_points.load([path])
        assert re.sub(r":\d+: ", ": ", str(raised.value)) == f"{path}: {reason}"


def test_the_default_is_well_formed() -> None:
    """A module's dotted name, and under it globs of ``function`` or ``Class.method``."""
    default = call_points.load([])
    assert len(default) > 20
    for module, names, excluded in default:
        assert all(part.isidentifier() or "*" in part for part in module.split("."))
        for glob in [*globs(names), *excluded]:
            nested = glob.replace(".<locals>.", ".", 1)
            assert nested.count(".") <= 1 + (nested != glob)
            assert os.sep not in glob
    chosen = [(module, glob) for module, names, _ in default for glob in globs(names)]
    assert len(chosen) == len(set(chosen))
    assert any(fnmatchcase("nova.compute.api", module) and "API.create" in names for module, names, _ in default)


def globs(names: list[str]) -> list[str]:
    """Return the alternatives of all names."""
    parsed = [call_points.parse_name(name) for name in names]
    return [glob for name in parsed if name is not None for glob in name.globs]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("API.create", PointName(("API.create",))),
        ("*.cache", PointName(("*.cache",))),
        ("A.x or A.y or z", PointName(("A.x", "A.y", "z"))),
        ("A.x since 32", PointName(("A.x",), 32)),
        ("A.x until 33", PointName(("A.x",), None, 33)),
        ("A.x or A.y since 30 until 33", PointName(("A.x", "A.y"), 30, 33)),
        ("or", PointName(("or",))),
        ("A.x  or A.y", None),
        ("A.x A.y", None),
        ("A.x until 33 since 30", None),
        ("A.x since", None),
        ("A.x since Antelope", None),
        ("since 30", None),
        ("A.x or ", None),
    ],
)
def test_a_name_may_have_alternatives_and_releases(text: str, name: PointName | None) -> None:
    assert call_points.parse_name(text) == name


def test_a_name_of_another_form_is_reported_with_its_line() -> None:
    with pytest.raises(TracerError) as raised:
        call_points.compile_text("f", "a:\n- b\n- c since x\n")
    assert str(raised.value) == "f:3: 'c since x': " + call_points.FORM


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        (PointName(("a",)), [None, 1, 31, 32, 33, 34]),
        (PointName(("a",), 32), [32, 33, 34]),
        (PointName(("a",), None, 32), [1, 31, 32]),
        (PointName(("a",), 32, 33), [32, 33]),
    ],
)
def test_a_name_is_for_the_releases_that_it_names(name: PointName, releases: list[int | None]) -> None:
    """An unknown release may lack what only some releases have."""
    assert [release for release in (None, 1, 31, 32, 33, 34) if name.is_for(release)] == releases
