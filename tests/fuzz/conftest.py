from __future__ import annotations

import functools
import os

import pytest

import effbench.offers.plugins


@pytest.fixture(autouse=True, scope="module")
def _quick():
    """Load the plugins once, and force nothing to disk: no power fails here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            effbench.offers.plugins, "load", functools.cache(effbench.offers.plugins.load)
        )
        patch.setattr(os, "fsync", lambda _: None)
        yield
