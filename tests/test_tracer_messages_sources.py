"""The catalogue of messages against the sources of Nova and its neighbours that are installed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from examples.embedded import building
from examples.embedded.release import RELEASES, environment, find_release
from tracer.messages import Template, catalogue

pytestmark = pytest.mark.slow

UUID = "7b5e1c52-0b3f-4c53-9a53-0c3c0d5f7a11"

#: A conversion of Python's ``%`` operator.
_VALUE = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?(?P<type>[sdifr])")
_NUMERIC = frozenset("dif")
#: Texts that any service may log: those of exceptions.
_SHARED = "nova.exception"


@cache
def constants(release: str) -> list[tuple[str, str]]:
    """Return (module, text) of the strings in a Nova's sources that may be messages."""
    library = environment(find_release(release)).parents[1] / "lib"
    (nova,) = library.glob("python*/site-packages/nova")
    return strings_of(nova)


def strings_of(package: Path) -> list[tuple[str, str]]:
    """Return (module, text) of the strings in a package's sources that may be messages."""
    paths = [path for path in package.rglob("*.py") if "tests" not in path.parts]
    return sorted({pair for path in paths for pair in _strings(path, package)})


def _strings(path: Path, nova: Path) -> Iterator[tuple[str, str]]:
    module = ".".join(path.relative_to(nova.parent).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 6:
            yield module, node.value


def rendered(text: str) -> Iterator[str]:
    """Yield the message with numbers for its numeric values, and first a uuid, then a word, for the others."""
    for word in (UUID, "word"):
        yield _VALUE.sub(lambda match, word=word: "1" if match["type"] in _NUMERIC else word, text)  # type: ignore[misc]


@cache
def present(release: str) -> dict[str, set[str]]:
    """Return the modules that have each template of the catalogue, by its text, in a release's sources."""
    result: dict[str, set[str]] = {}
    for module, text in constants(release):
        for message in rendered(text):
            report = catalogue().read(message, "" if module == _SHARED else module)
            if report is not None:
                result.setdefault(report.template.text, set()).add(module)
    return result


def _writes(pattern: str, text: str) -> bool:
    """Return whether a source's text, with values, can become this message: its template names some of the values."""
    literal = _VALUE.split(pattern)
    if "%" not in pattern or sum(len(part or "") for part in literal[::2]) < 10:
        return False
    expression = ".+".join(re.escape(part) for part in _VALUE.sub("\0", pattern).split("\0"))
    return re.fullmatch(expression, re.sub(r"\{\w*\}", "x", text), re.DOTALL) is not None


def is_in(template: Template, release: str) -> bool:
    """Return whether a release's sources have the template's message."""
    if template.text in present(release):
        return True
    texts = (text for module, text in constants(release) if f"{module}.".startswith(template.by))
    return any(_writes(text, template.text) for text in texts)


def claims(template: Template, release: str) -> bool:
    """Return whether the data file lists the message for the release."""
    order = list(catalogue().releases)
    index = list(catalogue().releases.values()).index(release)
    return order.index(template.first) <= index <= (order.index(template.last) if template.last else len(order))


OF_NOVA = [template for template in catalogue().templates if template.by.startswith("nova")]


@pytest.mark.parametrize("release", RELEASES)
def test_sources_have_the_messages_listed_for_the_release(release: str) -> None:
    assert [template.text for template in OF_NOVA if claims(template, release) and not is_in(template, release)] == []


@pytest.mark.parametrize("release", RELEASES)
def test_sources_have_no_message_that_is_not_listed_for_the_release(release: str) -> None:
    assert [
        template.text for template in OF_NOVA if not claims(template, release) and template.text in present(release)
    ] == []


@pytest.mark.parametrize("release", RELEASES)
def test_sources_have_the_exceptions_by_their_names(release: str) -> None:
    texts = [text for module, text in constants(release) if module == _SHARED]
    expected = [template for template in catalogue().exceptions if claims(template, release)]
    missing = [
        template
        for template in expected
        if not any(template.pattern.match(way) for text in texts for way in rendered(text))
    ]
    assert [template.text for template in missing] == []


#: What Neutron's API logs of any action: ``create failed``.
_ACTION = re.compile(r"\A(?:%\(action\)s|%s|create|POST)(?= failed)|: %\(\w+\)s\Z|\.\Z")
#: Packages of neighbours: the cloud's environment that has each, and the beginning of its loggers.
NEIGHBOURS = {
    "neutron": ("services", "neutron"), "cinder": ("cinder", "cinder"), "os_vif": ("services", "os_vif"),
    "oslo_privsep": ("services", "oslo.privsep"),
}  # fmt: skip


@pytest.mark.parametrize("package", NEIGHBOURS)
def test_sources_of_neighbours_have_their_messages(package: str) -> None:
    """Only the messages of today: of earlier releases, nothing is installed."""
    name, logger = NEIGHBOURS[package]
    folders = sorted((building.cache() / f"cloud-{name}").glob(f"lib/python*/site-packages/{package}"))
    if not folders:
        pytest.skip(f"examples/cloud has not installed {package} here")
    texts = strings_of(folders[0])
    own = [template for template in catalogue().templates if template.by.startswith(logger) and not template.last]
    assert own
    assert [template.text for template in own if not _is_among(template, texts, logger)] == []


def _is_among(template: Template, texts: list[tuple[str, str]], logger: str) -> bool:
    """Return whether a package's sources have the template's message, in a module of its logger."""
    # oslo.privsep's logger is no module's name.
    near = [text for module, text in texts if logger == "oslo.privsep" or f"{module}.".startswith(template.by)]
    return any(_is_of(template, text) for text in near)


def _is_of(template: Template, text: str) -> bool:
    """Return whether a source's text, the beginning of an f-string, or one that names only the action, gives it."""
    if any(template.pattern.match(way) for way in rendered(text)) or _writes(text, template.text):
        return True
    return (template.text.startswith(text) and len(text) > 20) or _ACTION.sub("", template.text) == _ACTION.sub(
        "", text
    )
