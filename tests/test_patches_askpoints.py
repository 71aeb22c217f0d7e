"""Ask points in a process: lines with the values, at the right step, disturbing nothing, gone without a trace."""

from __future__ import annotations

import collections
import functools
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from patches import asking, askpoints, replacing
from tests.elsewhere import elsewhere
from tests.recorded import Recorded, failing, recording
from tests.test_patches_versions import VERSIONS, interpreter
from tracer import expressions

SOURCE = """
    import functools

    LIMIT = 7

    def named(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    def nameless(function):
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)
        return wrapper

    class API:
        @named
        @nameless
        def create(self, name, *rest, size=1, **more):
            total = size
            for each in rest:
                total += each
            return total

        @staticmethod
        def static(a, b=2):
            return a

        @classmethod
        def klass(cls, a):
            return cls

        @property
        def told(self):
            return self.create("again")

        def generate(self):
            yield 1

    class Sub(API):
        pass

    def failing(n):
        raise LookupError("own")

    def recursive(n):
        return recursive(n - 1) if n else 0
"""


def line_of(text: str) -> int:
    """The number of a line of the source."""
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if line.strip() == text)


@pytest.fixture
def module() -> Iterator[Any]:
    """A service's module."""
    made = ModuleType("service")
    exec(compile(textwrap.dedent(SOURCE), "/service.py", "exec"), vars(made))
    sys.modules["service"] = made
    yield made
    del sys.modules["service"]


def point(where: str, *texts: str, when: Any = "entry", key: str = "1", unsafe: bool = False) -> dict[str, Any]:
    """A point as the tool sends it."""
    parsed = expressions.parse(texts or ["0"], unsafe)
    told = [[each.text, each.code, list(each.names)] for each in parsed]
    return {"key": key, "where": where, "when": when, "expressions": told, "unsafe": unsafe}


def added(where: str, *texts: str, **how: Any) -> asking.Point:
    """A point that is in."""
    made = askpoints.add(point(where, *texts, **how))
    assert made.state == "added"
    return made


def said(recorded: Recorded) -> list[str]:
    """What was asked and answered, as the tree has it."""
    return [str(event.attributes["message"]) for event in recorded.events("ask")]


def test_the_arguments_of_the_innermost_function(tmp_path: Path, module: Any) -> None:
    """Whatever decorators stand around it, however they were given; the module's names stand behind them."""
    with recording(tmp_path) as recorded:
        added("service:API.create", "name, size, rest, more, LIMIT")
        added("service:API.static", "a, b", key="2")
        added("service:API.klass", "a, cls", key="3")
        assert module.API().create("x", 1, 2, size=3, other=4) == 6
        assert (module.API.static(1), module.API.klass(a=2)) == (1, module.API)
        found = said(recorded)
    assert found == [
        "service:API.create name='x' size=3 rest=(1, 2) more={'other': 4} LIMIT=7",
        "service:API.static a=1 b=2",
        "service:API.klass a=2 cls=<class 'service.API'>",
    ]
    lines = (tmp_path / "ask.log").read_text().splitlines()
    assert " DEBUG ask [-] service:API.create name='x' size=3" in lines[0]
    assert lines[0].endswith(f" create /service.py:{line_of('@named')}")


def test_what_comes_back_or_is_raised(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "result, name", when="return")
        added("service:failing", "n, result", when="return", key="2")
        module.API().create("x", 5)
        with pytest.raises(LookupError, match="own"):
            module.failing(3)
        assert said(recorded) == [
            "service:API.create returned result=6 name='x'", "service:failing raised LookupError: own n=3",
        ]  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_on_every_python(version: str) -> None:
    """By sys.monitoring or beside a trace function that was there; nothing of either is left."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    answer = elsewhere(_LINES, python=python)
    first, traced = answer.pop("said"), answer.pop("traced")
    assert first == ["service:f line 5 n=2 i=0", "service:f line 5 n=2 i=1", "service:f line 7 result=99"]
    assert answer == {"kept": [], "same": True, "tracer": True, "tools": []}
    assert traced > 5


_LINES = """
import tempfile, types
import patches
from patches import askpoints, steps

