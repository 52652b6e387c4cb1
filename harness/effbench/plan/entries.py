"""The entries of one row: its options, passages, seed and search; a sweep makes several."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from effbench.plan.located import Notes, Place
from effbench.plan.sections import mapping_of
from effbench.plan.suite import Entry
from effbench.text.names import unfit, unfit_row
from effbench.work.rows import FLOAT16, FLOAT32

MOST_SEED = 2**32 - 1
"""The largest seed that numpy takes."""

MOST_SETTINGS = 10_000
"""Most search settings of an index, and most combinations of a sweep."""

TOO_MANY = f"more than {MOST_SETTINGS:,} rows by sweeps (take fewer values)"

_LABEL = (str, int, float, bool, type(None))
"""Types of the values of a sweep whose text is their label."""


def entries_of(
    section: str, name: str, item: Any, mistakes: Notes, plugin: str | None = None
) -> Iterator[Entry]:
    """Yield the entry of a row, or an entry for each combination of its sweep.

    ``plugin`` names the plugin of a ready row; it is None for a row of the suite. A row that
    has mistakes in its form yields nothing for these; they are noted.
    """
    place = (section, name)
    if not isinstance(item, dict) or not isinstance(item.get("use"), str):
        mistakes.add(place, "a row is {use: NAME, option: value, ...}")
        return
    if wrong := unfit_row(name):
        mistakes.add(place, f"the row's name {wrong} (give another)")
        return
    options = {option: value for option, value in item.items() if option != "sweep"}
    for settings in _combinations(item, place, mistakes):
        swept = {option: value for option, (_, value) in settings.items()}
        labels = {option: label for option, (label, _) in settings.items()}
        yield _entry(section, name, {**options, **swept}, labels, mistakes, plugin)


def settings_label(settings: Mapping[str, str]) -> str:
    """Return the settings of a swept row as its name shows them: `` layers=2 width=64``."""
    return "".join(f" {option}={label}" for option, label in settings.items())


def _combinations(
    item: Mapping[str, Any], place: Place, mistakes: Notes
) -> Iterator[dict[str, tuple[str, Any]]]:
    """Yield option -> (label, value) for each combination; an empty one without a sweep."""
    place = (*place, "sweep")
    if "sweep" not in item:
        yield {}
        return
    grid = item["sweep"]
    if not grid or not isinstance(grid, dict):
        mistakes.add(place, "a sweep is {option: [value, value], ...}")
        return
    axes: dict[str, list[tuple[str, Any]]] = {}
    for option, values in grid.items():
        if option in ("use", "sweep"):
            message = "is no option of the row (write several rows)"
            mistakes.add((*place, option), message)
            continue
        if option in item:
            message = "the row says it too (take one of them away)"
            mistakes.add((*place, option), message)
        axes[option] = list(_labelled(values, (*place, option), mistakes))
    count = math.prod(map(len, axes.values()))
    if count > MOST_SETTINGS:
        message = f"a grid of {count:,} rows (take at most {MOST_SETTINGS:,})"
        mistakes.add(place, message)
        return
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _labelled(values: Any, place: Place, mistakes: Notes) -> Iterator[tuple[str, Any]]:
    """Yield the label and the value of each value that an option is swept over."""
    if isinstance(values, dict):
        labelled = [(str(label), value) for label, value in values.items()]
    elif isinstance(values, list) and all(isinstance(value, _LABEL) for value in values):
        labelled = [(_label(value), value) for value in values]
    else:
        form = "{small: ...} in place of a list" if isinstance(values, list) else "{small: ...}"
        message = f"give a list ([1, 2]), or a label for each value ({form})"
        mistakes.add(place, message)
        return
    if not labelled:
        mistakes.add(place, "give one value or more ([1, 2])")
    labels = set()
    for label, value in labelled:
        if wrong := unfit(label):
            mistakes.add(place, f"a label {wrong} (give another)")
        elif label in labels:
            mistakes.add(place, f"{label} stands twice (keep one)")
        else:
            labels.add(label)
            yield label, value


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _entry(
    section: str,
    family: str,
    item: dict[str, Any],
    settings: Mapping[str, str],
    mistakes: Notes,
    plugin: str | None,
) -> Entry:
    place = (section, family)

    def at(option: str) -> Place:
        return (*place, "sweep", option) if option in settings else (*place, option)

    use = item.pop("use")
    passages, unchecked = _passages(section, item, at("passages"), mistakes)
    store = _store(section, item, passages, at("store"), mistakes)
    seed = item.pop("seed", 0) if section == "models" else 0
    if type(seed) is not int or not 0 <= seed <= MOST_SEED:
        message = f"{seed!r} is not a whole number from 0 to {MOST_SEED:,}"
        mistakes.add(at("seed"), message)
    search = _search(item, at("search"), mistakes) if section == "indexes" else {}
    name = family + settings_label(settings)
    return Entry(
        section, name, use, item, place,
        passages=passages, unchecked=unchecked, store=store, search=search, seed=seed,
        family=family, settings=settings, plugin=plugin,
    )  # fmt: skip


def _search(item: dict[str, Any], place: Place, mistakes: Notes) -> dict[str, list[Any]]:
    """Return search option -> the values that are swept."""
    swept = mapping_of(item.pop("search", {}), place, mistakes)
    search = {
        key: value if isinstance(value, list) else [value] for key, value in swept.items()
    }
    for key, values in search.items():
        option = (*place, key)
        if not values:
            mistakes.add(option, "give one value or more ([16, 64])")
        for wrong in (unfit(value) for value in values if isinstance(value, str)):
            if wrong:
                mistakes.add(option, f"a value {wrong} (give another)")
    settings = math.prod(map(len, search.values()))
    if settings <= MOST_SETTINGS:
        return search
    message = f"a grid of {settings:,} settings (take at most {MOST_SETTINGS:,})"
    mistakes.add(place, message)
    return {}


def _store(
    section: str, item: dict[str, Any], passages: str | None, place: Place, mistakes: Notes
) -> str:
    """Return the type of number in which the vectors of docs are kept."""
    given = item.pop("store", FLOAT32) if section == "encoders" else FLOAT32
    if given not in (FLOAT32, FLOAT16):
        mistakes.add(place, f"{given!r} is no type for vectors (say float32 or float16)")
    elif given != FLOAT32 and passages is not None:
        message = f"the row keeps no vectors of docs (say it in the row {passages!r})"
        mistakes.add(place, message)
    else:
        return str(given)
    return FLOAT32


def _passages(
    section: str, item: dict[str, Any], place: Place, mistakes: Notes
) -> tuple[str | None, bool]:
    """Return the row whose passages are searched, and whether they are not checked."""
    given = item.pop("passages", None) if section == "encoders" else None
    if given is None or isinstance(given, str):
        return given, False
    if isinstance(given, dict) and set(given) == {"row", "unchecked"}:
        row, unchecked = given["row"], given["unchecked"]
        if isinstance(row, str) and isinstance(unchecked, bool):
            return row, unchecked
    message = "passages are ROW or {row: ROW, unchecked: true}"
    mistakes.add(place, message)
    return None, False
