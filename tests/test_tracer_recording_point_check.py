"""Call points that name nothing: found in the sources of installed packages, with the nearest name."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from examples.embedded import building
from examples.embedded.release import RELEASES, environment
from tests.support.subprocess_python import ROOT
from tracer.attach.packages import Packages
from tracer.files import folder
from tracer.recording import call_points, definitions, point_check
from tracer.recording.point_check import Unresolved

SOURCE = '''
    """def in_text(): pass"""
    import x

    class API:
        """Text with def in_docstring(self): and 'quotes."""

        limit = 3
        alias = decorated(lambda self: None)

        if x:
            def conditional(self): pass
        else:
            def other(self): pass

        @decorated("def in_argument():")
        def create(
            self,
            name,
        ):
            def _wait():
                # def in_comment(): pass
                pass
            def _direct():
                pass
            def _later(a):
                def inner(): pass
                pool.submit(
                    inner, a)
            _direct()
            timer = loopingcall.FixedIntervalLoopingCall(_wait)
            eventlet.spawn_n(functools.partial, _later)
            return "def in_string(self):"

        async def wait(self): pass

    def function(): return 1

    try:
        def attempt(): pass
    except ImportError:
        attempt = None
'''
PACKAGE = {
    "shop/__init__.py": "",
    "shop/api.py": SOURCE,
    "shop/drivers/__init__.py": "",
    "shop/drivers/one.py": "class One:\n    def plug(self): pass\n",
    "shop/drivers/two.py": "class Two:\n    def plug(self): pass\n",
    "shop/whole/__init__.py": "def start(): pass\n",
    "openstack_shop-7.1.0.dist-info/METADATA": "",
}


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Packages]:
    """Yield a folder with one installed package, in release 7."""
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    with Packages(folder.opened(tmp_path), str(tmp_path)) as opened:
        yield opened


def check(packages: Packages, text: str) -> list[Unresolved]:
    return point_check.unresolved(packages, call_points.compile_text("f", text))


def test_definitions_of_a_source() -> None:
    """Text in strings and comments defines nothing; nested functions carry <locals>, as Python names them."""
    source = definitions.of_source(textwrap.dedent(SOURCE))
    nested = {"_wait", "_direct", "_later", "_later.<locals>.inner"}
    assert source.functions == {
        "API.conditional", "API.other", "API.create", "API.wait", "function", "attempt",
        *(f"API.create.<locals>.{name}" for name in nested),
    }  # fmt: skip
    assert {"API.limit", "API.alias", "attempt"} <= source.values
    handed_over = {name for name in source.functions if source.is_handed_over(name)}
    assert handed_over == {f"API.create.<locals>.{name}" for name in nested - {"_direct"}}


def test_names_that_exist_are_not_reported(packages: Packages) -> None:
    """Under globs of modules and names, in packages' own modules, and where an alias may be a function."""
    text = """
    shop.api: [API.create, "API.c*", function, attempt, API.alias, "API.create.<locals>._wait", "*.<locals>.inner"]
    shop.drivers.*: ["*.plug", One.plug, Two.plug]
    shop.whole: [start]
    shop.*: [start]
    other.package: [anything]
    """
    assert check(packages, text) == []


@pytest.mark.parametrize(
    ("module", "name", "reason", "nearest"),
    [
        ("shop.api", "API.craete", "no such function", "API.create"),
        ("shop.api", "API._wait", "no such function", "API.create.<locals>._wait"),
        ("shop.api", "Api.create", "no such function", "API.create"),
        ("shop.api", "API.in_docstring", "no such function", ""),
        ("shop.api", "API.zzz or API.function", "no such function", "function"),
        ("shop.api", "API.create.<locals>._direct", point_check._DIRECT, ""),
        ("shop.apii", "API.create", "no such module", "shop.api"),
        ("shop.driver.one", "One.plug", "no such module", ""),
        ("shop.drivers.*", "*.unplug", "no such function", ""),
    ],
)
def test_a_name_that_matches_nothing_is_reported_with_the_nearest(
    packages: Packages, module: str, name: str, reason: str, nearest: str
) -> None:
    assert check(packages, f"{module}: ['{name}']") == [Unresolved(module, name, reason, nearest)]


@pytest.mark.parametrize(
    ("name", "is_reported"),
    [("API.x", True), ("API.x since 8", False), ("API.x until 6", False), ("API.x since 7 until 7", True)],
)
def test_a_name_is_reported_in_the_releases_that_it_is_for(packages: Packages, name: str, is_reported: bool) -> None:
    assert bool(check(packages, f"shop.api: ['{name}']")) == is_reported


def test_a_release_is_that_of_the_distribution_with_the_package(tmp_path: Path) -> None:
    """Under its own name, with a prefix that the package lacks, and with dots as older installers wrote it."""
    folders = ["nova-34.0.0", "python_novaclient-18.1", "oslo.service-3.4.0", "os_vif-4.2.1.dev3", "broken-x"]
    for name in [*(f"{name}.dist-info" for name in folders), "openstack-placement-16.0.0.egg-info"]:
        (tmp_path / name).mkdir()
    with Packages(folder.opened(tmp_path), "") as opened:
        names = ("nova", "novaclient", "oslo_service", "placement", "os_vif", "broken", "x")
        assert [opened.release(name) for name in names] == [34, 18, 3, 16, 4, None, None]


def test_one_of_several_names_is_enough(packages: Packages) -> None:
    assert check(packages, "shop.api: [API.gone or API.create]") == []
    (report,) = check(packages, "shop.api: [API.gone or API.missing]")
    assert report.name == "API.gone or API.missing"


def test_a_missing_package_is_reported_once_for_all_folders(packages: Packages) -> None:
    points = call_points.compile_text("f", "shap.api: [API.create]\nshop.api: [API.gone]")
    assert point_check.absent([packages], points) == [Unresolved("shap.api", "API.create", "no package shap here")]


def test_links_and_pipes_are_not_read(packages: Packages, tmp_path: Path) -> None:
    """Anybody may have created the folder: such modules count as missing."""
    os.mkfifo(tmp_path / "shop/pipe.py")
    (tmp_path / "shop/link.py").symlink_to(tmp_path / "shop/api.py")
    (tmp_path / "shop/large.py").write_bytes(b"def x(): pass\n" * 200_000)
    for name in ("pipe", "link", "large", "../shop/api", "a/b"):
        (report,) = check(packages, f"shop.{name}: [x]")
        assert report.reason == "no such module"


@pytest.mark.parametrize(
    "text",
    ['"""\\' * 200_000, "'''" * 200_001, " " * 500_000, "a" * 500_000, "a:" * 500_000, "def f(): pass\n" * 50_000,
     "".join(" " * depth + "def f():\n" for depth in range(1000)), "submit(" * 100_000],
)  # fmt: skip
def test_a_hostile_source_takes_no_longer_than_its_length(text: str) -> None:
    """Closing quotes that never come, and blocks in blocks; a normal source of this length takes half a second."""
    start = process_time()
    definitions.of_source(text).is_handed_over("f.<locals>.f")
    assert process_time() - start < 20


