"""Versions, source trees and changed libraries become releases to boot; the index is a stub."""

from __future__ import annotations

import base64
import hashlib
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from examples.ci.resolution import find as finding
from examples.ci.resolution import index, packages, pythons, trees, wheels
from examples.ci.resolution.find import Choice, change, find
from examples.embedded import EmbeddedError
from examples.embedded.building import _one_line
from examples.embedded.release import RELEASES, Release, wheel_digest
from tests.support.source_checkout import SourceCheckout

METADATA = """\
Name: nova
Requires-Python: >=3.10
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: 3.10
Classifier: Programming Language :: Python :: 3.11
Classifier: Programming Language :: Python :: 3 :: Only
Requires-Dist: oslo.messaging>=14
Requires-Dist: osprofiler; extra == 'osprofiler'
"""
DATES = {"33.0.0": "2026-04-01T10:00:00Z", "33.0.2": "2026-07-01T14:00:00Z", "35.0.0": ""}


class Index:
    """A stub for uv: it answers queries about versions, and resolves everything to the requirements themselves."""

    def __init__(self) -> None:
        self.compiled: list[tuple[list[str], str]] = []
        self.queries = 0

    def uv(self, *arguments: str, text: str = "") -> str:
        words = list(arguments)
        if words[:2] == ["pip", "install"]:
            info = Path(words[words.index("--target") + 1], "nova.dist-info")
            info.mkdir()
            (info / "METADATA").write_text(METADATA)
        elif "pylock.toml" in words:
            self.queries += 1
            version = text.strip().partition("==")[2].replace("33.*", "33.0.2")
            if version not in DATES:
                raise EmbeddedError(f"uv pip: there is no version of {text.strip()}")
            date = f'upload-time = {DATES[version]}, url = "x"' if DATES[version] else 'url = "x"'
            lock = f'[[packages]]\nname = "nova"\nversion = "{version}"\nwheels = [{{ {date} }}]\n'
            Path(words[words.index("-o") + 1]).write_text(lock)
        else:
            self.compiled.append((words, text))
            output = Path(words[words.index("-o") + 1])
            pins = packages.versions(output.read_text()) | packages.versions(text)
            output.write_text("".join(f"{name}=={version}\n" for name, version in sorted(pins.items())))
        return ""

    def option(self, name: str) -> str:
        """Return an option's value in the last resolution."""
        words = self.compiled[-1][0]
        return words[words.index(name) + 1] if name in words else ""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index in place of the real one, and an empty cache."""
    monkeypatch.setenv("BOOTSEQ_CACHE", str(tmp_path / "cache"))
    result = Index()
    for module in (index, packages):
        monkeypatch.setattr(module, "uv", result.uv)
    monkeypatch.setattr(pythons, "find", lambda version: f"/usr/bin/python{version}" if version == "3.11" else "")
    return result


@pytest.mark.parametrize(("name", "series"), [("34", "34"), ("34.0.0", "34"), ("32.2.1", "32"), ("29", "29")])
def test_locked_releases_need_no_index(name: str, series: str, stub: Index) -> None:
    assert find(name, Choice()) is RELEASES[series]
    assert not stub.queries
    assert not stub.compiled


def test_another_version_is_resolved_as_of_its_series_release(stub: Index) -> None:
    """Like OpenStack's constraints: 33.0.2 of July has the libraries of April, but its own Nova and Placement."""
    release = find("33.0.2", Choice())
    assert (release.name, release.python) == ("33.0.2", "/usr/bin/python3.11")
    assert stub.option("--exclude-newer") == "2026-04-02T10:00:00Z"
    words, text = stub.compiled[-1]
    assert {"--exclude-newer-package=nova=2999-01-01", "--exclude-newer-package=openstack-placement=2999-01-01"} < set(
        words
    )
    assert "nova==33.0.2\nopenstack-placement==15.*\n" in text
    assert release.lock.read_text().startswith("# Nova 33.0.2 on Python 3.11, packages as of 2026-04-02T10:00:00Z\n")


def test_a_series_is_its_newest_version(stub: Index) -> None:
    assert find("33", Choice()).name == "33.0.2"


def test_a_resolved_version_is_stored(stub: Index) -> None:
    """By what determines it: again without the index, with another constraint with it."""
    first = find("33.0.2", Choice())
    queries = stub.queries
    assert find("33.0.2", Choice()) == first
    assert (stub.queries, len(stub.compiled)) == (queries, 1)
    other = find("33.0.2", Choice(constraints="oslo.messaging===17.0.0\n"))
    assert (other.lock != first.lock, len(stub.compiled)) == (True, 2)


