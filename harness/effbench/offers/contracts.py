"""What the classes of each section must have and may have, and what they seem to misspell."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from effbench.api import encoders, training
from effbench.api.errors import EffbenchError
from effbench.api.kinds import KINDS, Kind
from effbench.offers.annotations import members
from effbench.offers.schema import Option
from effbench.text.suggestions import near

LIKENESS = 0.8
"""Of two spellings, from 0 to 1: an attribute this like one of ours is taken for a mistake."""


class Contract(NamedTuple):
    """What `KINDS` says of a section, with the protocols themselves."""

    must: type
    may: tuple[type, ...]
    optional: tuple[str, ...]
    """Members of the protocol that a class may leave out."""

    attributes: tuple[str, ...]

    def members(self) -> set[str]:
        """Return all names that have a meaning in a class."""
        protocols = (base for protocol in (self.must, *self.may) for base in protocol.__mro__)
        names = {name for base in protocols for name in vars(base) if name[0] != "_"}
        return names | {*self.attributes}

    def methods(self) -> list[str]:
        """Return the methods that a class must have."""
        members = vars(self.must).items()
        return [n for n, value in members if _is_method(n, value) and n not in self.optional]


def _contract(kind: Kind) -> Contract:
    """Return the contract of a kind; of several that are enough, the last has the least."""
    *more, least = (
        getattr(encoders, name, None) or getattr(training, name) for name in kind.contract
    )
    besides = (getattr(encoders, name) for name in kind.besides)
    return Contract(least, (*more, *besides), kind.optional, kind.attributes)


RESERVED = {
    "datasets": ("use", "group"),
    "models": ("use", "sweep", "seed"),
    "encoders": ("use", "sweep", "passages", "store"),
    "retrievers": ("use", "sweep"),
    "indexes": ("use", "sweep", "search"),
}
"""Section -> the keys of its rows that are no options."""

CONTRACTS = {kind.section: _contract(kind) for kind in KINDS.values()}
"""The contract of each section of a suite."""


def refuse_missing(factory: Any, section: str, options: Collection[str], who: str) -> None:
    """Refuse a class without a method that its contract demands.

    A method that an instance gets later is no mistake, so a class passes that sets its name.

    Raises:
        EffbenchError: the message names ``who`` and the method.

    """
    contract = CONTRACTS[section]
    for method in contract.methods():
        if method not in options and lacks(factory, method):
            like = near(method, sorted(_public(factory) - contract.members()))
            kind = f"an effbench.{contract.must.__name__}"
            mend = f"rename {like!r}?" if like else f"docs/plugins.md says what {kind} has"
            raise EffbenchError(f"{who}: the class has no method {method!r} ({mend})")


def refuse_reserved(section: str, options: Collection[str], who: str) -> None:
    """Refuse an option that no suite could give, because its name has a meaning in every row.

    Raises:
        EffbenchError: the message names ``who`` and the option.

    """
    for name in RESERVED[section]:
        if name in options:
            raise EffbenchError(
                f"{who}: its option {name!r} cannot be given: {name} means something else in "
                f"a row of {section} (rename it)"
            )


def lacks(factory: Any, method: str) -> bool:
    """Tell whether no instance of a class can have a method; False if nobody can know."""
    known = inspect.isclass(factory) and not _makes_others(factory)
    return known and method not in _names_in(factory)


def misspelt(factory: Any, section: str, options: Collection[str]) -> Iterator[str]:
    """Yield a remark for each attribute of a factory that is spelt almost like one of ours."""
    names, members = _public(factory), CONTRACTS[section].members()
    for name in sorted(names - members - set(options)):
        like = difflib.get_close_matches(name, members - names, n=1, cutoff=LIKENESS)
        if like:
            yield f"its attribute {name!r} has no meaning (did you mean {like[0]!r}?)"


def _is_method(name: str, value: Any) -> bool:
    return name[0] != "_" and inspect.isfunction(value)


def _makes_others(kind: type) -> bool:
    """Tell whether a class decides only at run time what its instances are or have."""
    hooks = ("__getattr__", "__getattribute__", "__new__")
    made = (name for base in _bases(kind) for name in hooks if name in vars(base))
    plain = type(kind).__call__ is type.__call__
    return not plain or (any(made) and not issubclass(kind, tuple))


def _bases(kind: type) -> list[type]:
    """Return a class and its bases, except Python's own and the contracts themselves."""
    return [
        base
        for base in kind.__mro__
        if base.__module__ not in ("builtins", "typing")
        and not base.__module__.startswith("effbench.api.")
    ]


def _names_in(kind: type) -> set[str]:
    """Return the names that a class and its bases define, declare or use."""
    names: set[str] = set()
    for base in _bases(kind):
        names.update(vars(base), vars(base).get("__annotations__", ()))
        for value in vars(base).values():
            names.update(getattr(getattr(value, "__code__", None), "co_names", ()))
    return names


def _public(factory: Any) -> set[str]:
    """Return the public names of a function, or of a class and its bases in its package."""
    places = [factory]
    if inspect.isclass(factory):
        package = factory.__module__.partition(".")[0]
        places = [b for b in _bases(factory) if b.__module__.partition(".")[0] == package]
    names = (name for place in places for name in getattr(place, "__dict__", ()))
    return {name for name in names if isinstance(name, str) and name[0] != "_"}


def refuse_unopened(
    options: Mapping[str, Option], annotations: Iterable[Any], who: str
) -> None:
    """Refuse search options that name rows or files: nothing opens these for a search.

    Raises:
        EffbenchError: an option has one of the annotations; the message names it.

    """
    for name, option in options.items():
        kinds = {*members(option.annotation), *members((option.each or option).annotation)}
        if not kinds.isdisjoint(annotations):
            raise EffbenchError(
                f"{who}: its option {name!r} cannot be a {option.type_name()}: nothing opens "
                "it here (take another type)"
            )
