"""Rows: the entries of a suite, with their offers and their options resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from effbench.api.errors import EffbenchError
from effbench.guard.attributes import shown
from effbench.guard.blame import PluginError, blamed, blamed_for_all
from effbench.offers.plugins import Offer
from effbench.store.digests import digest_of
from effbench.work.options import Input, Resolved, changed, copied, named_files

if TYPE_CHECKING:
    from effbench.work.step import Bench, Step

NOUNS = {
    "datasets": "dataset",
    "models": "model",
    "encoders": "encoder",
    "retrievers": "retriever",
    "indexes": "index",
}
"""Section of a suite -> the noun for a row of it in messages."""


FLOAT32, FLOAT16 = "float32", "float16"
"""The types of numbers in which the vectors of docs can be kept."""


class HubModel(NamedTuple):
    """A model of the hub that an option of type `ModelId` names; keys hold its name alone."""

    name: str
    revision: str | None
    """The value of the option ``revision`` beside it."""

    revisable: bool
    """Whether its offer has an option ``revision``."""


@dataclass(frozen=True)
class Row:
    """A model, encoder, retriever or index of a suite, ready to be made."""

    name: str
    offer: Offer
    distribution: str
    given: Mapping[str, Any]
    resolved: Resolved
    passages: Row | None = None
    search: Mapping[str, tuple[Any, ...]] | None = None
    store: str = FLOAT32
    """The type of number in which the vectors of docs are kept: `FLOAT32` or `FLOAT16`."""

    family: str = ""
    """The name in the suite, if a sweep made this row; the same as ``name`` if none did."""

    settings: Mapping[str, str] = field(default_factory=dict)
    """Swept option -> the label of its value, for a row that a sweep made."""

    exact: bool = False
    """Whether it is an index that finds exactly the largest inner products."""

    @property
    def names(self) -> tuple[str, str]:
        """The names that mean this row: its own, and that of its family."""
        return self.name, self.family or self.name

    @property
    def who(self) -> str:
        """How messages name the row: its section, name and plugin."""
        return f"{NOUNS[self.offer.section]} {self.name!r} (plugin {self.offer.plugin})"

    @property
    def hub_models(self) -> tuple[HubModel, ...]:
        """The models of the hub that its options name."""
        options, revision = self.offer.options, self.resolved.arguments.get("revision")
        revision = None if revision is None else str(revision)
        return tuple(
            HubModel(path, revision, "revision" in options)
            for path, fact in named_files(options, self.resolved)
            if fact == path  # the fact of a folder is its digest
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps whose artifacts its options open."""
        return tuple(
            step for opening in self.resolved.inputs.values() for step in opening.steps
        )

    @cached_property
    def live(self) -> tuple[Row, ...]:
        """The rows that its options hand over live, and those of these rows, each once."""
        rows: dict[str, Row] = {}
        for opening in self.resolved.inputs.values():
            for row in cast("tuple[Row, ...]", opening.rows):
                rows |= {part.key: part for part in (row, *row.live)}
        return tuple(rows.values())

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers whose code works in its instance."""
        return (self.offer, *(row.offer for row in self.live))

    @property
    def by_id(self) -> bool:
        """Whether it, or a row in it, finds the vector of a doc by its id."""
        return any(offer.by_id for offer in self.offers)

    @property
    def corpus_facts(self) -> dict[str, Any]:
        """What decides the row's corpus vectors (or its index)."""
        return {**self._offer_facts(), "options": dict(self.resolved.corpus_facts)}

    @property
    def kept_facts(self) -> dict[str, Any]:
        """What decides how its corpus vectors are kept, where that is not the usual way."""
        return {} if self.store == FLOAT32 else {"store": self.store}

    @property
    def query_facts(self) -> dict[str, Any]:
        """What decides the row's query vectors."""
        return {**self._offer_facts(), "options": dict(self.resolved.query_facts)}

    def pace(self, device: str | None) -> dict[str, Any]:
        """Return what decides its speed: all options, also speed-only ones, but no datasets.

        A trained model stands for its own options. ``device`` counts if the row names none.
        """
        rows = [row._pace_alone(device) for row in self.live]
        return {**self._pace_alone(device), **({"live": rows} if rows else {})}

    def _pace_alone(self, device: str | None) -> dict[str, Any]:
        """Return the same without the rows that work inside the row."""
        options = {
            name: self.resolved.query_facts.get(name, str(value))
            for name, value in self.resolved.arguments.items()
            if not isinstance(value, Input)
        }
        if device and self._takes_device:
            options["device"] = device
        models = [step.row.pace(device) for step in self.steps if step.kind == "model"]  # type: ignore[attr-defined]
        return {**self._offer_facts(), "options": options, "models": models}

    @cached_property
    def key(self) -> str:
        """Identifies the instance: rows with equal keys make equal instances."""
        return digest_of([self.name, self.query_facts])

    def says_exact(self) -> bool:
        """Ask the offer whether it is an index that finds exactly the largest inner products.

        Raises:
            EffbenchError: the offer's ``exact`` raises, or returns neither True nor False.

        """
        if self.offer.exact is None:
            return False
        with blamed(f"{self.who}: its exact"):
            answer = self.offer.exact(**self.resolved.plain(), **self._named())
        if not isinstance(answer, bool):
            raise EffbenchError(
                f"{self.who}: its exact returns {shown(answer)} (return True or False)"
            )
        return answer

    def check(self) -> None:
        """Check the options by the offer's own ``check``, which raises `EffbenchError`.

        It gets the options that name rows or data as the suite says them.
        """
        if self.offer.check is not None:
            try:
                with blamed(f"{self.who}: its check"):
                    self.offer.check(**self.resolved.plain(), **self._named())
            except PluginError as error:
                mend = " (a check raises effbench.EffbenchError for a mistake)"
                has_one = str(error).endswith(")")
                raise PluginError(f"{error}{'' if has_one else mend}", error.trace) from error
        _ = self.passages_only  # it may raise, too

    @cached_property
    def passages_only(self) -> bool:
        """Whether it encodes docs, but no queries: it has no cells."""
        if self.offer.passages_only is None:
            return False
        with blamed(f"{self.who}: its passages_only"):
            return bool(self.offer.passages_only(**self.resolved.plain(), **self._named()))

    def make(self, bench: Bench) -> Any:
        """Make the instance, on the device of the bench unless the suite names another."""
        for path in changed(self.offer.options, self.resolved, bench.digests):
            raise EffbenchError(f"{self.who}: {path} has changed since the plan (run again)")
        arguments = self.resolved.plain()
        for name, opening in self.resolved.inputs.items():
            arguments[name] = opening.open(bench)
        if bench.device and self._takes_device:
            arguments["device"] = bench.device
        with blamed_for_all(self.who):
            return self.offer.factory(**arguments)

    def _named(self) -> dict[str, Any]:
        """Return the options that name rows or data, as the suite says them."""
        options = self.offer.options
        return {
            name: copied(self.given.get(name, options[name].default))
            for name in self.resolved.inputs
        }

    @property
    def _takes_device(self) -> bool:
        return "device" in self.offer.options and "device" not in self.given

    def _offer_facts(self) -> dict[str, Any]:
        return {
            "use": self.offer.name,
            "plugin": self.offer.plugin,
            "version": self.offer.version,
        }
