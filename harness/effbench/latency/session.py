"""The course of a session: the rows of a suite take turns on the queries of one dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from effbench.latency.cell_source import CellSource
from effbench.latency.crew import Crew
from effbench.latency.drawing import arrival_times, draw, turns
from effbench.latency.gate import Load, read_system, stolen_between, unsteady
from effbench.latency.header import header
from effbench.latency.recorded import NO_BLOCK, Block
from effbench.latency.replies import Arrived, Energy, First, Rate, Timed, Warm
from effbench.latency.samples import Recording
from effbench.latency.spans import END_TO_END
from effbench.latency.terms import response_at
from effbench.latency.workers import WorkerError, worker_cpus
from effbench.machine import fingerprint
from effbench.plan.cells import Cell
from effbench.plan.suite import LatencyOptions

if TYPE_CHECKING:
    from effbench.work.progress import Progress, Tally

BLOCK = 10
"""Queries that a row answers before the next row's turn: a drift then hits all rows alike."""

LOOK_SECONDS = 1.0
"""The seconds between two looks at the load: the system counts in hundredths of a second."""

ATTEMPTS = 3
"""How often a block is measured at most, until the machine was steady."""

ENERGY_SECONDS = 2.0
"""The seconds of the loop in which energy is read: the counters are coarse."""