def test_constraints_are_for_libraries_and_replace_the_date(
    stub: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the form of upper-constraints.txt; a locked release is resolved anew with them."""
    texts: list[str] = []

    def uv(*arguments: str, text: str = "") -> str:
        texts.append(Path(arguments[arguments.index("--constraints") + 1]).read_text())
        return stub.uv(*arguments, text=text)

    monkeypatch.setattr(packages, "uv", uv)
    monkeypatch.setitem(DATES, "34.0.0", "2026-09-30T10:00:00Z")
    lines = (
        "# upper\nSQLAlchemy===2.0.1;python_version=='3.11'\nkombu===5.2.4\nnova===33.0.0\nopenstack_placement===1\n"
    )
    release = find("34.0.0", Choice(constraints=lines))
    assert texts == ["SQLAlchemy===2.0.1;python_version=='3.11'\n"]
    assert stub.option("--exclude-newer") == ""
    assert release.lock != RELEASES["34"].lock


def test_placement_can_be_chosen(stub: Index) -> None:
    find("33.0.2", Choice(placement="14.0.1"))
    assert "openstack-placement==14.0.1\n" in stub.compiled[-1][1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("antelope", "antelope is neither a version of Nova nor the path"),
        ("35.0.0", "does not report when nova==35.0.0 was uploaded; pass --constraints"),
        ("12.0.0", "there is no version of nova==12.0.0"),
    ],
)
def test_unknown_releases_are_refused_in_one_line(name: str, message: str, stub: Index) -> None:
    with pytest.raises(EmbeddedError, match=message.replace(".", r"\.")) as caught:
        find(name, Choice())
    assert "\n" not in str(caught.value)


def test_an_error_of_uv_is_one_line() -> None:
    error = "  × No solution found when resolving:\n  ╰─▶ Because a==1 depends on b<2\n      and you require b>=2\n"
    assert _one_line(error) == "No solution found when resolving: Because a==1 depends on b<2 and you require b>=2"


@pytest.mark.parametrize(
    ("requires", "classified", "expected"),
    [
        (">=3.8", ("3.8", "3.9"), ["3.9", "3.8"]),
        (">=3.11", (), ["3.14", "3.13", "3.12", "3.11"]),
        (">=3.9,!=3.10.*", ("3.9", "3.10", "3.11"), ["3.11", "3.9"]),
        (">=3.6", ("3.6",), ["3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8"]),
    ],
)
def test_the_supported_pythons_are_those_of_the_classifiers(
    requires: str, classified: tuple[str, ...], expected: list[str]
) -> None:
    assert pythons.supported(requires, classified) == expected


def test_this_python_is_preferred_to_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that neighbours differ in Nova, not in Python."""
    monkeypatch.setattr(pythons, "find", str)
    monkeypatch.setattr(sys, "version_info", type("Version", (), {"major": 3, "minor": 11}))
    assert pythons.choose("Nova 33", ">=3.10", ("3.10", "3.11", "3.12"))[0] == "3.11"
    assert pythons.choose("Nova 27", ">=3.8", ("3.8", "3.9", "3.10"))[0] == "3.10"
    monkeypatch.setattr(pythons, "find", lambda version: "")
    with pytest.raises(EmbeddedError, match=r"Nova 26 supports Python 3\.9, 3\.8, of which none is installed here"):
        pythons.choose("Nova 26", ">=3.8", ("3.8", "3.9"))


def test_a_pyenv_python_is_used_only_if_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    def no_python(*_: str) -> str:
        raise EmbeddedError("uv python: none")

    monkeypatch.setattr(pythons, "uv", no_python)
    program = tmp_path / "versions" / "3.9.1" / "bin" / "python3"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 127\n")
    program.chmod(0o755)
    assert pythons.find("3.9") == ""
    program.write_text("#!/bin/sh\nexit 0\n")
    assert pythons.find("3.9") == str(program)


def test_one_library_is_moved_and_the_others_stay(stub: Index) -> None:
    """They are preferred, not required: uv may move those that exclude the version."""
    old, new = change(RELEASES["34"], "oslo.messaging==17.3.0..18.3.1")
    lines = {name: packages.versions(release.lock.read_text()) for name, release in (("old", old), ("new", new))}
    locked = packages.versions(RELEASES["34"].lock.read_text())
    assert lines["old"]["oslo-messaging"] == "17.3.0"
    assert packages.moved(old.lock.read_text(), new.lock.read_text()) == ["oslo-messaging 17.3.0 → 18.3.1"]
    assert lines["new"] == locked | {"oslo-messaging": "18.3.1"}
    assert (old.name, old.threads) == ("34-oslo.messaging-17.3.0", RELEASES["34"].threads)
    assert stub.option("--constraints") == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [("oslo.db", "expected NAME==OLD..NEW"), ("nova==33.0.0..34.0.0", "nova is no library: .* with --old and --new")],
)
def test_other_changes_are_refused(text: str, message: str) -> None:
    with pytest.raises(EmbeddedError, match=message):
        change(RELEASES["34"], text)


