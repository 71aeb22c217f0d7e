"""The words of the code, of the page's scripts and of the README: names, openings of docstrings, length."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.script_names import script_names

ROOT = Path(__file__).parent.parent
FOLDERS = ("tracer", "patches", "diagrams", "tests", "examples")
#: Fields of JSON output, which keep their names.
JSON_FIELDS = frozenset({("tracer/findings/finding.py", "seen")})

#: None of these is a noun of the thing that it names.
BANNED = frozenset("told said heard seen found kept made given asked one each place at news".split())  # noqa: SIM905
#: A docstring opens with a verb in the imperative, or with what the thing is.
OPENING = re.compile(r"(What|Whether|How|Which|Who|Those|Where|That|Whose|As|Of)\b")
MAX_README_WORDS = 900


@cache
def sources() -> dict[str, ast.Module]:
    """Return every source file, parsed, by its path below the root."""
    paths = [path.relative_to(ROOT) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {str(path): ast.parse((ROOT / path).read_text()) for path in paths if ".cache" not in path.parts}


def bound_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node of the syntax tree gives to something."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name


def banned_names(tree: ast.Module, path: str = "") -> Iterator[str]:
    """Yield ``line: name`` of each banned name that the module binds."""
    for node in ast.walk(tree):
        for name in bound_names(node):
            if name.strip("_") in BANNED and (path, name) not in JSON_FIELDS:
                yield f"{getattr(node, 'lineno', 1)}: {name}"


def wrong_openings(tree: ast.Module) -> Iterator[str]:
    """Yield ``line: first words`` of each docstring that opens with another word."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node) or ""
            if OPENING.match(text):
                yield f"{getattr(node, 'lineno', 1)}: {text[:40]}"


def complain(findings: list[str]) -> None:
    """Fail with one line per finding, as compilers write them."""
    if findings:
        pytest.fail("\n" + "\n".join(findings), pytrace=False)


def test_names_are_nouns_and_verbs() -> None:
    modules = [f"{path}:1: {Path(path).stem}" for path in sources() if Path(path).stem.strip("_") in BANNED]
    complain(
        modules + [f"{path}:{finding}" for path, tree in sources().items() for finding in banned_names(tree, path)]
    )


def test_names_in_scripts_are_nouns_and_verbs() -> None:
    scripts = sorted((ROOT / "diagrams/templates").rglob("*.js"))
    assert len(scripts) > 5
    complain(
        [
            f"{script.relative_to(ROOT)}:{line}: {name}"
            for script in scripts
            for line, name in script_names(script.read_text())
            if name.strip("_$") in BANNED
        ]
    )


def test_docstrings_open_with_a_verb_or_a_noun() -> None:
    complain([f"{path}:{finding}" for path, tree in sources().items() for finding in wrong_openings(tree)])


@pytest.mark.parametrize(
    "text",
    [
        "def found(): ...",
        "class seen: ...",
        "_said = 1",
        "def f(*each, at=1): ...",
        "class A:\n    kept: int",
        "self.news = 1",
        "for i, one in x: ...",
        "[seen for seen in x]",
        "with x as made: ...",
        "if (given := 1): ...",
        "try: ...\nexcept OSError as heard: ...",
        "import place_x as place",
        "match x:\n    case [*asked]: ...",
    ],
)
def test_every_way_to_bind_a_name_is_read(text: str) -> None:
    assert len(list(banned_names(ast.parse(text)))) == 1 + text.startswith("def f(")


@pytest.mark.parametrize(
    "text",
    [
        "const kept = 1;",
        "let a = f(1), kept = 2;",
        "for (const kept of list) draw();",
        "const { kept, other } = view;",
        "const [, kept] = pair;",
        "const [first, ...kept] = list;",
        "function kept() {}",
        "function f(a, kept = 1) {}",
        "rows.map((kept) => 1);",
        "rows.map(kept => 1);",
        "window.bootseq = { view, kept: () => 1 };",
        "bootseq.kept = 1;",
        "text = `a ${kept} b`;",
        "text = `a ${b ? `kept ${kept}` : { a: 1 }.a} kept`;",
    ],
)
def test_every_way_to_bind_a_name_in_a_script_is_read(text: str) -> None:
    assert [name for _, name in script_names(f"// kept\n{text}")].count("kept") == 1


@pytest.mark.parametrize(
    "text", ["// kept", "/* kept\n */", 'a = "kept \\" kept";', "a = `kept }`;", "b = a.kept === 1;"]
)
def test_texts_and_properties_of_others_are_no_names(text: str) -> None:
    assert "kept" not in [name for _, name in script_names(text)]


def test_an_opening_is_a_whole_word() -> None:
    assert list(wrong_openings(ast.parse('"""Whatever."""\n\ndef f():\n    """Assign."""'))) == []
    assert list(wrong_openings(ast.parse('"""Where it is."""'))) == ["1: Where it is."]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MAX_README_WORDS
