"""The hooks that a plugin may implement, one function for each section of a suite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from effbench.api.factory import Factory

CONTRACT = 1
"""The version of the contract: a plugin's module may state it as ``EFFBENCH_CONTRACT``."""

hookspec = pluggy.HookspecMarker("effbench")
hookimpl = pluggy.HookimplMarker("effbench")


@hookspec
def effbench_datasets() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer datasets: a mapping from names in suites to factories of a `Dataset`."""


@hookspec
def effbench_encoders() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer encoders: a mapping from names to factories of an `Encoder` or `QueryEncoder`."""


@hookspec
def effbench_trainers() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer trainers: a mapping from names under ``models`` to factories of a `Trainer`."""


@hookspec
def effbench_retrievers() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer retrievers: a mapping from names in suites to factories of a `Retriever`."""


@hookspec
def effbench_indexes() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer indexes: a mapping from names in suites to factories of an `Index`."""


@hookspec
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:  # type: ignore[empty-body]
    """Offer complete rows: section of a suite -> name of the row -> ``use`` and options.

    A suite that says ``encoders: every`` (or ``retrievers: every``) runs all ready rows of that
    section, of all plugins. A row says what a row of a suite says, also ``passages``, ``seed``
    and ``sweep``. The sections are ``models``, ``encoders``, ``retrievers`` and ``indexes``. A
    name in a ready row means first a ready row of the same plugin, then a row of the suite. A
    row of the suite with the name of a ready row takes its place. A ready row that cannot run
    for a dataset is left out, with a remark.
    """
