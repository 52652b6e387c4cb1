"""What plugins may change of the process, and who puts it back."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import effbench_untidy
import pytest

from effbench.guard.blame import blamed
from effbench.guard.containment import contained_process
from effbench.guard.keepers import keepers


def state() -> list[object]:
    """Return all that belongs to all rows, in a form that can be compared."""
    import numpy as np
    import torch

    assert np.random, "which is imported when it is asked for"
    assert torch
    found = [one.taken() for one in keepers()]
    plain = [sorted(one.items()) if isinstance(one, Mapping) else str(one) for one in found]
    return [*plain, sys.stdout, sys.stderr]


@pytest.mark.parametrize("name", effbench_untidy.MESS)
def test_what_a_call_changes_is_put_back(name: str) -> None:
    assert state(), "which imports all that is looked at"
    with contained_process():
        with blamed("first"):
            pass
        before = state()
        with blamed("untidy"):
            effbench_untidy.MESS[name]()
            within = state()
        after = state()
        assert within != before, "else this would prove nothing"
        if name == "path":  # what it has added stays for it, behind all others
            sys.path.remove(tempfile.gettempdir())
            after = state()
        assert after == before


def test_what_changes_between_calls_is_put_back_before_the_next() -> None:
    with contained_process():
        with blamed("first"):
            pass
        before = Path.cwd()
        os.chdir("/")  # as what is deleted does, or a thread
        with blamed("encoder"):
            assert Path.cwd() == before
