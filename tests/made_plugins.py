"""Plugins that a test writes."""

from __future__ import annotations

import json

HEAD = """\
import os, sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
import effbench
from effbench_toy import PlainIndex, WordsEncoder

class Plain:
    dataset_id, corpus_key, key, drop_self_hits = "mine", "c", "k", False
    def __init__(self, *, words: list = []): self.words = words
    def docs_count(self): return 1
    def docs(self): yield effbench.Doc("d0", "oak")
    def queries(self): yield effbench.Query("q0", "oak")
    def qrels(self): yield effbench.Qrel("q0", "d0", 1)

class Enc:
    def __init__(self, *, width: int = 8): pass
    def encode_queries(self, queries): pass
    encode_corpus = encode_queries
"""
"""What a plugin of a test begins with."""


def offering(section: str, factory: str) -> str:
    """A hook that offers ``factory`` as 'mine'."""
    return f"\n@effbench.hookimpl\ndef effbench_{section}(): return {{'mine': {factory}}}\n"


def answering(answer: str, hook: str = "encoders") -> str:
    return f"\n@effbench.hookimpl\ndef effbench_{hook}(): return {answer}\n"


TELLER = """
class Teller(WordsEncoder):
    def __init__(self, *, told: str): super().__init__(); self.told = told
    def describe(self):
        stages = {"whole": self.encode_queries}
        count = lambda queries: [3 for _ in queries]
        nan, hello = float("nan"), effbench.Description
        return eval(self.told, {**globals(), **locals()})
""" + offering("encoders", "Teller")
"""An encoder whose ``describe`` is the value of an expression."""


def teller(told: str, passages: str = "") -> str:
    return f"{{use: mine, told: {json.dumps(told)}{passages}}}"