def measure_session(
    cells: Sequence[Cell],
    queries: Mapping[str, str],
    source: CellSource,
    options: LatencyOptions,
    progress: Progress,
) -> Recording:
    """Measure the cells of one dataset on its queries (id -> text).

    A row whose worker crashes, hangs or is killed is left out from then on. The header keeps
    its last error under ``errors``. If memory may have been short, the row is tried once more
    at the end, with the baseline alone. The recording holds the answers, too.
    """
    each = options.processes * -(-options.queries // BLOCK)
    label = f"latency on {cells[0].dataset.name}"
    with progress.work(label, each * len(cells), "blocks") as work:
        running = _RunningSession(cells, queries, source, options)
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


class _RunningSession:
    """A session while it runs. Its cells are known by their names, the baseline first."""

    def __init__(
        self,
        cells: Sequence[Cell],
        queries: Mapping[str, str],
        source: CellSource,
        options: LatencyOptions,
    ) -> None:
        self._source, self._options = source, options
        ordered = sorted(cells, key=lambda cell: cell.row.name != options.baseline)
        self._cells = {cell.name: cell for cell in ordered}
        self.order = list(self._cells)
        self.baseline = self.order[0] if ordered[0].row.name == options.baseline else None
        self._errors: dict[str, WorkerError] = {}
        self._starts: dict[tuple[str, int], dict[str, Any]] = {}
        timed, self._warmup = draw(queries, options.queries, options.warmup)
        self._texts = [text for _, text in timed]
        self._cpus = cpus = worker_cpus(options.threads)
        facts = header(ordered, self.baseline, timed, source.device, options, cpus)
        if source.plan.sources.pack:
            facts["pack"] = source.plan.sources.pack.pack_id
        self._recording = Recording(facts)

    @property
    def unlucky(self) -> list[str]:
        """The cells to try once more; none if the baseline failed, since all run beside it."""
        lost = {} if self.baseline in self._errors else self._errors
        return [cell for cell, error in lost.items() if error.passing]

    def try_again(self, cell: str, first: int, work: Tally, progress: Progress) -> None:
        """Measure a failed cell once more beside the baseline, from process ``first`` on."""
        why = self._errors[cell]
        progress.note(f"{cell}: {why} (trying it once more)")
        self._forget(cell)
        group = [cell] if self.baseline is None else [self.baseline, cell]
        work.more(self._options.processes * -(-len(self._texts) // BLOCK) * len(group))
        for process in range(first, first + self._options.processes):
            self.round(process, group, work, bounded=False)
            if any(name in self._errors for name in group):
                break
        if self.baseline in self._errors:  # its earlier processes are kept
            self._forget(self.baseline, first)
            self._forget(cell)
            self._errors[cell] = why

    def _forget(self, cell: str, first: int = 0) -> None:
        """Forget a cell's error, and what was measured in its process ``first`` and later."""
        self._errors.pop(cell, None)
        self._recording.forget(self.order.index(cell), first)
        self._starts = {
            (name, process): facts
            for (name, process), facts in self._starts.items()
            if name != cell or process < first
        }

    def finished(self) -> Recording:
        """Return the recording, with errors and processes in its header."""
        header = self._recording.header
        header["errors"] = {cell: str(why) for cell, why in self._errors.items()}
        header["processes"] = [
            {"cell": cell, "process": process, **facts}
            for (cell, process), facts in self._starts.items()
        ]
        return self._recording

    def round(
        self, process: int, cells: Sequence[str], work: Tally, *, bounded: bool = True
    ) -> list[str]:
        """Measure cells in a fresh process each; return the names of these cells.

        A ``bounded`` round takes only the first cells, as many as the machine has room for.
        """
        with Crew(self._cells, self._source, self._options, self._cpus, self._errors) as crew:
            for cell in [name for name in self.order if name not in self._errors][:1]:
                crew.take_worst_place(cell)
            tried, label = [], work.label
            for cell in cells if bounded else turns(cells, process, 0):
                if bounded and crew.full:
                    break
                tried.append(cell)
                work.label = f"{label}, opening row {len(tried)} of {len(cells)}"
                if cell not in self._errors:
                    self._start(crew, cell, process)
            work.label = label
            self._take_turns(crew, tried, process, work)
            for cell in tried:
                if cell in crew:
                    self._rates(crew, cell, process)
        self._recording.header["state"].append(fingerprint.state())
        return tried

    def _take_turns(self, crew: Crew, cells: Sequence[str], process: int, work: Tally) -> None:
        """Time all queries: for each block of them, each row in its turn."""
        load, blocks = Load(lambda: crew.processes), list[Block]()
        count = -(-len(self._texts) // BLOCK)
        for number in range(count):
            for cell in turns(cells, process, number):
                block = self._attempt(crew, cell, process, number)
                blocks += [block] if block else []
                work(1)
            if load.seconds >= LOOK_SECONDS or number == count - 1:
                cores = load.busy_cores()
                self._recording.blocks += [b._replace(busy_cores=cores) for b in blocks]
                blocks = []

    def _start(self, crew: Crew, cell: str, process: int) -> None:
        """Let a worker open its row and warm up; keep the times of its cold start."""
        opened = crew.start(cell)
        first = crew.ask(cell, "first", First, text=self._warmup[0])
        warm = crew.ask(cell, "warm", Warm, texts=self._warmup[1:], timed=self._texts)
        if opened and first and warm:
            facts = {**asdict(opened), **asdict(first), **asdict(warm)}
            for name in ("tokens", "bytes_read"):
                self._recording.header["rows"][cell][name] = facts.pop(name)
            self._starts[cell, process] = {n: f for n, f in facts.items() if f is not None}

    def _attempt(self, crew: Crew, cell: str, process: int, number: int) -> Block | None:
        """Time a row on a block of queries, and again if the machine was not steady."""
        queries = range(number * BLOCK, min((number + 1) * BLOCK, len(self._texts)))
        texts, row = [self._texts[query] for query in queries], self.order.index(cell)
        for attempt in range(ATTEMPTS):
            before = read_system(self._cpus)
            answer = crew.ask(cell, "block", Timed, texts=texts, before=self._warmup)
            after = read_system(self._cpus)
            if answer is None:
                return None
            self._keep(cell, queries, answer)
            taken = answer.ns
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
        for span, times in taken.items():
            self._recording.add(row, span, process, number, queries, times)
        return block

    def _keep(self, cell: str, queries: Sequence[int], answer: Timed) -> None:
        """Keep the answers to some queries, and the ids of queries whose vectors differ."""
        ids = [self._recording.header["queries"][query] for query in queries]
        self._recording.answers.keep(cell, ids, answer.answers)
        differs = self._recording.header["rows"][cell]["differs"]
        for span, numbers in answer.unlike.items():
            if numbers:
                known = dict.fromkeys(differs.get(span, ()))
                differs[span] = list(known | dict.fromkeys(ids[n] for n in numbers))

    def _rates(self, crew: Crew, cell: str, process: int) -> None:
        """Measure throughput, open loops and energy, as far as the suite asks for them."""
        options, texts, facts = self._options, self._texts, self._starts[cell, process]
        for size in options.batches if self._recording.header["rows"][cell]["index"] else ():
            rate = crew.ask(cell, "throughput", Rate, texts=texts, size=size)
            if rate:
                facts.setdefault("throughput", {})[str(size)] = rate.per_second
        row, recording = self.order.index(cell), self._recording
        mean = recording.mean_ns(row, END_TO_END, process) if options.arrivals else 0.0
        for share in options.arrivals:
            due = arrival_times(len(texts), mean / share, process)
            seconds = due[-1] / 1e9
            answer = crew.ask(
                cell, "arrivals", Arrived, more_seconds=seconds, texts=texts, due_ns=due
            )
            if answer:
                every = range(len(texts))
                recording.add(row, response_at(share), process, NO_BLOCK, every, answer.ns)
                asked = share * 1e9 / mean
                rates = {"share": share, "asked": asked, "per_second": answer.per_second}
                facts.setdefault("arrivals", []).append(rates)
        if options.energy:
            read = crew.ask(cell, "energy", Energy, texts=texts, seconds=ENERGY_SECONDS)
            facts["joules"] = read and read.joules
