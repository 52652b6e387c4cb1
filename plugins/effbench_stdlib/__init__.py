"""The dataset ``stdlib``: docstrings of Python's standard library, which need no download.

A doc is a docstring without its first line, which is the summary. A query is a summary; the
docs that have this summary are relevant. The dataset is good to show how effbench works. It
is no evidence for any claim about retrieval quality.
"""

from __future__ import annotations

import ast
import copy
import difflib
import hashlib
import inspect
import sys
import sysconfig
import warnings
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import effbench

FORMAT = 1  # raise it when a change of the code gives other docs, queries or judgments
LEFT_OUT = {"test", "tests", "idle_test", "_bundled", "__pycache__", "site-packages"}
MIN_QUERY_WORDS = 3
Definition: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Docstring(NamedTuple):
    """A docstring with more text than its summary."""

    doc_id: str
    title: str
    summary: str
    text: str


class Stdlib:
    """The docstrings of the standard library of the Python that runs effbench.

    ``packages`` are the top-level modules and packages to read (by default, all of them).
    The sources are read with `ast`; nothing is imported. ``docs`` is the largest number of
    docs in the corpus: those with the smallest sha256 of their ids stay, which come from all
    parts of the library. ``name`` replaces the version and the digest in tables. About a
    quarter of the queries, by a hash of their texts, are ``test``; all others are ``train``.

    Raises:
        EffbenchError: this Python does not have the sources of its library, or of a package.

    """

    drop_self_hits = False
    splits = ("train", "test")

    def __init__(
        self,
        *,
        split: Literal["train", "test"] = "test",
        docs: int = 2000,
        packages: list[str] | None = None,
        name: str | None = None,
    ) -> None:
        if docs < 1:
            raise effbench.EffbenchError(f"stdlib: docs is {docs} (take 1 or more)")
        self._split: str = split
        self._cap = docs
        self._name = name
        self._root = Path(sysconfig.get_path("stdlib"))
        if not (self._root / "ast.py").is_file():
            raise effbench.EffbenchError(
                f"stdlib: {self._root} holds no sources of the standard library "
                "(use a Python that is installed with its .py files)"
            )
        self._packages = None if packages is None else _checked(packages, self._root)

    def split(self, name: str) -> Stdlib:
        """Return the same docs with the queries of ``train`` or ``test``, or raise."""
        if name not in self.splits:
            has = ", ".join(self.splits)
            raise effbench.EffbenchError(f"stdlib: there is no split {name!r} (it has: {has})")
        dataset = copy.copy(self)  # with the docs, if they have been parsed already
        dataset._split = name
        return dataset

    @cached_property
    def _digest(self) -> str:
        """The digest of the sources and options; it parses nothing (14 MB: 0.05 to 0.2 s)."""
        options = [str(FORMAT), str(self._cap), *(self._packages or ())]
        digest = hashlib.sha256(" ".join(options).encode())
        for path in _source_files(self._root, self._packages):
            source = path.read_bytes()
            name = path.relative_to(self._root).as_posix()
            digest.update(f"\n{name} {len(source)}\n".encode())
            digest.update(source)
        return digest.hexdigest()

    @property
    def corpus_key(self) -> str:
        """The version of Python, since its `ast` reads the sources, and their digest."""
        version = ".".join(map(str, sys.version_info[:3]))
        return f"stdlib/{version}-{self._digest[:8]}"

    @property
    def dataset_id(self) -> str:
        """A name such as ``stdlib/3.11.7-1b5d2f60/test``, or ``NAME/test`` with option name.

        Without the option, the id changes with the sources, ``packages`` and ``docs``.
        """
        return f"{self._name or self.corpus_key}/{self._split}"

    @property
    def key(self) -> str:
        """The corpus and the split, whatever ``name`` is."""
        return f"{self.corpus_key}/{self._split}"

    @property
    def parts(self) -> frozenset[tuple[str, str]]:
        """A part for each module or package; datasets that read the same ones share parts."""
        version = ".".join(map(str, sys.version_info[:3]))
        return frozenset((f"stdlib/{version}/{name}", self._split) for name in self._modules)

    @cached_property
    def _modules(self) -> frozenset[str]:
        paths = _source_files(self._root, self._packages)
        return frozenset(
            path.relative_to(self._root).with_suffix("").parts[0] for path in paths
        )

    @cached_property
    def _docstrings(self) -> list[Docstring]:
        docstrings = _unique_ids(
            docstring
            for path in _source_files(self._root, self._packages)
            for docstring in _docstrings(path, _module_name(path.relative_to(self._root)))
        )
        kept = sorted(docstrings, key=lambda each: _sha256(each.doc_id))[: self._cap]
        return sorted(kept)

    def docs_count(self) -> int | None:
        """Return the number of docs once they are parsed, which takes seconds; before, None."""
        return len(self._docstrings) if "_docstrings" in vars(self) else None

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docstrings without their summaries, in the order of their ids."""
        for each in self._docstrings:
            yield effbench.Doc(each.doc_id, each.text, each.title)

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the distinct summaries of the split, in the order of their docs."""
        for summary in dict.fromkeys(each.summary for each in self._docstrings):
            if self._in_split(summary):
                yield effbench.Query(_query_id(summary), summary)

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield relevance 1 for each doc whose summary is a query of the split."""
        for each in self._docstrings:
            if self._in_split(each.summary):
                yield effbench.Qrel(_query_id(each.summary), each.doc_id, 1)

    def _in_split(self, summary: str) -> bool:
        if len(summary.split()) < MIN_QUERY_WORDS:
            return False
        split = "test" if int(_sha256(summary)[-1], 16) % 4 == 0 else "train"
        return split == self._split


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _query_id(summary: str) -> str:
    return _sha256(summary)[:12]


def _checked(packages: list[str], root: Path) -> list[str]:
    """Return the packages in alphabetical order, each once.

    Raises:
        EffbenchError: the list is empty, or a package has no public sources.

    """
    if not packages:
        raise effbench.EffbenchError("stdlib: packages is empty (leave it out to take all)")
    known = {
        path.relative_to(root).parts[0].removesuffix(".py") for path in _source_files(root)
    }
    for name in packages:
        if name not in known:
            close = " or ".join(difflib.get_close_matches(name, sorted(known)))
            hint = f"did you mean {close}?" if close else "take top-level ones, such as json"
            raise effbench.EffbenchError(f"stdlib: no public sources of {name!r} ({hint})")
    return sorted(set(packages))


def _source_files(root: Path, packages: Collection[str] | None = None) -> Iterator[Path]:
    """Yield the files of public modules in a fixed order, without tests and vendored code."""
    for name in sorted(sys.stdlib_module_names):
        if name.startswith("_") or (packages is not None and name not in packages):
            continue
        for path in [root / f"{name}.py", *sorted((root / name).rglob("*.py"))]:
            inside = path.relative_to(root)
            left_out = LEFT_OUT.intersection(inside.parts) or inside.stem.endswith("_test")
            if path.is_file() and not left_out:
                yield path


def _module_name(inside: Path) -> str:
    parts = inside.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _docstrings(path: Path, module: str) -> Iterator[Docstring]:
    """Yield the docstrings of a source file that have more text than their summaries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old sources contain invalid escapes
        tree = ast.parse(path.read_bytes())
    for name, node in _definitions(tree, module):
        docstring = ast.get_docstring(node, clean=False)
        summary, _, text = inspect.cleandoc(docstring or "").partition("\n")
        if text.strip():
            yield Docstring(name, name, summary.strip(), text.strip())


def _definitions(node: ast.AST, name: str) -> Iterator[tuple[str, ast.Module | Definition]]:
    """Yield a module, its classes, functions and methods, also inside of if and try."""
    if isinstance(node, ast.Module | Definition):
        yield name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return  # a definition inside a function is private to the function
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            inner = f"{name}.{child.name}" if isinstance(child, Definition) else name
            yield from _definitions(child, inner)


def _unique_ids(docstrings: Iterator[Docstring]) -> Iterator[Docstring]:
    """Yield docstrings; if several have the same id, number them: name, name#2, name#3."""
    seen: dict[str, int] = {}
    for each in docstrings:
        count = seen[each.doc_id] = seen.get(each.doc_id, 0) + 1
        yield each if count == 1 else each._replace(doc_id=f"{each.doc_id}#{count}")


@effbench.hookimpl
def effbench_datasets() -> dict[str, type[Stdlib]]:
    """Offer ``stdlib``."""
    return {"stdlib": Stdlib}
