"""The training report's pictures, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from assistant.telemetry.markup import add

_SIDE_PX, _LEFT_PX, _BELOW_PX = 300, 46, 34
_COLOURS = ("#3b7dd8", "#d8743b", "#2f9e6b", "#9a57c2", "#a08a1e", "#7a7f87", "#c2407a", "#2a9fb5")
Points = Sequence[tuple[float, float]]


def add_lines(
    parent: Element,
    title: str,
    axes: tuple[str, str],
    lines: Mapping[str, Points],
    *,
    diagonal: bool = False,
    bands: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> None:
    """Lines through (x, y) points, from 0 to the largest value; with `diagonal`, where x = y. `bands` are the intervals
    of lines: (x, low, high)."""
    bands = bands or {}
    values = [point for points in lines.values() for point in points]
    values += [(x, high) for points in bands.values() for x, _, high in points]
    high_x = max([x for x, _ in values] + [1e-9])
    high_y = max([y for _, y in values] + [1e-9])
    if diagonal:
        high_x = high_y = 1.0
    svg = _frame(parent, title, axes, (high_x, high_y), len(lines))
    if diagonal:
        ends = {"x1": f"{_LEFT_PX}", "y1": f"{_SIDE_PX}", "x2": f"{_LEFT_PX + _SIDE_PX}", "y2": "0"}
        add(svg, "line", "", {"class": "grid", **ends})
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        if band := bands.get(name):
            edge = [(x, low) for x, low, _ in band] + [(x, high) for x, _, high in reversed(band)]
            shade = {"fill": colour, "fill-opacity": "0.15"}
            add(svg, "polygon", "", {"points": _path(edge, high_x, high_y), **shade})
        path = _path(points, high_x, high_y)
        add(svg, "polyline", "", {"points": path, "fill": "none", "stroke": colour, "stroke-width": "2"})
        y = 14 + 16 * number
        # As a style: the page's own rule for text in pictures would win over an attribute.
        add(svg, "text", name, {"x": f"{_LEFT_PX + _SIDE_PX + 12}", "y": f"{y}", "style": f"fill:{colour}"})


def _path(points: Points, high_x: float, high_y: float) -> str:
    return " ".join(f"{_LEFT_PX + _SIDE_PX * x / high_x:.1f},{_SIDE_PX * (1 - y / high_y):.1f}" for x, y in points)


def add_confusion(parent: Element, labels: Sequence[str], shares: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """A confusion matrix: rows are true, columns are said; shades are shares of the row, with their intervals."""
    cell, left, top = 54, 84, 24
    size = cell * len(labels)
    box = f"0 0 {left + size} {top + size}"
    attributes = {"viewBox": box, "role": "img", "aria-label": "Confusion matrix: rows are true, columns are said"}
    svg = add(parent, "svg", "", {**attributes, "style": f"max-width:{left + size}px"})
    for row, label in enumerate(labels):
        add(svg, "text", label, {"x": "0", "y": f"{top + cell * row + 32}"})
        place = {"x": f"{left + cell * row + cell / 2}", "y": "14", "text-anchor": "middle"}
        add(svg, "text", label, place)
        for column, share in enumerate(shares["value"][row]):
            corner = {"x": f"{left + cell * column}", "y": f"{top + cell * row}"}
            shade = {"width": f"{cell - 2}", "height": f"{cell - 2}", "fill": _COLOURS[0]}
            add(svg, "rect", "", {**corner, **shade, "fill-opacity": f"{0.06 + 0.8 * share:.2f}"})
            middle = {"x": f"{left + cell * column + cell / 2 - 1}", "y": f"{top + cell * row + 31}"}
            add(svg, "text", f"{share:.0%}", {**middle, "text-anchor": "middle"})
            interval = f"{100 * shares['low'][row][column]:.0f}–{100 * shares['high'][row][column]:.0f}"
            below = {
                "x": middle["x"],
                "y": f"{top + cell * row + 44}",
                "text-anchor": "middle",
                "style": "font-size:9px",
            }
            add(svg, "text", interval, below)


def add_standing(parent: Element, name: str, marks: Sequence[tuple[str, float]], low: float, high: float) -> None:
    """One row: marks (name, value) on a line from `low` to `high`."""
    width, left = 620, 150
    height = 16 * len(marks) + 22
    svg = add(parent, "svg", "", {"viewBox": f"0 0 {left + width + 60} {height}", "role": "img", "aria-label": name})
    add(svg, "text", name, {"class": "name", "x": "0", "y": "20"})
    for number, (mark, value) in enumerate(marks):
        y = 12 + 16 * number
        x = left + width * (value - low) / max(high - low, 1e-9)
        bar = {"x": f"{left}", "y": f"{y - 8}", "height": "10", "width": f"{max(1.0, x - left):.1f}"}
        add(svg, "rect", "", {**bar, "fill": _COLOURS[number % len(_COLOURS)], "fill-opacity": "0.75"})
        add(svg, "text", f"{mark} {value:.1%}", {"x": f"{x + 6:.1f}", "y": f"{y + 1}"})


def _frame(parent: Element, title: str, axes: tuple[str, str], highs: tuple[float, float], names: int) -> Element:
    """Axes with five ticks each."""
    add(parent, "h3", title)
    width = _LEFT_PX + _SIDE_PX + 190
    height = max(_SIDE_PX + _BELOW_PX, 16 * names + 20)
    attributes = {
        "viewBox": f"0 -8 {width} {height + 8}",
        "role": "img",
        "aria-label": f"{title}: {axes[1]} by {axes[0]}",
    }
    svg = add(parent, "svg", "", {**attributes, "style": f"max-width:{width}px"})
    for tick in range(5):
        share = tick / 4
        x, y = _LEFT_PX + _SIDE_PX * share, _SIDE_PX * (1 - share)
        add(svg, "line", "", {"class": "grid", "x1": f"{x}", "x2": f"{x}", "y1": "0", "y2": f"{_SIDE_PX}"})
        right = f"{_LEFT_PX + _SIDE_PX}"
        add(svg, "line", "", {"class": "grid", "x1": f"{_LEFT_PX}", "x2": right, "y1": f"{y}", "y2": f"{y}"})
        bottom = {"x": f"{x}", "y": f"{_SIDE_PX + 14}", "text-anchor": "middle"}
        add(svg, "text", f"{highs[0] * share:.3g}", bottom)
        add(svg, "text", f"{highs[1] * share:.3g}", {"x": f"{_LEFT_PX - 6}", "y": f"{y + 4}", "text-anchor": "end"})
    middle = {"x": f"{_LEFT_PX + _SIDE_PX / 2}", "y": f"{_SIDE_PX + 30}", "text-anchor": "middle"}
    add(svg, "text", f"{axes[0]} →   ↑ {axes[1]}", middle)
    return svg