module = types.ModuleType("service")
source = '''
def f(n):
    total = 0
    for i in range(n):
        total += i
    result = 99
    return result
'''
exec(compile(source, "/service.py", "exec"), vars(module))
sys.modules["service"] = module
capture = tempfile.mkdtemp()
before = module.f
seen = []

def tracer(frame, event, argument):
    if frame.f_code is before.__code__:
        seen.append(event)
    return tracer

patches.install(capture, {"segment_size": 1 << 16, "cap": 1 << 26, "hooks": []})
def add(key, line, *names):
    told = [[name, name, [name]] for name in names]
    point = {"key": key, "where": "service:f", "when": line, "expressions": told}
    assert askpoints.add(point).state == "added"
add("1", 5, "n", "i")
sys.settrace(tracer)
module.f(2)
askpoints.remove("1")
add("2", 7, "result")
module.f(2)
sys.settrace(sys.gettrace())
kept = patches.uninstall()
same_tracer = sys.gettrace() is tracer
sys.settrace(None)
module.f(2)
lines = open(capture + "/ask.log").read().splitlines()
monitoring = getattr(sys, "monitoring", None)
answer = {
    "said": [line.partition("] ")[2].rpartition(" f ")[0] for line in lines], "kept": kept, "traced": len(seen),
    "same": module.f is before, "tracer": same_tracer,
    "tools": [monitoring.get_tool(number) for number in (3, 4) if monitoring.get_tool(number)] if monitoring else [],
}
"""


def test_a_line_stands_in_the_call_it_was_asked_in(tmp_path: Path, module: Any) -> None:
    """Inside the call point's step, whichever of the two came first."""
    with recording(tmp_path, points=[["service", ["API.*", "recursive"], []]]) as recorded:
        added("service:API.create", "name")
        added("service:recursive", "n", key="2")
        module.API().create("x")
        module.recursive(1)
        calls = {event.number: event.name for event in recorded.events("call")}
        assert [calls[event.parent or 0] for event in recorded.events("ask")] == [
            "service:API.create", "service:recursive", "service:recursive",
        ]  # fmt: skip
        askpoints.remove("1")
        module.API().create("y")
        assert len(said(recorded)) == 3


def test_removed_is_the_very_object_again(tmp_path: Path, module: Any) -> None:
    """Also what another module has taken meanwhile, and what the class had only inherited."""
    before = [vars(module.API)["create"], module.failing, vars(module.API)["static"]]
    with recording(tmp_path):
        for number, where in enumerate(["API.create", "API.create", "failing", "API.static", "Sub.create"]):
            added(f"service:{where}", key=str(number))
        taken = ModuleType("taken")
        taken.__dict__["failing"] = module.failing
        sys.modules["taken"] = taken
        assert module.failing is not before[1]
        for key in "01234":
            assert askpoints.remove(key)
        del sys.modules["taken"]
        assert [vars(module.API)["create"], module.failing, vars(module.API)["static"]] == before
        assert "create" not in vars(module.Sub)
        assert taken.__dict__["failing"] is before[1]
        assert replacing.replaced == []
        assert not askpoints.remove("0")


def test_what_others_have_wrapped_stays_and_keeps_quiet(tmp_path: Path, module: Any) -> None:
    """Until it is asked again."""
    with recording(tmp_path) as recorded:
        added("service:failing", "n")
        ours = module.failing
        module.failing = functools.partial(ours)
        askpoints.remove("1")
        with pytest.raises(LookupError):
            module.failing(1)
        assert said(recorded) == []
        module.failing = ours


