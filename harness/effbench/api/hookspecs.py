"""The hooks a plugin may implement, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from effbench.api.encoders import Factory

if TYPE_CHECKING:
    import click

hookspec = pluggy.HookspecMarker("effbench")
hookimpl = pluggy.HookimplMarker("effbench")


@hookspec
def effbench_datasets() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer datasets: name in suite files -> what makes a `Dataset`."""


@hookspec
def effbench_encoders() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer encoders: name in suite files -> what makes an `Encoder` or `QueryEncoder`."""


@hookspec
def effbench_trainers() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer trainers: name in suite files, under ``models`` -> what makes a `Trainer`."""


@hookspec
def effbench_retrievers() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer whole systems: name in suite files -> what makes a `Retriever`."""


@hookspec
def effbench_indexes() -> Mapping[str, Factory]:  # type: ignore[empty-body]
    """Offer indexes: name in suite files -> what makes an `Index`."""


@hookspec
def effbench_commands() -> Mapping[str, click.Command]:  # type: ignore[empty-body]
    """Offer commands of the program: name -> a click command, which imports what it needs."""


@hookspec
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:  # type: ignore[empty-body]
    """Offer rows that run as they are: section -> row name -> ``use`` and options.

    A suite that says ``encoders: every`` (or ``retrievers: every``) runs them all.
    """
