"""Names beside points, no two of which overlap: Vega places them on pages, we on images.

Vega's own placement needs the canvas of a browser, which images do not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from effbench.views.page.vega import Vega, scene

NAMES, DOTS, FRONT = "names_marks", "dots_marks", "front_marks"
"""What Vega calls the marks of the layers of names, of points and of the front."""

WIDTH, HEIGHT = 6.6, 13.0
"""The room of a character of a name in pixels: more than most characters take."""

LONGEST = 200.0
"""The most room of a name in pixels; Vega cuts a longer name."""

APART, DOT = 9.0, 6.0
"""The distance of a name from the middle of its point, and the size of that, in pixels."""

SIDES = {"left": (1, 0), "right": (-1, 0), "center": (0, -1), "center below": (0, 1)}
"""The alignments of a name, and on which side of its point they put it."""

PLACE = ("align", "dx", "dy", "opacity")
"""What a place of a name consists of."""

Item = Mapping[str, Any]


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Tell whether two rectangles overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def on_page(spec: Vega) -> Vega:
    """Return a chart in which Vega places the names when a browser draws it."""
    for mark in _marks(spec):
        mark["aria"] = False
        mark["transform"] = [
            {
                "type": "label",
                "size": {"signal": "[child_width, child_height]"},
                "sort": {"field": "datum.turn"},
                "offset": [4, 4, 4, 4, *[APART] * 4, 24, 24],
                "anchor": [
                    "top-right", "top-left", "bottom-right", "bottom-left",
                    "right", "left", "top", "bottom", "top", "bottom",
                ],
                "avoidMarks": [DOTS, FRONT],
            }
        ]  # fmt: skip
    return spec


def on_image(spec: Vega) -> Vega:
    """Return a chart whose data have a place for each name; one without room is left out.

    A name has its place before those that come later in the data. It avoids the front where it
    can.

    Raises:
        Undrawn: the chart cannot be drawn.

    """
    places = dict(_placed(scene(spec)))
    (rows,) = (data["values"] for data in spec["data"] if data["name"] == "rows")
    for row in rows:
        row |= dict(zip(PLACE, places.get(row["id"], ()), strict=False))
    for mark in _marks(spec):
        mark["aria"] = False
        mark["encode"]["update"] |= {name: {"field": name} for name in PLACE}
    return spec


def _placed(tree: Item) -> Iterator[tuple[int, tuple[str, float, float, float]]]:
    """Yield the point of each name, and the place of the name."""
    names, dots, front = (_items(tree, name) for name in (NAMES, DOTS, FRONT))
    steps = list(_steps(front))
    taken = [_around(dot["x"], dot["y"], 2 * DOT, 2 * DOT) for dot in dots]
    for name in names:
        width = min(LONGEST, WIDTH * len(name["text"]))
        boxes = {}
        for align, (across, down) in SIDES.items():
            dx, dy = across * APART, down * (APART + HEIGHT / 2)
            middle = name["x"] + dx + across * width / 2
            boxes[align, dx, dy] = _around(middle, name["y"] + dy, width, HEIGHT)
        free = [
            p for p, box in boxes.items() if box.left >= 0 and not any(map(box.meets, taken))
        ]
        clear = [p for p in free if not any(map(boxes[p].meets, steps))]
        align, dx, dy = place = next(iter(clear or free or boxes))
        shown = bool(free)
        taken += [boxes[place]] * shown
        yield name["description"], (align.partition(" ")[0], dx, dy, float(shown))


def _steps(front: Sequence[Item]) -> Iterator[Box]:
    """Yield the lines of the front, which go level to the next point and then up or down."""
    for here, there in pairwise(front):
        top, bottom = sorted((here["y"], there["y"]))
        yield Box(here["x"], here["y"] - 1, there["x"], here["y"] + 1)
        yield Box(there["x"] - 1, top, there["x"] + 1, bottom)


def _around(x: float, y: float, width: float, height: float) -> Box:
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _items(tree: Item, name: str) -> list[Item]:
    """Return what the marks of a name have drawn; an image has one panel."""
    if tree.get("name") == name:
        return list(tree["items"])
    return [found for part in tree.get("items", ()) for found in _items(part, name)]


def _marks(spec: Item) -> Iterator[dict[str, Any]]:
    """Yield the marks of names of a chart in Vega."""
    marks: Sequence[dict[str, Any]] = spec.get("marks", ())
    for mark in marks:
        if mark.get("name") == NAMES:
            yield mark
        yield from _marks(mark)