def test_a_module_that_comes_later(tmp_path: Path) -> None:
    (tmp_path / "late_service.py").write_text("def f(n): return n\n")
    sys.path.insert(0, str(tmp_path))
    try:
        with recording(tmp_path / "cap", points=[["late_*", ["*"], []]]) as recorded:
            made = askpoints.add(point("late_service:f", "n"))
            assert made.state == "module not loaded yet"
            import late_service  # type: ignore[import-not-found]

            assert made.state == "added"
            late_service.f(5)
            (call,), (line,) = recorded.events("call"), recorded.events("ask")
        assert (line.attributes["message"], line.parent) == ("late_service:f n=5", call.number)
    finally:
        sys.modules.pop("late_service", None)


@pytest.mark.parametrize(
    ("where", "when", "state", "near"),
    [
        ("service:API.creat", "entry", "no such function", "API.create"),
        ("service:Ape.create", "entry", "no such function", "API.create"),
        ("servic:f", "entry", "no such module", "service"),
        ("json.decode:f", "entry", "no such module", "json.decoder"),
        ("service.more:f", "entry", "no such module", ""),
        ("service:API.create", 2, "no such line", "22"),
        ("service:API.told", "entry", "it is a property, not a function", ""),
        ("service:API", "entry", "it is a class, not a function", ""),
        ("service:LIMIT", "entry", "it is no function written in Python", ""),
    ],
)
def test_what_is_not_there(tmp_path: Path, module: Any, where: str, when: Any, state: str, near: str) -> None:
    with recording(tmp_path):
        made = askpoints.add(point(where, when=when))
        assert made.state == state
        assert not near or near in made.near
        assert askpoints.listed() == []


def test_a_failing_expression_says_so_once_and_the_point_gives_up(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        made = added("service:API.create", "nope, name")
        for _ in range(7):
            assert module.API().create("x") == 1
        assert said(recorded) == [
            "service:API.create nope=<NameError: name 'nope' is not defined> name='x'",
            *["service:API.create nope=? name='x'"] * 3,
            "service:API.create nope=? name='x' (failed 5 times, switched off: NameError: name 'nope' is not defined)",
        ]
        assert (made.state, askpoints.listed()[0]["failures"]) == ("switched off", 5)


class Nasty:
    """What a service could hand over."""

    password = "geheim1"

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Row:
    """As SQLAlchemy's and Nova's: asking for what is not loaded would ask a database."""

    fields: ClassVar = {"flavor": 1}

    def __init__(self) -> None:
        self._obj_name = "loaded"

    def obj_load_attr(self, _name: str) -> None:
        """A trip to the database."""
        raise AssertionError("the database was asked")

    @property
    def flavor(self) -> None:
        """Loads itself."""
        self.obj_load_attr("flavor")


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("value_", Nasty(), "<Nasty, whose repr() raised RuntimeError: no>"),
        ("value_.password", Nasty(), "***"),
        ("[value_.password]", Nasty(), "***"),
        ("value_['user_data']", {"user_data": "x"}, "***"),
        ("value_", {"user_data": "x", "a": [None, 1.5, ("b",)]}, "{'user_data': ***, 'a': [None, 1.5, ('b',)]}"),
        ("value_", object(), "<object>"),
        ("value_", "mysql://u:geheim@h/nova", "'mysql://***@h/nova'"),
        ("value_", "two\nlines", "'two\\nlines'"),
        ("value_", "x" * 9999, f"'{'x' * 500}… (9999 characters)'"),
        ("value_", b"12", "<2 bytes>"),
        ("value_.flavor", Row(), "<LookupError: flavor is not loaded, and asking would load it>"),
        ("value_['a']", collections.defaultdict(list), "<KeyError: a>"),
        ("list(value_)", iter([1]), "<TypeError: list_iterator would be used up>"),
        ("1 in value_", iter([1]), "<TypeError: list_iterator would be used up>"),
        ("value_ * 9", "x", "<TypeError: str is no number to reckon with>"),
        ("type(value_), len(value_), max(1, 2), f'{value_!r:>5}'", "x", None),
    ],
)
def test_values_are_shown_and_nothing_else_happens(
    tmp_path: Path, module: Any, text: str, value: Any, shown: str | None
) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", text.replace("value_", "name"))
        module.API().create(value)
        (line,) = said(recorded)
    assert "geheim" not in (tmp_path / "ask.log").read_text()
    if shown is None:
        assert line.endswith(" type(name)='str' len(name)=1 max(1, 2)=2 f'{name!r:>5}'=\"  'x'\"")
    else:
        assert line.removeprefix("service:API.create ").partition("=")[2][: len(shown)] == shown
    if isinstance(value, dict):
        assert "a" not in value or value["a"]