#: Prints the globs of points that match a function, by module, as the hooks match them.
RESOLVE = """
import importlib, json, pkgutil, sys
sys.path.insert(0, sys.argv[1])
from patches import calls

def imported(pattern):
    names = [pattern]
    if pattern.endswith(".*"):
        package = importlib.import_module(pattern[:-2])
        names = ["%s.%s" % (package.__name__, entry.name) for entry in pkgutil.iter_modules(package.__path__)]
    for name in names:
        try:
            yield importlib.import_module(name)
        except Exception as error:
            assert name != pattern, (name, error)

def nested(code):
    for constant in code.co_consts:
        if hasattr(constant, "co_qualname"):
            yield constant.co_qualname
            yield from nested(constant)

def names(module):
    for owner, name, raw in calls._callables(module):
        function = getattr(raw, "__func__", raw)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        if calls.is_whole(raw):
            yield name if owner is module else "%s.%s" % (owner.__name__, name)
        yield from nested(getattr(function, "__code__", compile("", "", "exec")))

points = json.load(sys.stdin)
if any(pattern.startswith("cinder.") for pattern, _ in points):
    from cinder import objects
    objects.register_all()  # before its modules can be imported, as its commands do
matched = []
for pattern, globs in points:
    every = [name for module in imported(pattern) for name in names(module)]
    for glob in globs:
        matches = calls.Matcher([glob])
        if any(map(matches, every)):
            matched.append([pattern, glob])
print()
print(json.dumps(matched))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RELEASES, "cloud-services", "cloud-cinder"])
def test_every_default_point_matches_a_function_of_its_releases(name: str) -> None:
    """Checked as the hooks match them, in the Python of a release of Nova or of other services, and in the sources."""
    python = environment(RELEASES[name]) if name in RELEASES else building.cache() / name / "bin/python"
    if not python.exists():
        pytest.skip("needs the real cloud's environments: python -m examples.cloud up --volumes ceph")
    site = next((python.parents[1] / "lib").glob("python3*/site-packages"))
    with Packages(folder.opened(site), str(site)) as packages:
        points = [point for point in call_points.load([]) if packages.has(point[0].partition(".")[0])]
        assert point_check.unresolved(packages, points) == []
        parsed = [(module, call_points.parse_name(text)) for module, texts, _ in points for text in texts]
        wanted = [
            (module, name)
            for module, name in parsed
            if name is not None and name.is_for(packages.release(module.partition(".")[0]))
        ]
    matched = resolve(python, [(module, list(name.globs)) for module, name in wanted])
    missing = [(module, name) for module, name in wanted if not any((module, glob) in matched for glob in name.globs)]
    assert missing == []
    assert len(wanted) > 60


def resolve(python: Path, globs: list[tuple[str, list[str]]]) -> set[tuple[str, str]]:
    """Return the modules and globs that match a function in an environment's own Python."""
    variables: dict[str, Any] = {
        key: text for key, text in os.environ.items() if not key.startswith(("PYTEST", "COV_"))
    }
    done = subprocess.run(
        [python, "-W", "ignore", "-B", "-c", RESOLVE, str(ROOT)], input=json.dumps(globs), env=variables,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {(module, glob) for module, glob in json.loads(done.stdout.rpartition("\n\n")[2])}
