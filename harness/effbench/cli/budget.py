"""The options of ``effbench leaderboard`` that ask for a row, and how they are answered."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from effbench.api.errors import EffbenchError
from effbench.text.amounts import amount
from effbench.text.printing import put_json, say
from effbench.text.words import plain_line

if TYPE_CHECKING:
    from effbench.board.candidates import Terms
    from effbench.board.demand import Demand
    from effbench.board.leaderboard import Board

_MILLISECONDS = {"": 1.0, "us": 1e-3, "ms": 1.0, "s": 1e3}

NOT_SURE = 3
"""The exit code if the answer, as JSON, is not sure or names no row."""

OPTIONS = (
    click.option(
        "--budget",
        metavar="TIME",
        help="Name the best row within this time: 5ms, 800us or 0.2s; without a unit: ms. "
        "With --keep: the best row within both.",
    ),
    click.option(
        "--keep",
        metavar="SHARE",
        help="Name the fastest row that keeps this share of the baseline's quality: "
        "0.97 or 97%.",
    ),
    click.option(
        "--allow",
        multiple=True,
        metavar="MARK",
        help="Take rows with this mark too: unstable, trained, told or cut (repeatable).",
    ),
    click.option(
        "--rate",
        metavar="QUERIES",
        help="Count the cores that each row needs for so many queries a second.",
    ),
    click.option("--price", metavar="PRICE", help="The price of a core for an hour."),
    click.option(
        "--utilisation",
        metavar="SHARE",
        help="How much of the time a core may be busy, for --rate: 0.5 or 50% [default: 50%].",
    ),
)


@dataclass(frozen=True)
class Asked:
    """The values of `OPTIONS`, as the user wrote them."""

    budget: str | None
    keep: str | None
    allow: tuple[str, ...]
    rate: str | None
    price: str | None
    utilisation: str | None

    @property
    def row(self) -> bool:
        """Whether a row is asked for; else the whole board is shown."""
        return not (self.budget is None and self.keep is None and self.rate is None)

    def terms(self, span: str, percentile: str) -> Terms:
        """Return the terms that the options set.

        Raises:
            EffbenchError: an option is not a time, not a share, or not a known span.

        """
        from effbench.board.candidates import Terms
        from effbench.board.marks import WORDS
        from effbench.statistics.row_latency import SHOWN

        if span not in SHOWN:
            raise click.UsageError(f"--span {span}: no such span (known: {', '.join(SHOWN)})")
        if unknown := set(self.allow) - set(WORDS.values()):
            known = ", ".join(WORDS.values())
            raise click.UsageError(f"--allow {min(unknown)}: no such mark (known: {known})")
        if self.allow and not self.row:
            raise click.UsageError(
                "--allow needs --budget, --keep or --rate (else no row is chosen)"
            )
        return Terms(
            None if self.budget is None else milliseconds(self.budget),
            None if self.keep is None else share_of("--keep", self.keep),
            span,
            int(percentile),
            frozenset(self.allow),
        )

    def demand(self) -> Demand | None:
        """Return the demand that the options set; None without a rate.

        Raises:
            EffbenchError: an option is not a number above 0, or not a share.
            click.UsageError: a rate is missing.

        """
        from effbench.board.demand import Demand

        price = None if self.price is None else positive("--price", self.price)
        utilisation = share_of("--utilisation", self.utilisation or "50%")
        if self.rate is not None:
            return Demand(positive("--rate", self.rate), price, utilisation)
        for option, given in (("--price", self.price), ("--utilisation", self.utilisation)):
            if given is not None:
                raise click.UsageError(f"{option} needs --rate (the queries a second)")
        return None


def row_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one argument, ``asked``."""

    @functools.wraps(command)
    def with_asked(**values: Any) -> Any:
        asked = Asked(**{field.name: values.pop(field.name) for field in fields(Asked)})
        return command(asked=asked, **values)

    for option in reversed(OPTIONS):
        with_asked = option(with_asked)
    return with_asked


def check_form(form: str | None, output: Path | None, columns: Sequence[str]) -> None:
    """Refuse options that write a whole board, since the user asks for a row.

    Raises:
        click.UsageError: such an option was given.

    """
    if form not in (None, "json") or output or columns:
        raise click.UsageError(
            "--budget, --keep and --rate name a row and write no board (leave out --output, "
            "--columns, and --format unless it is json)"
        )


def answer(
    boards: Sequence[Board], terms: Terms, demand: Demand | None, *, as_json: bool
) -> int:
    """Print the row to ship from each board, and return the exit code."""
    from effbench.board.choice import Answer, choose
    from effbench.board.recommendation import facts, lines

    recommendations = [choose(board, terms) for board in boards]
    if not as_json:
        machines = [board.machine for board in boards]
        for recommendation in recommendations:
            say(*lines(recommendation, machines, demand))
        return 0
    put_json([facts(recommendation, demand) for recommendation in recommendations])
    sure = all(recommendation.answer is Answer.SURE for recommendation in recommendations)
    return 0 if sure else NOT_SURE


def milliseconds(text: str) -> float:
    """Return the milliseconds in a text such as 5ms, 800us or 0.2s.

    Raises:
        EffbenchError: the text is not a time above 0.

    """
    number, unit = amount(text)
    if number <= 0 or unit not in _MILLISECONDS:
        raise EffbenchError(
            f"--budget {plain_line(text, 40)}: not a time (write 5ms, 800us or 0.2s)"
        )
    return number * _MILLISECONDS[unit]


def share_of(option: str, text: str) -> float:
    """Return the share in a text such as 0.97 or 97%, as a number above 0 and up to 1.

    Raises:
        EffbenchError: the text is not such a share.

    """
    number, unit = amount(text)
    share = number / 100 if unit == "%" else number
    if unit not in ("", "%") or not 0 < share <= 1:
        example = "0.5 or 50%" if option == "--utilisation" else "0.97 or 97%"
        problem = f"not a share above 0 and up to 1 (write {example})"
        raise EffbenchError(f"{option} {plain_line(text, 40)}: {problem}")
    return share


def positive(option: str, text: str) -> float:
    """Return the number above 0 in the text of an option, such as 250 or 0.04.

    Raises:
        EffbenchError: the text is not such a number.

    """
    number, unit = amount(text)
    if unit or number <= 0:
        example = "the queries a second: 250" if option == "--rate" else "0.04"
        problem = f"not a number above 0 (write {example})"
        raise EffbenchError(f"{option} {plain_line(text, 40)}: {problem}")
    return number
