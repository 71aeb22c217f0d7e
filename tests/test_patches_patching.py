"""Replacing an attribute and putting the very same object back, whatever kind it is and whoever came in between."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import wrapt

from patches import patching

Maker = Callable[[Callable[..., Any]], Callable[..., Any]]


class Meta(type):
    """A metaclass that keeps what is set on its classes in a wrapping of its own."""

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, staticmethod(value) if name == "wrapped_by_meta" else value)


class Base:
    """Everything that can stand in a class."""

    def method(self) -> str:
        return f"method of {type(self).__name__}"

    @staticmethod
    def static(value: str = "") -> str:
        return f"static{value}"

    @classmethod
    def klass(cls) -> str:
        return f"klass of {cls.__name__}"

    def inherited(self) -> str:
        return f"inherited by {type(self).__name__}"


class Child(Base):
    """Inherits all of it."""


class Slots:
    """Has no ``__dict__``."""

    __slots__ = ("value",)

    def method(self) -> str:
        return "slots"


class Strange(metaclass=Meta):
    """Its metaclass minds what is set."""

    @staticmethod
    def wrapped_by_meta() -> str:
        return "meta"


def module() -> ModuleType:
    """A module with a function."""
    made = ModuleType("made")
    exec("def function():\n    return 'function'\n", vars(made))
    return made


MODULE = module()
TARGETS: list[tuple[Any, str, Callable[[], object]]] = [
    (Base, "method", lambda: Base().method()),
    (Base, "static", lambda: (Base.static(), Base().static("!"))),
    (Base, "klass", lambda: (Base.klass(), Child.klass(), Child().klass())),
    (Child, "inherited", lambda: (Child().inherited(), Base().inherited())),
    (Child, "static", lambda: (Child.static(),)),
    (Child, "klass", lambda: (Child.klass(),)),
    (Slots, "method", lambda: Slots().method()),
    (Strange, "wrapped_by_meta", lambda: (Strange.wrapped_by_meta(),)),
    (MODULE, "function", lambda: (MODULE.function(),)),
]
IDS = [f"{owner.__name__}.{name}" for owner, name, _ in TARGETS]


def counting(calls: list[str]) -> Maker:
    """A maker of wrappers that note each call."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            calls.append(original.__name__)
            return original(*args, **kwargs)

        return wrapper

    return make


