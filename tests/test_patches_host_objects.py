"""Safe expressions read the host's values as they are stored, without running code of the host."""

from __future__ import annotations

import collections
import datetime
import io
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import orm
from sqlalchemy.ext import hybrid

from patches import ask_eval
from tests.support.examples import examples
from tracer.recording import ask_expressions

#: Every special method that an expression, or the rendering of its value, could run.
SPECIAL = """
    getattribute getattr getitem len iter next contains eq ne lt le gt ge hash bool repr str format bytes int float
    index complex add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod and rand or ror xor rxor
    rshift rrshift neg pos invert abs round reversed missing length_hint get enter instancecheck subclasscheck
    """.split()  # noqa: SIM905 - a list of words
OPERATORS = "+ - * / // % & | ^ >> == != < <= > >= is in and or".split()  # noqa: SIM905 - a list of words
ran: list[str] = []


def _counting(name: str) -> Any:
    def method(*_: object, **__: object) -> Any:
        ran.append(name)
        raise AssertionError(f"{name} of the host ran")

    return method


#: Class bodies with all of them, and with the methods by which containers are read.
HOSTILE = {f"__{name}__": _counting(name) for name in SPECIAL} | {
    name: _counting(name) for name in ("items", "keys", "values", "get", "copy")
}
METHODS_ONLY = {name: method for name, method in HOSTILE.items() if name not in ("__getattribute__", "__hash__")}


class Descriptor:
    """A data descriptor of the host's."""

    __get__ = _counting("descriptor")
    __set__ = _counting("descriptor")


#: Its hash is needed to make classes of it at all.
Meta = type("Meta", (type,), {name: method for name, method in METHODS_ONLY.items() if name != "__get__"})
Plain = type("Plain", (), HOSTILE | {"client": property(_counting("property")), "described": Descriptor()})
OfMeta: Any = Meta("OfMeta", (), dict(HOSTILE))
Slotted = type("Slotted", (), HOSTILE | {"__slots__": ("size",)})
Lying = type("Lying", (), {"__dict__": property(_counting("__dict__")), "__class__": property(_counting("__class__"))})
SUBCLASSES = [type(f"Of{base.__name__}", (base,), HOSTILE) for base in (dict, list, tuple, set, str, int, float, bytes)]


def generator() -> Iterator[int]:
    """Record that it was advanced, which must not happen."""
    ran.append("generator")
    yield 1


def host_values() -> dict[str, Any]:
    """Return a value of every kind that a service could have."""
    plain: Any = object.__new__(Plain)
    slotted: Any = object.__new__(Slotted)
    Slotted.__dict__["size"].__set__(slotted, 3)
    object.__setattr__(plain, "name", "vm1")
    values: dict[str, Any] = {
        "plain": plain, "of_meta": object.__new__(OfMeta), "slotted": slotted, "lying": object.__new__(Lying),
        "kind": OfMeta, "g": generator(), "file": io.StringIO("text"), "query": iter([1, 2]), "nothing": None,
        "text": "vm1", "number": 3, "mixed": [1, plain, "x"], "nested": {"a": {"b": [plain]}, 1: plain},
        "several": (plain, plain), "empty": {}, "lazily": collections.defaultdict(list),
    }  # fmt: skip
    for kind in SUBCLASSES:
        base: Any = kind.__mro__[1]
        values[kind.__name__.lower()] = base.__new__(kind)
    return values


def value(text: str, names: dict[str, Any]) -> str:
    """Return the text of a line after ``text=``."""
    (parsed,) = ask_expressions.parse([text])
    expression = ask_eval.Expression(parsed.text, parsed.code, list(parsed.names), unsafe=False)
    point = ask_eval.Point({"key": "1", "where": "m:f", "when": "entry", "expressions": []})
    variables = ask_eval._Names(names)
    variables.module = {}
    return point._part(expression, variables).removeprefix(f"{parsed.text}=")