def test_unsafe_expressions_may_do_anything(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "[each * size for each in rest], name.upper()", unsafe=True)
        module.API().create("x", 1, 2, size=2)
        assert said(recorded) == ["service:API.create [each * size for each in rest]=[2, 4] name.upper()='X'"]


def test_what_asks_itself_ends(tmp_path: Path, module: Any) -> None:
    """A property that calls the function which is asked for it."""
    with recording(tmp_path) as recorded:
        added("service:API.create", "self.told")
        module.API().create("x")
        assert said(recorded) == ["service:API.create self.told=1"]


def test_threads_at_lines_do_not_disturb_each_other(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path) as recorded:
        added("service:API.create", "name, total", when=line_of("return total"))
        threads = [threading.Thread(target=module.API().create, args=(n, n)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said(recorded)) == sorted(
            f"service:API.create line {line_of('return total')} name={n} total={n + 1}" for n in range(20)
        )
        assert sys.gettrace() is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring sees them")
def test_lines_of_generators_need_monitoring(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path):
        made = askpoints.add(point("service:API.generate", when=line_of("yield 1")))
        assert made.state == "a generator's or coroutine's lines can be asked from Python 3.12 on"


def test_our_own_failure_stays_ours(tmp_path: Path, module: Any) -> None:
    with recording(tmp_path), failing():
        added("service:API.create", "name")
        for _ in range(9):
            assert module.API().create("x") == 1
        assert asking.asks.failures == 5


_GREEN = """
import eventlet
eventlet.monkey_patch()
import tempfile, types
import patches
from patches import askpoints

module = types.ModuleType("service")
source = "import eventlet\\ndef f(n):\\n    eventlet.sleep(0.01 * n)\\n    n = n * 2\\n    return n\\n"
exec(compile(source, "s.py", "exec"), vars(module))
sys.modules["service"] = module
capture = tempfile.mkdtemp()
patches.install(capture, {"segment_size": 1 << 16, "cap": 1 << 26, "hooks": []})
for key, when in (("1", "entry"), ("2", 5), ("3", "return")):
    point = {"key": key, "where": "service:f", "when": when, "expressions": [["n", "n", ["n"]]]}
    assert askpoints.add(point).state == "added"
pool = eventlet.GreenPool()
found = list(pool.imap(module.f, [3, 1, 2]))
kept = patches.uninstall()
lines = [line.partition("] ")[2].split(" ") for line in open(capture + "/ask.log").read().splitlines()]
answer = {"found": found, "kept": kept, "tracer": sys.gettrace(), "said": [line[1:-2] for line in lines]}
"""


def test_greenthreads_take_turns() -> None:
    """The first to come in is the last to go, and nothing of ours stands in the thread afterwards."""
    pytest.importorskip("eventlet")
    answer = elsewhere(_GREEN)
    assert (answer["found"], answer["kept"], answer["tracer"]) == ([6, 2, 4], [], None)
    assert answer["said"] == [
        ["n=3"], ["n=1"], ["n=2"],
        *[each for n in (1, 2, 3) for each in (["line", "5", f"n={2 * n}"], ["returned", f"n={n}"])],
    ]  # fmt: skip