# --- source trees


@pytest.fixture
def checkout(tmp_path: Path) -> SourceCheckout:
    """A checkout of a small Nova, tagged as 34.0.0."""
    source = SourceCheckout(tmp_path / "src")
    source.commit("Begin", {"nova/__init__.py": "", ".gitignore": "*.pyc\n", "nova/a.py": "A = 1\n"}, tag="34.0.0")
    return source


def copied(source: Path, tmp_path: Path, revision: str = "") -> dict[str, str]:
    """Return the texts of the copy of a tree."""
    into = tmp_path / "copy"
    trees.copy(source, revision, into)
    return {str(path.relative_to(into)): path.read_text() for path in into.rglob("*") if path.is_file()}


def test_a_dirty_checkout_is_copied_as_it_is(checkout: SourceCheckout, tmp_path: Path) -> None:
    """With new files, without removed and ignored ones; the checkout itself does not change."""
    (checkout.path / "nova" / "b.py").write_text("B = 1\n")
    (checkout.path / "nova" / "a.pyc").write_text("")
    (checkout.path / "nova" / "a.py").unlink()
    before = checkout.git("status", "--porcelain")
    assert copied(checkout.path, tmp_path).keys() == {"nova/__init__.py", ".gitignore", "nova/b.py"}
    assert (trees.is_dirty(checkout.path), checkout.git("status", "--porcelain")) == (True, before)


def test_a_revision_is_copied_from_the_history(checkout: SourceCheckout, tmp_path: Path) -> None:
    checkout.commit("Change", {"nova/a.py": "A = 2\n"})
    assert copied(checkout.path, tmp_path, trees.commit(checkout.path, "34.0.0"))["nova/a.py"] == "A = 1\n"
    with pytest.raises(EmbeddedError, match="has no revision '--help'"):
        trees.commit(checkout.path, "--help")


def test_an_sdist_is_unpacked(tmp_path: Path) -> None:
    source = tmp_path / "nova-34.0.0" / "nova"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("")
    with tarfile.open(tmp_path / "nova-34.0.0.tar.gz", "w:gz") as archive:
        archive.add(source.parent, "nova-34.0.0")
    assert copied(tmp_path / "nova-34.0.0.tar.gz", tmp_path).keys() == {"nova/__init__.py"}


@pytest.mark.parametrize("name", ["no.tar.gz", "empty"])
def test_other_sources_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "no.tar.gz").write_text("text")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbeddedError, match=r"is no folder and no sdist|it has no nova/__init__\.py"):
        trees.copy(tmp_path / name, "", tmp_path / "copy")


def version(source: SourceCheckout, tmp_path: Path, revision: str = "") -> str:
    return trees.version(source.path, revision, tmp_path / "copy")


def test_the_version_is_of_the_nearest_tag(checkout: SourceCheckout, tmp_path: Path) -> None:
    assert version(checkout, tmp_path) == "34.0.0"
    checkout.commit("Change", {"nova/a.py": "A = 2\n"})
    assert version(checkout, tmp_path) == "34.0.1.dev1"
    assert version(checkout, tmp_path, "34.0.0") == "34.0.0"
    checkout.commit("Release candidate", {}, tag="35.0.0.0rc1")
    checkout.commit("Next", {})
    assert version(checkout, tmp_path) == "35.0.0.0rc1.dev1"
    assert [trees.is_released(text) for text in ("34.0.0", "34.0.1.dev1", "35.0.0.0rc1.dev1")] == [True, True, False]


def test_the_version_of_an_sdist_is_its_own(checkout: SourceCheckout, tmp_path: Path) -> None:
    tree = tmp_path / "copy"
    tree.mkdir()
    (tree / "PKG-INFO").write_text("Metadata-Version: 2.1\nVersion: 33.0.2\n")
    assert trees.version(checkout.path, "", tree) == "33.0.2"


def test_a_source_without_a_version_is_refused(tmp_path: Path) -> None:
    source = SourceCheckout(tmp_path / "src")
    source.commit("Begin", {"nova/__init__.py": ""})
    with pytest.raises(EmbeddedError, match="has neither PKG-INFO nor a tag of a version: fetch its tags"):
        version(source, tmp_path)