NAMES = st.sampled_from(sorted(host_values()))
LEAVES = NAMES | st.sampled_from(["1", "'a'", "None", "1.5"])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    operators = st.sampled_from([*OPERATORS, "not in", "is not"])
    calls = st.sampled_from(sorted(set(ask_expressions.CALLS) - {"hasattr", "isinstance"}))
    return st.one_of(
        st.builds(lambda pair, sign: f"({pair[0]} {sign} {pair[1]})", two, operators),
        st.builds(lambda item, sign: f"({sign}{item})", inner, st.sampled_from(["not ", "-", "+", "~"])),
        st.builds(lambda item, name: f"{name}({item})", inner, calls),
        st.builds(
            lambda item, name: f"({item}).{name}", inner, st.sampled_from(["name", "client", "described", "size"])
        ),
        st.builds(lambda pair: f"{pair[0]}[{pair[1]}]", two),
        st.builds(lambda item: f"{item}[:1]", inner),
        st.builds(lambda pair: f"[{pair[0]}, {pair[1]}]", two),
        st.builds(lambda pair: f"{{{pair[0]}, {pair[1]}}}", two),
        st.builds(lambda pair: f"{{{pair[0]}: {pair[1]}}}", two),
        st.builds(lambda pair: f"({pair[0]} if {pair[1]} else 0)", two),
        st.builds(lambda name: f"f'{{{name}}} {{{name}!r:>9}}'", NAMES),
        st.builds(lambda pair: f"isinstance({pair[0]}, {pair[1]})", two),
        st.builds(lambda pair: f"max({pair[0]}, {pair[1]})", two),
        st.builds(lambda item: f"hasattr({item}, 'client')", inner),
    )


@settings(max_examples=examples(1500), deadline=None)
@given(st.recursive(LEAVES, _wider, max_leaves=5))
def test_no_expression_runs_code_of_the_host(text: str) -> None:
    """Every special method of these values raises and is counted."""
    del ran[:]
    shown = value(text[: ask_expressions.MAX_LENGTH], host_values())
    assert ran == []
    assert "host ran" not in shown
    assert len(shown) < 2000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain.name", "'vm1'"),
        ("plain", "<Plain>"),
        ("plain.client", "<property: use --unsafe>"),
        ("plain.described", "<property: use --unsafe>"),
        ("plain.anything", "<__getattr__: use --unsafe>"),
        ("lying.name", "<AttributeError: Lying has no name>"),
        ("slotted.size", "3"),
        ("kind", "<class 'tests.test_patches_host_objects.OfMeta'>"),
        ("g", "<generator>"),
        ("list(g)", "<generator: use --unsafe>"),
        ("1 in query", "<list_iterator: use --unsafe>"),
        ("file", "<StringIO>"),
        ("lazily['a']", "<KeyError: a>"),
        ("ofdict", "<Ofdict>"),
        ("len(ofdict)", "<Ofdict: use --unsafe>"),
        ("ofstr", "''"),
        ("mixed", "[1, <Plain>, 'x']"),
        ("mixed[2]", "'x'"),
        ("'x' in mixed", "True"),
        ("'y' in mixed", "<Plain: use --unsafe>"),
        ("mixed is mixed and len(mixed)", "3"),
        ("[plain, 1] + mixed", "[<Plain>, 1, 1, <Plain>, 'x']"),
        ("nested['a']['b']", "[<Plain>]"),
        ("isinstance(plain, object)", "True"),
        ("type(plain)", "'Plain'"),
        ("not plain", "<Plain: use --unsafe>"),
        ("{plain}", "<Plain: use --unsafe>"),
        ("{plain: 1}", "<Plain: use --unsafe>"),
        ("{1: plain}[1].name", "'vm1'"),
        ("hasattr(plain, 'name')", "True"),
    ],
)
def test_stored_values_are_shown_and_others_are_named(text: str, shown: str) -> None:
    del ran[:]
    assert value(text, host_values()) == shown
    assert ran == []


class Pair(NamedTuple):
    """A named tuple, whose fields are Python's own descriptors."""

    a: int
    b: str


class Info(list):  # type: ignore[type-arg]
    """A named list, as nova.network.model.NetworkInfo."""


class Late(Info):
    """A list that blocks its reader, as NetworkInfoAsyncWrapper."""

    def __iter__(self) -> Any:
        raise AssertionError("waited")

    def __len__(self) -> int:
        raise AssertionError("waited")


