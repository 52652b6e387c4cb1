"""The code of plugins: a digest of its files shows a change that raised no version.

Keys hold a plugin's ``version``, which its author raises when numbers change. An author who
forgets it gets old numbers beside new ones. So finished steps and records also hold the digest
of the code, and a remark says when it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from effbench.store.digests import (
    digest_of,
    file_sha256,
    files_under,
    hub_commit,
    readable,
    spec_of,
)
from effbench.work.rows import Row

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Store
    from effbench.work.step import Step

SUFFIXES = (".py", ".pyd", ".so", ".dll", ".dylib")
"""Suffixes of files with code; models and data beside it have other digests."""

_MODEL = "model "

Code: TypeAlias = Mapping[str, Sequence[str]]
"""Plugin -> the digests of the code that was at work: several, if it changed meanwhile.

``model ID`` -> the commits of a model of the hub, since the keys of steps hold only its name.
"""


@cache
def digest(module: str) -> str:
    """Return 12 hex digits for the files of a module's package; "" if it has no files."""
    spec = spec_of(module.partition(".")[0])
    if spec is None:
        return ""
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    paths = [(folder, path) for folder in folders for path in files_under(folder)]
    if not folders and spec.origin:
        paths = [(Path(spec.origin).parent, Path(spec.origin))]
    with readable(Path(module)):
        files = [
            (path.relative_to(folder).as_posix(), file_sha256(path))
            for folder, path in paths
            if path.suffix in SUFFIXES
        ]
    return digest_of(files)[:12] if files else ""


def of(offers: Iterable[Offer]) -> dict[str, list[str]]:
    """Return the code that the plugins of the offers have now."""
    return {offer.plugin: [digest(offer.module)] for offer in offers}


def hub_commits(steps: Iterable[Step]) -> dict[str, list[str]]:
    """Return ``model ID`` -> the commit in the local cache, for the hub models of the steps."""
    rows = (getattr(step, "row", None) for step in steps)
    used = (model for row in rows if isinstance(row, Row) for model in row.hub_models)
    commits = {f"{_MODEL}{model.name}": hub_commit(*model[:2]) for model in used}
    return {name: [commit] for name, commit in commits.items() if commit}


def merged(codes: Iterable[Code]) -> dict[str, list[str]]:
    """Return the code of several steps as one mapping, sorted."""
    by_plugin: dict[str, set[str]] = {}
    for code in codes:
        for plugin, digests in code.items():
            by_plugin.setdefault(plugin, set()).update(digests)
    return {plugin: sorted(by_plugin[plugin]) for plugin in sorted(by_plugin)}


def of_finished(steps: Mapping[str, Step], store: Store) -> dict[str, list[str]]:
    """Return the code that made the steps (key -> step), as far as they are finished."""
    manifests = (store.artifact(step.kind, key).manifest() for key, step in steps.items())
    return merged(manifest.get("code", {}) for manifest in manifests if manifest)


def remarks(kept: Code, offers: Iterable[Offer], steps: Iterable[Step]) -> list[str]:
    """Return a line for each plugin, and each hub model, that has changed since."""
    named = any(name.startswith(_MODEL) for name in kept)
    now = {**of(offers), **(hub_commits(steps) if named else {})}
    return [
        _remark(name)
        for name, digests in kept.items()
        if name in now and set(digests) - set(now[name])
    ]


def _remark(name: str) -> str:
    if name.startswith(_MODEL):
        return (
            f"{name} is another one in the hub's cache than when it made what is kept here: "
            "old numbers may stand beside new ones (give a revision, or another --cache and "
            "--results)"
        )
    return (
        f"plugin {name!r} has changed since it made what is kept here, and its version has "
        "not: old numbers may stand beside new ones (if its numbers changed, give the class of "
        "what it offers a higher version; else there is nothing to do)"
    )


def versions(offers: Iterable[Offer]) -> dict[str, str]:
    """Return package -> version for the packages that the offers need (``requires``)."""
    modules = sorted({name for offer in offers for name in offer.requires})
    packages = packages_distributions() if modules else {}
    installed = {}
    for module in modules:
        for package in packages.get(module.partition(".")[0], ()):
            try:
                installed[package] = version(package)
            except PackageNotFoundError:  # a leftover of a package that was removed
                continue
    return installed
