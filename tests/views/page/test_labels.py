"""Names on images: none overlaps another name or a point, and the front comes first."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from effbench.views.page import specification, vega
from effbench.views.page.curves import Palette
from effbench.views.page.labels import DOTS, FRONT, NAMES, PLACE, on_image


def items(tree, name: str) -> list[dict]:
    if tree.get("name") == name:
        return tree["items"]
    return [found for part in tree.get("items", ()) for found in items(part, name)]


@pytest.mark.parametrize("count", [3, 60])
def test_names_on_images_do_not_overlap(count: int) -> None:
    pytest.importorskip("vl_convert")
    chance = random.Random(count)
    places = [(10 ** chance.uniform(-1, 1), chance.uniform(0.4, 0.6)) for _ in range(count)]
    spec = image(places, "row number")
    (data,) = (data["values"] for data in spec["data"] if data["name"] == "rows")
    assert all({*PLACE} <= row.keys() for row in data)
    scene = vega.scene(spec)
    shown = [name for name in items(scene, NAMES) if name["opacity"]]
    assert len(shown) > min(count - 1, 12)
    boxes = [box(name) for name in shown]
    dots = [(d["x"] - 4, d["y"] - 4, d["x"] + 4, d["y"] + 4) for d in items(scene, DOTS)]
    assert not [1 for at, one in enumerate(boxes) for other in boxes[:at] if meet(one, other)]
    assert not [1 for one in boxes for dot in dots if meet(one, dot)]
    assert all(left >= 0 for left, *_ in boxes), "no name lies over the numbers of the axis"


def test_names_on_images_do_not_lie_on_the_front() -> None:
    pytest.importorskip("vl_convert")
    scene = vega.scene(image([(1, 0.4), (2, 0.5), (4, 0.6)], "row"))
    ends = [(point["x"], point["y"]) for point in items(scene, FRONT)]
    levels = [(x, y, until, y + 1) for (x, y), (until, _) in pairwise(ends)]
    boxes = [box(name) for name in items(scene, NAMES) if name["opacity"]]
    assert len(boxes) == 3
    assert not [1 for one in boxes for line in levels if meet(one, line)]


def image(places: list[tuple[float, float]], name: str) -> dict:
    """Return an image of rows with these times and scores, all of them on the front."""
    look = {"method": "m", "index": "i", "curve": None, "place": None, "panel": ""}
    rows = [
        {**look, "id": number, "name": f"{name} {number}", "x": x, "y": y,
         "x_low": x, "x_high": x, "y_low": y, "y_high": y, "front": True,
         "marked": False, "step": "step-after", "description": ""}
        for number, (x, y) in enumerate(places)
    ]  # fmt: skip
    return on_image(vega.compiled(specification.rows_chart(Palette(["m"], ["i"]), rows)))


def box(name: dict) -> tuple[float, float, float, float]:
    """Return where a name is drawn, if a character is 6 pixels wide and 11 high."""
    width, x = 6 * len(name["text"]), name["x"] + name["dx"]
    left = {"left": x, "right": x - width, "center": x - width / 2}[name["align"]]
    middle = name["y"] + name["dy"]
    return left, middle - 5.5, left + width, middle + 5.5


def meet(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