@pytest.mark.parametrize(
    ("thing", "text", "shown"),
    [
        (Info([1]), "x, x[0], len(x), 1 in x, sorted(x)", "Info([1]) 1 1 True [1]"),
        (Late(), "x, bool(x)", "<Late> <Late: use --unsafe>"),
        (collections.OrderedDict(a=1), "x, x['a'], list(x)", "OrderedDict({'a': 1}) 1 ['a']"),
        (collections.deque([1, 2], 5), "x, x[0], x[:1], len(x)", "deque([1, 2]) 1 [1] 2"),
        ({2, 1}, "sorted(x), x | {3}, x == {1, 2}", "[1, 2] {1, 2, 3} True"),
        (Pair(1, "c"), "x, x.b, x[0]", "Pair((1, 'c')) 'c' 1"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "x, x.year, x == x", "2026-01-02T00:00:00 2026 True"),
        (uuid.UUID(int=5), "x", "UUID('00000000000000000000000000000005')"),
        (LookupError("gone"), "x, x.args", "<LookupError: gone> ('gone',)"),
        ({"password": "geheim", "a": b"12"}, "x", "{'password': ***, 'a': <2 bytes>}"),
        ({"password": "geheim"}, "str(x)", "\"{'password': ***}\""),
        (5, "x + 1, -x, x / 2, x in (4, 5), f'{x:03}', 2 < x < 9", "6 -5 2.5 True '005' True"),
        (1 << 5000, "x * x", "<TypeError: int is not a number to calculate with>"),
        ([[]] * 100_001, "list(x), x[0], len(x)", "<ValueError: 100001 items> [] 100001"),
    ],
)  # fmt: skip
def test_known_containers_and_values_are_read(thing: Any, text: str, shown: str) -> None:
    parsed = [expression.text for expression in ask_expressions.parse([text])]
    assert " ".join(value(expression, {"x": thing}) for expression in parsed) == shown


def test_an_object_is_shown_by_its_attributes_with_secrets_masked() -> None:
    class Host:
        def __init__(self) -> None:
            self.host, self.admin_password, self.peer, self.tags = "h1", "geheim", Late(), ["a"]

    assert value("x", {"x": Host()}) == "<Host host='h1' admin_password=*** peer=<Late> tags=['a']>"


def test_a_list_that_holds_itself_ends() -> None:
    looped: list[Any] = []
    looped.append(looped)
    assert value("x", {"x": looped}) == "[[[[[[…]]]]]]"
    assert value("x == x", {"x": looped}) == "<ValueError: too many items>"


class Base(orm.DeclarativeBase):
    """The base of the models."""


class Parent(Base):
    """A model with every kind of attribute that SQLAlchemy maps."""

    __tablename__ = "parent"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String)
    notes = orm.deferred(sa.Column(sa.String))
    doubled = orm.column_property(id * 2)
    also = orm.synonym("name")
    kids = orm.relationship("Kid")

    @hybrid.hybrid_property
    def loud(self) -> Any:
        """Record that the model's code ran."""
        ran.append("hybrid")
        return self.name


class Kid(Base):
    """A child of a parent."""

    __tablename__ = "kid"
    id = sa.Column(sa.Integer, primary_key=True)
    parent_id: Any = sa.Column(sa.ForeignKey("parent.id"))


@pytest.fixture
def session() -> Iterator[tuple[orm.Session, list[str]]]:
    """Yield a session with a parent and a kid, and the list of statements that are sent."""
    sent: list[str] = []
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Parent(id=1, name="vm1", notes="n", kids=[Kid(id=7)]))
        session.commit()
        sa.event.listen(engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
        yield session, sent
    engine.dispose()


def test_reading_models_of_sqlalchemy_sends_no_statement(session: tuple[orm.Session, list[str]]) -> None:
    """Loaded, expired, deferred, detached."""
    database, sent = session
    parent = database.get(Parent, 1)
    query = database.query(Parent)
    result: Any = database.execute(sa.select(Parent.id))
    names = {"p": parent, "query": query, "result": result}
    del sent[:], ran[:]

    def shown(*texts: str) -> list[str]:
        return [value(text, names) for text in texts]

    assert shown("p.name", "p.doubled", "p.notes", "p.kids", "p.loud", "p.also") == [
        "'vm1'", "2", "<not loaded>", "<not loaded>", "<property: use --unsafe>", "<property: use --unsafe>",
    ]  # fmt: skip
    assert sorted(shown("p")[0].removeprefix("Parent(").removesuffix(")").split(", ")) == [
        "doubled=2",
        "id=1",
        "name='vm1'",
    ]
    every = [
        f"{form.format(name)}"
        for name in names
        for form in (
            "{0}", "list({0})", "len({0})", "{0}[0]", "{0}['name']", "{0} == 1", "not {0}", "1 in {0}", "f'{{{0}}}'",
            "{0}.name", "{0}.kids", "{0}.rowcount", "{0}.metadata", "bool({0})", "sorted({0})", "{0} + {0}",
        )
    ]  # fmt: skip
    shown(*every)
    database.expire_all()
    shown(*every)
    assert shown("p.name", "p") == ["<not loaded>", "Parent()"]
    assert sent == ran == []
    assert [len(parent.kids) if parent else 0, result.fetchall()] == [1, [(1,)]]
    assert shown("p.kids[0].id", "len(p.kids)") == ["7", "1"]
    database.expunge_all()
    del sent[:]
    shown(*every)
    assert shown("p.kids", "p.notes")[1] == "<not loaded>"
    assert sent == []
