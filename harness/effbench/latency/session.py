"""A session: all rows of a suite on one dataset, in fresh processes, in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from effbench import fingerprint
from effbench.cells import Cell
from effbench.latency.crew import Crew
from effbench.latency.drawing import arrivals, draw, turns
from effbench.latency.gate import Load, read_system, stolen_between, unsteady
from effbench.latency.header import NO_BLOCK, Block
from effbench.latency.place import Place
from effbench.latency.samples import Samples
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import conditions, response_at
from effbench.latency.workers import exclusive, own_cpus
from effbench.suite import LatencyOptions

if TYPE_CHECKING:
    from effbench.progress import Progress

BLOCK = 10
"""Queries that a row answers before the next row's turn: what drifts then hits all alike."""

LOOK_SECONDS = 1.0
"""Between two looks at what other processes use: it is counted in hundredths of a second."""

ATTEMPTS = 3
"""Times that a block is measured until it is steady."""

ENERGY_SECONDS = 2.0
"""Of the loop in which energy is read: counters are coarse."""


def session(
    cells: Sequence[Cell],
    queries: Mapping[str, str],
    place: Place,
    options: LatencyOptions,
    progress: Progress,
) -> Samples:
    """Measure the cells of one dataset on its queries (id -> text).

    A row whose worker crashes, hangs or is killed is left out from then on; its last error is
    kept in the header under ``errors``. What the timed queries were answered is left in the
    samples, to be compared.
    """
    total = options.processes * -(-options.queries // BLOCK) * len(cells)
    label = f"latency on {cells[0].dataset.name}"
    with exclusive(progress), progress.work(label, total, "blocks") as advance:
        running = _Session(cells, queries, place, options)
        first, left = 0, list(running.order)
        while left:
            group = running.round(first, left, advance)
            for process in range(first + 1, first + options.processes):
                running.round(process, group, advance, bounded=False)
            first += options.processes
            left = [cell for cell in left if cell not in group]
            if left and running.baseline:
                left.insert(0, running.baseline)
    return running.finished()


class _Session:
    """What is measured, and what has been found so far."""

    def __init__(
        self,
        cells: Sequence[Cell],
        queries: Mapping[str, str],
        place: Place,
        options: LatencyOptions,
    ) -> None:
        self._place, self._options = place, options
        first = sorted(cells, key=lambda cell: cell.row.name != options.baseline)
        self._cells = {cell.name: cell for cell in first}
        self.order = list(self._cells)
        self.baseline = self.order[0] if first[0].row.name == options.baseline else None
        self._errors: dict[str, str] = {}
        self._starts: dict[tuple[str, int], dict[str, Any]] = {}
        timed, self._warmup = draw(queries, options.queries, options.warmup)
        self._texts = [text for _, text in timed]
        self._cpus = own_cpus(options.threads)
        known = fingerprint.fingerprint(options.threads, self._cpus)
        state = fingerprint.state()
        self.samples = Samples(
            {
                "dataset": cells[0].dataset.name,
                "rows": {cell.name: _facts(cell) for cell in first},
                "baseline": self.baseline,
                "spans": [],
                "queries": [query for query, _ in timed],
                "words": [len(text.split()) for text in self._texts],
                "conditions": conditions(options, place.device),
                "fingerprint": known,
                "fingerprint_id": fingerprint.digest(known),
                "state": [state],
                "warnings": fingerprint.warnings(known, state),
                "started": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                "errors": self._errors,
            }
        )

    def finished(self) -> Samples:
        """Return what was found."""
        self.samples.header["processes"] = [
            {"cell": cell, "process": process, **facts}
            for (cell, process), facts in self._starts.items()
        ]
        return self.samples

    def round(
        self,
        process: int,
        cells: Sequence[str],
        advance: Callable[[int], None],
        *,
        bounded: bool = True,
    ) -> list[str]:
        """Measure cells, a fresh process each; return those that had room, if it is bounded."""
        with Crew(self._cells, self._place, self._options, self._cpus, self._errors) as crew:
            crew.take_worst_place(self.order[0])
            tried = []
            for cell in cells if bounded else turns(cells, process, 0):
                if bounded and crew.full:
                    break
                tried.append(cell)
                if cell not in self._errors:
                    self._start(crew, cell, process)
            load, found = Load(lambda: crew.processes), list[Block]()
            rounds = -(-len(self._texts) // BLOCK)
            for number in range(rounds):
                for cell in turns(tried, process, number):
                    block = self._attempt(crew, cell, process, number)
                    found += [block] if block else []
                    advance(1)
                if load.seconds >= LOOK_SECONDS or number == rounds - 1:
                    others = load.others()
                    self.samples.blocks += [one._replace(others=others) for one in found]
                    found = []
            for cell in tried:
                if cell in crew:
                    self._rates(crew, cell, process)
        self.samples.header["state"].append(fingerprint.state())
        return tried

    def _start(self, crew: Crew, cell: str, process: int) -> None:
        """Let a worker open its row and warm up; keep how its cold start went."""
        opened = crew.start(cell)
        first = crew.ask(cell, "first", text=self._warmup[0])
        warm = crew.ask(cell, "warm", texts=self._warmup[1:], timed=self._texts)
        if opened and first and warm:
            self.samples.header["rows"][cell].update(warm.pop("facts"))
            self._starts[cell, process] = {**opened, **first, **warm}

    def _attempt(self, crew: Crew, cell: str, process: int, number: int) -> Block | None:
        """Time a row on a block of queries, again while the machine is not steady."""
        queries = range(number * BLOCK, min((number + 1) * BLOCK, len(self._texts)))
        texts, row = [self._texts[query] for query in queries], self.order.index(cell)
        for attempt in range(ATTEMPTS):
            before = read_system(self._cpus)
            answer = crew.ask(cell, "block", texts=texts, before=self._warmup)
            after = read_system(self._cpus)
            if answer is None:
                return None
            self._keep(cell, queries, answer)
            block = Block(
                row,
                process,
                number,
                attempt,
                (answer["kernel_ns"][0], answer["kernel_ns"][1]),
                stolen_between(before, after),
                after.throttled - before.throttled,
                answer["preempted"],
            )
            if unsteady(block) is None:
                break
        for span, taken in answer["ns"].items():
            self.samples.add(row, span, process, number, queries, taken)
        return block

    def _keep(self, cell: str, queries: Sequence[int], answer: Mapping[str, Any]) -> None:
        """Keep what some queries were answered, and of which the vectors were unlike."""
        named = [self.samples.header["queries"][query] for query in queries]
        self.samples.answers.keep(cell, named, answer["answers"])
        differs = self.samples.header["rows"][cell]["differs"]
        for span, numbers in answer["unlike"].items():
            if numbers:
                known = dict.fromkeys(differs.get(span, ()))
                differs[span] = list(known | dict.fromkeys(named[n] for n in numbers))

    def _rates(self, crew: Crew, cell: str, process: int) -> None:
        """Measure throughput, open loops and energy, as far as they are asked for."""
        options, texts, facts = self._options, self._texts, self._starts[cell, process]
        row = self.order.index(cell)
        for size in options.batches if self.samples.header["rows"][cell]["index"] else ():
            rate = crew.ask(cell, "throughput", texts=texts, size=size)
            if rate:
                facts.setdefault("throughput", {})[str(size)] = rate
        closed_ns = self.samples.mean_ns(row, END_TO_END, process) if options.arrivals else 0.0
        for share in options.arrivals:
            due = arrivals(len(texts), closed_ns / share, process)
            answer = crew.ask(
                cell, "arrivals", more_seconds=due[-1] / 1e9, texts=texts, due_ns=due
            )
            if answer:
                span, every = response_at(share), range(len(texts))
                self.samples.add(row, span, process, NO_BLOCK, every, answer.pop("ns"))
                rates = {"share": share, "asked": share * 1e9 / closed_ns, **answer}
                facts.setdefault("arrivals", []).append(rates)
        if options.energy:
            facts["joules"] = crew.ask(cell, "energy", texts=texts, seconds=ENERGY_SECONDS)


def _facts(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row.name,
        "index": cell.index.name if cell.index else None,
        "search": cell.options,
        "key": cell.key,
        "timed": cell.timed,
        "differs": {},
    }
