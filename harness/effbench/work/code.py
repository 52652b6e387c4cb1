"""The code of plugins: a digest of its files, so that a change under one version is seen.

Keys hold a plugin's ``version``, which its author raises when numbers change. Who forgets it
gets old numbers beside new ones; what finished steps and records hold of the code tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from effbench.api.encoders import ModelId
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
"""Of files that hold code; models and data that lie beside it have digests of their own."""

_MODEL = "model "

Code: TypeAlias = Mapping[str, Sequence[str]]
"""Plugin -> the digests of its code that were at work: several where it changed meanwhile.

So with ``model ID``, a model of the hub, and its commits: keys hold its name alone.
"""


@cache
def digest(module: str) -> str:
    """Return 12 hex digits for the files of a module's package; empty where there are none."""
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
    """Return the code that the plugins of some offers have now."""
    return {offer.plugin: [digest(offer.module)] for offer in offers}


def models(steps: Iterable[Step]) -> dict[str, list[str]]:
    """Return the commit that is here of each model of the hub that some steps use."""
    rows = (getattr(step, "row", None) for step in steps)
    of_hub = (model for row in rows if isinstance(row, Row) for model in _of_hub(row))
    commits = {f"{_MODEL}{model}": hub_commit(model, revision) for model, revision in of_hub}
    return {name: [commit] for name, commit in commits.items() if commit}


def _of_hub(row: Row) -> Iterator[tuple[str, str | None]]:
    """Yield the models of a row that are a hub's, which keys know by name, and revisions."""
    facts, arguments = row.resolved.query_facts, row.resolved.arguments
    for name, option in row.offer.options.items():
        given = arguments.get(name)
        if ModelId in option.choices and isinstance(given, str) and facts.get(name) == given:
            yield given, arguments.get("revision")


def merged(codes: Iterable[Code]) -> dict[str, list[str]]:
    """Return the code of several steps."""
    by_plugin: dict[str, set[str]] = {}
    for code in codes:
        for plugin, digests in code.items():
            by_plugin.setdefault(plugin, set()).update(digests)
    return {plugin: sorted(by_plugin[plugin]) for plugin in sorted(by_plugin)}


def kept(steps: Mapping[str, Step], store: Store) -> dict[str, list[str]]:
    """Return the code that made those of some steps (key -> step) that are finished."""
    manifests = (store.artifact(step.kind, key).manifest() for key, step in steps.items())
    return merged(manifest.get("code", {}) for manifest in manifests if manifest)


def remarks(kept: Code, offers: Iterable[Offer], steps: Iterable[Step]) -> list[str]:
    """Return a line for each plugin, and model of the hub, that was another one then."""
    named = any(name.startswith(_MODEL) for name in kept)
    now = {**of(offers), **(models(steps) if named else {})}
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
    """Return the versions of the packages that some offers say they need (``requires``)."""
    modules = sorted({name for offer in offers for name in offer.requires})
    packages = packages_distributions() if modules else {}
    known = {}
    for module in modules:
        for package in packages.get(module.partition(".")[0], ()):
            try:
                known[package] = version(package)
            except PackageNotFoundError:  # a leftover of what was removed
                continue
    return known
