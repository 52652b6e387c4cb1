"""A session: all rows of a suite on one dataset, in fresh processes, in turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from effbench.latency.crew import Crew
from effbench.latency.drawing import arrivals, draw, turns
from effbench.latency.gate import Load, read_system, stolen_between, unsteady
from effbench.latency.header import header
from effbench.latency.place import Place
from effbench.latency.recorded import NO_BLOCK, Block
from effbench.latency.replies import Arrived, Energy, First, Rate, Timed, Warm
from effbench.latency.samples import Samples
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import response_at
from effbench.latency.workers import WorkerError, own_cpus
from effbench.machine import fingerprint
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions

if TYPE_CHECKING:
    from effbench.work.progress import Progress, Tally

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
    kept in the header under ``errors``. Where memory may have been short, the row is tried once
    more at the end, with the baseline alone. The samples hold what was answered, too.
    """
    each = options.processes * -(-options.queries // BLOCK)
    label = f"latency on {cells[0].dataset.name}"
    with progress.work(label, each * len(cells), "blocks") as work:
        running = _Session(cells, queries, place, options)
        first, left = 0, list(running.order)
        while left:
            group = running.round(first, left, work)
            for process in range(first + 1, first + options.processes):
                running.round(process, group, work, bounded=False)
            first += options.processes
            left = [cell for cell in left if cell not in group]
            if left and running.baseline:
                left.insert(0, running.baseline)
                work.more(each)
        for cell in running.unlucky:
            running.try_again(cell, first, work, progress)
            first += options.processes
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
        self._errors: dict[str, WorkerError] = {}
        self._starts: dict[tuple[str, int], dict[str, Any]] = {}
        timed, self._warmup = draw(queries, options.queries, options.warmup)
        self._texts = [text for _, text in timed]
        self._cpus = own_cpus(options.threads)
        self.samples = Samples(header(first, self.baseline, timed, place, options, self._cpus))

    @property
    def unlucky(self) -> list[str]:
        """The cells to try once more: none where the baseline failed, which all take along."""
        lost = {} if self.baseline in self._errors else self._errors
        return [cell for cell, error in lost.items() if error.passing]

    def try_again(self, cell: str, first: int, work: Tally, progress: Progress) -> None:
        """Measure a cell that failed once more, in processes of its own and the baseline's."""
        why = self._errors[cell]
        progress.note(f"{cell}: {why} (trying it once more)")
        self._forget(cell)
        group = [cell] if self.baseline is None else [self.baseline, cell]
        work.more(self._options.processes * -(-len(self._texts) // BLOCK) * len(group))
        for process in range(first, first + self._options.processes):
            self.round(process, group, work, bounded=False)
            if any(one in self._errors for one in group):
                break
        if self.baseline in self._errors:  # it was measured before, and stays so
            self._forget(self.baseline, first)
            self._forget(cell)
            self._errors[cell] = why

    def _forget(self, cell: str, first: int = 0) -> None:
        """Forget what was measured of a cell since a process, and why it failed."""
        self._errors.pop(cell, None)
        self.samples.forget(self.order.index(cell), first)
        for start in [one for one in self._starts if one[0] == cell and one[1] >= first]:
            del self._starts[start]

    def finished(self) -> Samples:
        """Return what was found."""
        self.samples.header["errors"] = {cell: str(why) for cell, why in self._errors.items()}
        self.samples.header["processes"] = [
            {"cell": cell, "process": process, **facts}
            for (cell, process), facts in self._starts.items()
        ]
        return self.samples

    def round(
        self,
        process: int,
        cells: Sequence[str],
        work: Tally,
        *,
        bounded: bool = True,
    ) -> list[str]:
        """Measure cells, a fresh process each; return those that had room, if it is bounded."""
        with Crew(self._cells, self._place, self._options, self._cpus, self._errors) as crew:
            for cell in [one for one in self.order if one not in self._errors][:1]:
                crew.take_worst_place(cell)
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
                    work(1)
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
        first = crew.ask(cell, "first", First, text=self._warmup[0])
        warm = crew.ask(cell, "warm", Warm, texts=self._warmup[1:], timed=self._texts)
        if opened and first and warm:
            known = {**asdict(opened), **asdict(first), **asdict(warm)}
            for name in ("tokens", "bytes_read"):
                self.samples.header["rows"][cell][name] = known.pop(name)
            self._starts[cell, process] = {
                name: fact for name, fact in known.items() if fact is not None
            }

    def _attempt(self, crew: Crew, cell: str, process: int, number: int) -> Block | None:
        """Time a row on a block of queries, again while the machine is not steady."""
        queries = range(number * BLOCK, min((number + 1) * BLOCK, len(self._texts)))
        texts, row = [self._texts[query] for query in queries], self.order.index(cell)
        for attempt in range(ATTEMPTS):
            before = read_system(self._cpus)
            answer = crew.ask(cell, "block", Timed, texts=texts, before=self._warmup)
            after = read_system(self._cpus)
            if answer is None:
                return None
            self._keep(cell, queries, answer)
            times = answer.ns
            block = Block(
                row,
                process,
                number,
                attempt,
                answer.kernel_ns,
                stolen_between(before, after),
                after.throttled - before.throttled,
                answer.preempted,
            )
            if unsteady(block) is None:
                break
        for span, taken in times.items():
            self.samples.add(row, span, process, number, queries, taken)
        return block

    def _keep(self, cell: str, queries: Sequence[int], answer: Timed) -> None:
        """Keep what some queries were answered, and of which the vectors were unlike."""
        named = [self.samples.header["queries"][query] for query in queries]
        self.samples.answers.keep(cell, named, answer.answers)
        differs = self.samples.header["rows"][cell]["differs"]
        for span, numbers in answer.unlike.items():
            if numbers:
                known = dict.fromkeys(differs.get(span, ()))
                differs[span] = list(known | dict.fromkeys(named[n] for n in numbers))

    def _rates(self, crew: Crew, cell: str, process: int) -> None:
        """Measure throughput, open loops and energy, as far as they are asked for."""
        options, texts, facts = self._options, self._texts, self._starts[cell, process]
        row = self.order.index(cell)
        for size in options.batches if self.samples.header["rows"][cell]["index"] else ():
            rate = crew.ask(cell, "throughput", Rate, texts=texts, size=size)
            if rate:
                facts.setdefault("throughput", {})[str(size)] = rate.per_second
        closed_ns = self.samples.mean_ns(row, END_TO_END, process) if options.arrivals else 0.0
        for share in options.arrivals:
            due = arrivals(len(texts), closed_ns / share, process)
            answer = crew.ask(
                cell,
                "arrivals",
                Arrived,
                more_seconds=due[-1] / 1e9,
                texts=texts,
                due_ns=due,
            )
            if answer:
                span, every = response_at(share), range(len(texts))
                self.samples.add(row, span, process, NO_BLOCK, every, answer.ns)
                asked = share * 1e9 / closed_ns
                rates = {"share": share, "asked": asked, "per_second": answer.per_second}
                facts.setdefault("arrivals", []).append(rates)
        if options.energy:
            read = crew.ask(cell, "energy", Energy, texts=texts, seconds=ENERGY_SECONDS)
            facts["joules"] = read and read.joules
