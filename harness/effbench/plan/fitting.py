"""The fitting of options: a row of an offer, or all mistakes of its options at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from effbench.api.errors import EffbenchError
from effbench.offers.offer import Offer
from effbench.offers.plugins import Plugins
from effbench.offers.schema import Option
from effbench.plan.variants import Problem
from effbench.text.raised import message_of
from effbench.text.suggestions import suggest
from effbench.work.options import Argument, resolve
from effbench.work.rows import Row


class UnfitOptions(EffbenchError):
    """The options of a row are wrong; ``problems`` has the place and message of each."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(": ".join((*map(str, at), text)) for at, text in problems))


def fitting(
    plugins: Plugins,
    section: str,
    name: str,
    use: str,
    options: Mapping[str, Any],
    argument_of: Callable[[Option, Any], Argument],
    *,
    trusted: bool = False,
) -> Row:
    """Return the row of an offer with these options.

    ``argument_of`` makes an argument of an option and its value, or raises `EffbenchError`.
    ``trusted`` options, whose models are trained already, need no check and no trainer.

    Raises:
        UnfitOptions: the offer cannot be used here, or options are wrong.

    """
    offer = _offer(plugins, section, use)
    missing = shlex.join(offer.missing)
    if missing and not (trusted and section == "models"):
        wanted = f"{use!r} needs more packages (pip install {missing})"
        raise UnfitOptions([(("use",), wanted)])
    resolved, wrong = resolve(offer.options, options, argument_of)
    row = Row(name, offer, plugins.distribution(offer), options, resolved)
    if all(option in options and option not in offer.options for option, _ in wrong):
        try:  # known options may be wrong beside an unknown one
            if not trusted:
                row.check()
            row = replace(row, exact=row.says_exact())
        except EffbenchError as error:
            wrong.append(("", message_of(error)))
    if wrong:
        raise UnfitOptions([((key,) if key else (), message) for key, message in wrong])
    return row


def _offer(plugins: Plugins, section: str, use: str) -> Offer:
    """Return an offer that is installed; raise `UnfitOptions` if there is none."""
    offer = plugins.offers.get((section, use))
    if offer is None:
        hint = plugins.hint(section, use)
        raise UnfitOptions([(("use",), f"nothing installed offers {use!r} ({hint})")])
    return offer


def search_problems(search: Mapping[str, list[Any]], offer: Offer) -> Iterator[Problem]:
    """Yield the mistakes of the search options that a row of ``indexes`` gives."""
    known = offer.search_options
    for name, values in search.items():
        if name not in known:
            yield ("search", name), f"unknown search option ({suggest(name, known)})"
            continue
        for value in values:
            if mistake := known[name].mistake(value):
                yield ("search", name), mistake