def packed(path: Path, **texts: str) -> Path:
    """Write a wheel with these modules."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("nova-1.dist-info/METADATA", METADATA)
        archive.writestr("nova-1.dist-info/RECORD", "nova/a.py,sha256=x,1\nRECORD,,\n")
        for name, text in texts.items():
            archive.writestr(f"nova/{name.replace('__', '/')}.py", text)
    return path


def test_a_tree_is_built_once(checkout: SourceCheckout, stub: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """pbr gets the version, and a repository. Changed texts are packed by us, other names and settings built again."""
    builds: list[tuple[str, str]] = []

    def uv(*arguments: str, variables: dict[str, str]) -> str:
        tree, folder = Path(arguments[-1]), Path(arguments[arguments.index("--out-dir") + 1])
        folder.mkdir()
        packed(folder / "nova-1.whl", a=(tree / "nova" / "a.py").read_text())
        builds.append((variables["PBR_VERSION"], trees.git(tree, "ls-files", "nova/a.py")))
        return ""

    monkeypatch.setattr(wheels, "uv", uv)
    first = wheels.wheel(checkout.path)
    assert builds == [("34.0.0", "nova/a.py\n")]
    assert wheels.wheel(checkout.path, trees.commit(checkout.path, "HEAD")) == first
    assert first.pythons() == (">=3.10", ("3.10", "3.11"))
    assert first.requirements() == ("oslo.messaging>=14",)
    (checkout.path / "nova" / "a.py").write_text("A = 3\n")
    changed = wheels.wheel(checkout.path)
    assert (changed.path != first.path, len(builds)) == (True, 1)
    with zipfile.ZipFile(changed.path) as archive:
        assert archive.read("nova/a.py") == b"A = 3\n"
        digest = base64.urlsafe_b64encode(hashlib.sha256(b"A = 3\n").digest()).decode().rstrip("=")
        assert archive.read("nova-1.dist-info/RECORD").decode() == f"nova/a.py,sha256={digest},6\nRECORD,,\n"
    (checkout.path / "setup.cfg").write_text("[metadata]\n")
    wheels.wheel(checkout.path)
    assert len(builds) == 2


def test_a_checkout_of_a_locked_series_has_its_packages(
    checkout: SourceCheckout, stub: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Nova over the locked environment; a requirement that the lock does not fulfil brings a set of its own."""
    path = packed(tmp_path / "nova.whl", a="A = 1\n")
    monkeypatch.setattr(finding, "wheel", lambda *_: wheels.Wheel(path, "34.0.1.dev1", "2026-10-10T00:00:00Z"))
    release = find(str(checkout.path), Choice())
    assert (release.name, release.lock, release.wheel) == ("34.0.1.dev1", RELEASES["34"].lock, path)
    assert "oslo.messaging>=14\n" in stub.compiled[-1][1]
    assert "osprofiler" not in stub.compiled[-1][1]


def test_a_checkout_of_a_later_series_is_resolved_as_of_its_commit(
    checkout: SourceCheckout, stub: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = packed(tmp_path / "nova.whl", a="A = 1\n")
    monkeypatch.setattr(finding, "wheel", lambda *_: wheels.Wheel(path, "35.0.0.0rc1.dev7", "2026-11-10T00:00:00Z"))
    release = find(str(checkout.path), Choice())
    assert stub.option("--exclude-newer") == "2026-11-10T00:00:00Z"
    assert "\nopenstack-placement\n" in stub.compiled[-1][1]
    assert (release.wheel, release.lock.stem.rpartition("-")[0]) == (path, "35.0.0.0rc1.dev7")


def test_equal_contents_are_equal_releases(tmp_path: Path) -> None:
    """A new commit that changes no installed file has the contents of the one before, and so its boots."""
    base = Release("34.0.0", "3.11", ("native",), lock=RELEASES["34"].lock, wheel=packed(tmp_path / "a.whl", a="1"))
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as archive:
        archive.writestr("nova/a.py", "1")
        archive.writestr("nova-2.dist-info/METADATA", "Version: 2\n")
    same = Release("34.0.1", "3.11", ("native",), lock=base.lock, wheel=tmp_path / "b.whl")
    other = Release("34.0.1", "3.11", ("native",), lock=base.lock, wheel=packed(tmp_path / "c.whl", a="2"))
    assert base.content == same.content != other.content
    assert base.schema == other.schema
    moved = packed(tmp_path / "d.whl", db__migration="2")
    assert wheel_digest(moved, ("nova/db/",)) != wheel_digest(tmp_path / "c.whl", ("nova/db/",))
