"""Replacing attributes and restoring the same objects, even if other tools have wrapped them meanwhile."""

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
    """A metaclass that wraps an attribute set on its classes."""

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, staticmethod(value) if name == "wrapped_by_meta" else value)


class Base:
    """A class with every kind of method."""

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
    """A class that inherits all methods."""


class Slots:
    """A class without a ``__dict__``."""

    __slots__ = ("value",)

    def method(self) -> str:
        return "slots"


class Strange(metaclass=Meta):
    """A class whose metaclass wraps the attribute."""

    @staticmethod
    def wrapped_by_meta() -> str:
        return "meta"


def module() -> ModuleType:
    """Return a module with a function."""
    result = ModuleType("made")
    exec("def function():\n    return 'function'\n", vars(result))
    return result


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
    """Return a maker of wrappers that record every call."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            calls.append(original.__name__)
            return original(*args, **kwargs)

        return wrapper

    return make


def calling(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a wrapper that refers to the function only in its closure."""

    def outer(*args: Any) -> Any:
        return inner(*args)

    return outer


def identities(*owners: Any) -> dict[tuple[str, str], int]:
    """Return the identities of the owners' attributes."""
    return {(owner.__name__, name): id(value) for owner in owners for name, value in list(vars(owner).items())}


@pytest.fixture(autouse=True)
def everything_is_restored() -> Iterator[None]:
    """Restore all attributes after every test."""
    yield
    assert patching.restore_all() == []
    assert patching.replaced == []


@pytest.mark.parametrize(("owner", "name", "use"), TARGETS, ids=IDS)
def test_a_replaced_attribute_behaves_as_before_and_is_restored(
    owner: Any, name: str, use: Callable[[], object]
) -> None:
    before, result = identities(owner, Base), use()
    calls: list[str] = []
    assert patching.replace(owner, name, counting(calls))
    assert use() == result
    assert calls
    assert patching.restore_all() == []
    assert identities(owner, Base) == before
    assert use() == result


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_replacements_in_any_order_are_restored(order: tuple[int, ...]) -> None:
    """A method in base, child and grandchild."""

    class Grandchild(Child):
        pass

    owners = [Base, Child, Grandchild]
    before = identities(*owners)
    for index in order:
        assert patching.replace(owners[index], "inherited", counting([]))
    assert Grandchild().inherited() == "inherited by Grandchild"
    assert patching.restore_all() == []
    assert identities(*owners) == before


def test_a_replacement_has_the_kind_of_the_original() -> None:
    """Static method, class method or function."""
    for name in ("static", "klass", "method"):
        kind = type(vars(Base)[name])
        patching.replace(Base, name, counting([]))
        assert type(vars(Base)[name]) is kind


def test_two_hooks_on_one_attribute_both_run_and_are_both_restored() -> None:
    """The second is around the first."""
    before, calls = identities(Base), []  # type: ignore[var-annotated]
    patching.replace(Base, "method", counting(calls))
    patching.replace(Base, "method", counting(calls))
    Base().method()
    assert len(calls) == 2
    patching.restore_all()
    assert identities(Base) == before


def test_a_wrapper_that_another_tool_has_wrapped_stays_and_passes_through() -> None:
    """It is reported; once the other tool has restored ours, the next restore removes it."""
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
def test_a_hook_is_not_installed_twice_around_a_wrapper_that_stayed(how: str) -> None:
    """Otherwise every call would be recorded twice."""
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


def test_a_hook_is_installed_again_where_its_wrapper_was_removed() -> None:
    """Another tool wrapped ours and then restored the original."""
    original, calls = vars(Base)["method"], []  # type: ignore[var-annotated]
    patching.replace(Base, "method", counting(calls))
    Base.method = counting([])(Base.method)  # type: ignore[method-assign]
    patching.restore_all()
    Base.method = original  # type: ignore[method-assign]
    patching.replace(Base, "method", counting(calls))
    Base().method()
    assert calls == ["method"]


def test_a_reloaded_module_is_not_reported_as_wrapped() -> None:
    """Its new functions are restored, and the old ones are forgotten."""
    patching.replace(MODULE, "function", counting([]))
    exec("def function():\n    return 'reloaded'\n", vars(MODULE))
    new = MODULE.function
    patching.replace(MODULE, "function", counting([]))
    assert patching.restore_all() == []
    assert MODULE.function is new


def test_a_patched_method_that_a_module_has_taken_is_restored_there(monkeypatch: pytest.MonkeyPatch) -> None:
    original, module = vars(Base)["method"], ModuleType("taking")
    monkeypatch.setitem(sys.modules, "taking", module)
    assert patching.replace(Base, "method", counting([]))
    module.taken = Base.method  # type: ignore[attr-defined]
    assert patching.restore_all() == []
    assert module.taken is original


def test_second_names_in_class_bodies_are_restored() -> None:
    """Methods and static methods, inherited ones too, in classes of any scope and with any metaclass."""
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


def test_a_second_name_of_a_function_is_restored() -> None:
    """A module that did ``from x import f`` while f was wrapped gets x's original f."""
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
    """A callable object that is not bound to the class it is in."""

    def __call__(self, *args: object) -> tuple[object, ...]:
        return args


class Holder:
    """Attributes that cannot be wrapped without changing their calls."""

    partial = functools.partial(len, [1, 2])
    instance = Plain()
    value = 3
    nested = Base

    @property
    def computed(self) -> int:
        return 1


@pytest.mark.parametrize("name", ["partial", "instance", "value", "nested", "computed", "missing"])
def test_an_attribute_that_is_no_function_is_not_replaced(name: str) -> None:
    before = identities(Holder)
    assert not patching.replace(Holder, name, counting([]))
    assert identities(Holder) == before


@pytest.mark.parametrize("owner", [dict, itertools.count])
def test_attributes_of_c_classes_are_not_replaced(owner: type) -> None:
    """They cannot be changed; replace reports that without an error."""
    assert not patching.replace(owner, "__repr__", counting([]))


def test_a_wrapt_method_still_gets_its_instance() -> None:
    """OpenTelemetry uses wrapt: called through ours, its wrapper sees the same instance as before."""
    instances: list[object] = []

    def wrapper(wrapped: Any, instance: object, args: Any, kwargs: Any) -> Any:
        instances.append(instance)
        return wrapped(*args, **kwargs)

    class Traced:
        method = wrapt.FunctionWrapper(Base.method, wrapper)

    traced, before = Traced(), identities(Traced)
    assert patching.replace(Traced, "method", counting([]))
    assert traced.method() == "method of Traced"
    assert instances == [traced]
    patching.restore_all()
    assert identities(Traced) == before


def test_undo_functions_run_last_and_their_failures_are_reported() -> None:
    """Functions passed to undo() run after the attributes are restored, latest first."""
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
