"""A plugin that is hostile while plugins are loaded: the environment's ``SIXTY`` says how."""

from __future__ import annotations

import functools
import os
import sys

from effbench_toy import ToyDataset, WordsEncoder

import effbench

HOW = os.environ.get("SIXTY", "")


class Meta(type):
    """Ends the program when somebody asks for what is not there."""

    def __getattr__(cls, name):
        raise SystemExit(0)


class Callable_:
    """A factory that is an object."""

    def __call__(self, *, width: int = 64):
        return WordsEncoder(width=width)


class Untruthful:
    """A default that cannot be shown or compared."""

    def __repr__(self):
        raise SystemExit(0)

    def __eq__(self, other):
        raise SystemExit(0)

    __hash__ = None


def offers(**attributes):
    return {"loading": type("Loading", (WordsEncoder,), attributes)}


def unknown_annotation(*, width: Nowhere = 1):  # noqa: F821
    return WordsEncoder()


def odd_annotation(*, width: 7 = 1):
    return WordsEncoder()


def odd_default(*, width: int = Untruthful()):
    return WordsEncoder()


def unannotated(width, *rest, **more):
    return WordsEncoder()


class OddSignature(WordsEncoder):
    @property
    def __signature__(self):
        raise SystemExit(0)


class OddDoc(WordsEncoder):
    __doc__ = "\x1b[2Jgone\x07"


def raises():
    raise SystemExit(0)


def hook():
    yield "loading", WordsEncoder


ENCODERS = {
    "the hook raises": raises,
    "the hook returns None": lambda: None,
    "the hook returns a list": lambda: [WordsEncoder],
    "the hook is a generator": hook,
    "an offer is None": lambda: {"loading": None},
    "an offer's name is a number": lambda: {7: WordsEncoder},
    "an offer's name has a newline": lambda: {"a\nb": WordsEncoder},
    "an offer's name is half a character": lambda: {"\ud83d": WordsEncoder},
    "version is a word": lambda: offers(version="two"),
    "no attribute can be asked for": lambda: {"loading": Meta("Loading", (WordsEncoder,), {})},
    "requires is a list": lambda: offers(requires=["nothing"]),
    "requires numbers": lambda: offers(requires={1: 2}),
    "requires an empty name": lambda: offers(requires={"": "x", "..": "y"}),
    "a partial": lambda: {"loading": functools.partial(WordsEncoder, width=32)},
    "a callable object": lambda: {"loading": Callable_()},
    "a built-in": lambda: {"loading": dict},
    "an unknown annotation": lambda: {"loading": unknown_annotation},
    "an odd annotation": lambda: {"loading": odd_annotation},
    "an odd default": lambda: {"loading": odd_default},
    "no annotation": lambda: {"loading": unannotated},
    "an odd signature": lambda: {"loading": OddSignature},
    "an odd docstring": lambda: {"loading": OddDoc},
    "an offer of ours": lambda: {"transformer": WordsEncoder},
}
READY = {
    "ready rows are None": lambda: None,
    "ready rows of nothing": lambda: {"everything": {}},
    "a ready row is None": lambda: {"encoders": {"loading": None}},
    "ready rows are a list": lambda: {"encoders": ["loading"]},
}
IMPORTS = {
    "import raises SystemExit": lambda: sys.exit(0),
    "import prints": lambda: print("noise"),  # noqa: T201
    "import goes to another folder": lambda: os.chdir("/"),
    "an unknown hook": lambda: globals().update(effbench_all=effbench.hookimpl(raises)),
}
KINDS = (*ENCODERS, *READY, *IMPORTS)

IMPORTS.get(HOW, lambda: None)()


@effbench.hookimpl
def effbench_datasets():
    return {"loading": ToyDataset} if HOW else {}


@effbench.hookimpl
def effbench_encoders():
    return ENCODERS.get(HOW, dict)()


@effbench.hookimpl
def effbench_ready_rows():
    return READY.get(HOW, dict)()