def calling(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A wrapper that holds what it calls in its closure alone."""

    def outer(*args: Any) -> Any:
        return inner(*args)

    return outer


def holdings(*owners: Any) -> dict[tuple[str, str], int]:
    """What the owners hold, by identity."""
    return {(owner.__name__, name): id(value) for owner in owners for name, value in list(vars(owner).items())}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Every test ends with all put back."""
    yield
    assert patching.restore_all() == []
    assert patching.replaced == []


@pytest.mark.parametrize(("owner", "name", "use"), TARGETS, ids=IDS)
def test_calls_go_through_and_the_very_same_object_comes_back(owner: Any, name: str, use: Callable[[], object]) -> None:
    """A wrapped attribute answers as before; undone, its owner holds exactly what it held."""
    before, said = holdings(owner, Base), use()
    calls: list[str] = []
    assert patching.replace(owner, name, counting(calls))
    assert use() == said
    assert calls
    assert patching.restore_all() == []
    assert holdings(owner, Base) == before
    assert use() == said


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_undone_whatever_the_order_of_doing(order: tuple[int, ...]) -> None:
    """Base, child and grandchild of one method, in any order: each is put back."""

    class Grandchild(Child):
        pass

    owners = [Base, Child, Grandchild]
    before = holdings(*owners)
    for index in order:
        assert patching.replace(owners[index], "inherited", counting([]))
    assert Grandchild().inherited() == "inherited by Grandchild"
    assert patching.restore_all() == []
    assert holdings(*owners) == before


def test_a_kind_stays_what_it_is() -> None:
    """A staticmethod is wrapped as one, a classmethod as one, a function as one."""
    for name in ("static", "klass", "method"):
        kind = type(vars(Base)[name])
        patching.replace(Base, name, counting([]))
        assert type(vars(Base)[name]) is kind


def test_two_hooks_on_one_attribute_both_run_and_both_go() -> None:
    """The second is around the first."""
    before, calls = holdings(Base), []  # type: ignore[var-annotated]
    patching.replace(Base, "method", counting(calls))
    patching.replace(Base, "method", counting(calls))
    Base().method()
    assert len(calls) == 2
    patching.restore_all()
    assert holdings(Base) == before


def test_what_somebody_wrapped_since_stays_and_passes_through() -> None:
    """It is named; once the other has put ours back, it goes at the next undoing."""
    original, calls = vars(Base)["method"], []  # type: ignore[var-annotated]
    patching.replace(Base, "method", counting(calls))
    ours = vars(Base)["method"]
    theirs = counting([])(ours)
    Base.method = theirs  # type: ignore[method-assign]
    assert patching.restore_all() == ["Base.method"]
    assert vars(Base)["method"] is theirs
    assert Base().method() == "method of Base"
    Base.method = ours  # type: ignore[method-assign]
    assert patching.restore_all() == []
    assert vars(Base)["method"] is original


@pytest.mark.parametrize("how", ["wraps", "closure", "partial", "wrapt"])
def test_hooks_that_come_again_are_not_put_around_one_that_stayed(how: str) -> None:
    """Otherwise each call would be recorded twice."""
    original, calls = vars(Base)["static"], []  # type: ignore[var-annotated]
    patching.replace(Base, "static", counting(calls))
    ours = vars(Base)["static"]
    wrappers: dict[str, Callable[[Callable[..., Any]], Any]] = {
        "wraps": counting([]),
        "closure": calling,
        "partial": functools.partial,
        "wrapt": lambda inner: wrapt.FunctionWrapper(inner, lambda f, _, args, kwargs: f(*args, **kwargs)),
    }
    Base.static = staticmethod(wrappers[how](ours.__func__))  # type: ignore[method-assign]
    patching.restore_all()
    assert patching.replace(Base, "static", counting(calls))
    calls.clear()
    assert Base.static() == "static"
    assert len(calls) == 1
    Base.static = original  # type: ignore[method-assign]


def test_hooks_that_come_again_are_put_around_what_lost_ours() -> None:
    """Somebody wrapped ours and then put the original back: there is nothing of ours left."""
    original, calls = vars(Base)["method"], []  # type: ignore[var-annotated]
    patching.replace(Base, "method", counting(calls))
    Base.method = counting([])(Base.method)  # type: ignore[method-assign]
    patching.restore_all()
    Base.method = original  # type: ignore[method-assign]
    patching.replace(Base, "method", counting(calls))
    Base().method()
    assert calls == ["method"]


def test_a_reloaded_module_is_not_reported_as_wrapped() -> None:
    """Its functions are new ones: they are put back, and of the old ones nothing is left to say."""
    patching.replace(MODULE, "function", counting([]))
    exec("def function():\n    return 'reloaded'\n", vars(MODULE))
    new = MODULE.function
    patching.replace(MODULE, "function", counting([]))
    assert patching.restore_all() == []
    assert MODULE.function is new


def test_a_method_that_a_module_took_while_ours_stood_there_is_put_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    original, module = vars(Base)["method"], ModuleType("taking")
    monkeypatch.setitem(sys.modules, "taking", module)
    assert patching.replace(Base, "method", counting([]))
    module.taken = Base.method  # type: ignore[attr-defined]
    assert patching.restore_all() == []
    assert module.taken is original


def test_second_names_in_class_bodies_are_restored() -> None:
    """Of methods and static methods, inherited ones too, in classes of any scope and with any metaclass."""
    originals = vars(Base)["method"], vars(Base)["inherited"], Base.static
    calls: list[str] = []
    for owner, name in ((Base, "method"), (Child, "inherited"), (Base, "static")):
        assert patching.replace(owner, name, counting(calls))

    class Taker:
        first, second = Base.method, Child.inherited
        third = Base.static

    class StrangeTaker(metaclass=Meta):
        wrapped_by_meta = Base.method

    first = vars(Taker)["first"]
    assert patching.replace(Taker, "first", counting(calls))
    assert patching.restore_all() == []
    assert (vars(Taker)["first"], vars(Taker)["second"], vars(Taker)["third"]) == originals
    assert vars(StrangeTaker)["wrapped_by_meta"] is originals[0] is not first
    calls.clear()
    assert Taker().first() == "method of Taker"  # type: ignore[misc]
    assert calls == []


def test_second_names_of_a_function_are_put_back_too() -> None:
    """A module that did ``from x import f`` while our wrapper stood there is left with x's own f."""
    other = ModuleType("other")
    sys.modules["other"] = other
    try:
        original = MODULE.function
        patching.replace(MODULE, "function", counting([]))
        other.taken = MODULE.function  # type: ignore[attr-defined]
        patching.replace(other, "taken", counting([]))
        patching.restore_all()
        assert other.taken is original
    finally:
        del sys.modules["other"]


class Plain:
    """Called without the instance it stands in."""

    def __call__(self, *args: object) -> tuple[object, ...]:
        return args


class Holder:
    """What is not to be wrapped, since a call would not be what it was."""

    partial = functools.partial(len, [1, 2])
    instance = Plain()
    value = 3
    nested = Base

    @property
    def told(self) -> int:
        return 1


@pytest.mark.parametrize("name", ["partial", "instance", "value", "nested", "told", "missing"])
def test_what_a_function_cannot_stand_for_is_left_alone(name: str) -> None:
    """No attribute changes, and the caller is told."""
    before = holdings(Holder)
    assert not patching.replace(Holder, name, counting([]))
    assert holdings(Holder) == before


@pytest.mark.parametrize("owner", [dict, itertools.count])
def test_classes_written_in_c_are_left_alone(owner: type) -> None:
    """They cannot be changed, and that is no error."""
    assert not patching.replace(owner, "__repr__", counting([]))


def test_a_wrapt_method_still_gets_its_instance() -> None:
    """OpenTelemetry wraps with wrapt: called through ours, its wrapper sees the instance it saw before."""
    seen: list[object] = []

    def wrapper(wrapped: Any, instance: object, args: Any, kwargs: Any) -> Any:
        seen.append(instance)
        return wrapped(*args, **kwargs)

    class Traced:
        method = wrapt.FunctionWrapper(Base.method, wrapper)

    traced, before = Traced(), holdings(Traced)
    assert patching.replace(Traced, "method", counting([]))
    assert traced.method() == "method of Traced"
    assert seen == [traced]
    patching.restore_all()
    assert holdings(Traced) == before


def test_what_is_no_attribute_is_undone_last_and_a_failure_is_told() -> None:
    """Functions given to undo() run after the attributes were put back, latest first."""
    order: list[str] = []
    patching.replace(Base, "method", counting([]))
    original = patching.replaced[-1][2]

    def first() -> None:
        order.append("first")
        raise RuntimeError("broken")

    patching.undo(first)
    patching.undo(lambda: order.append("second" if vars(Base)["method"] is original else "too early"))
    assert patching.restore_all() == ["RuntimeError: broken"]
    assert order == ["second", "first"]
