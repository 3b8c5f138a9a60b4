"""The report's pictures, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from assistant.telemetry.markup import add

_WIDTH_PX, _NAME_PX, _VALUE_PX = 900, 240, 70
_MOST_BARS = 24


def add_latencies(parent: Element, variants: Mapping[str, Mapping[str, Any]]) -> None:
    """A row a variant, as `export.measure.summary` has it: every run as a dot, the median as a line.

    The axis ends behind the slowest 95th percentile.
    """
    row_px, top_px = 34, 6
    height_px = top_px + row_px * len(variants) + 26
    high_ms = max(float(item["p95_ms"]) for item in variants.values()) * 1.1
    label = "Latency of every run, by precision"
    svg = add(parent, "svg", "", {"viewBox": f"0 0 {_WIDTH_PX} {height_px}", "role": "img", "aria-label": label})
    room_px = _WIDTH_PX - _NAME_PX - _VALUE_PX
    for tick in range(5):
        value_ms = high_ms * tick / 4
        x = _NAME_PX + room_px * tick / 4
        add(
            svg, "line", "", {"class": "grid", "x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": "0", "y2": f"{height_px - 24}"}
        )
        add(svg, "text", f"{value_ms:.3g} ms", {"x": f"{x:.1f}", "y": f"{height_px - 6}", "text-anchor": "middle"})
    for number, (name, item) in enumerate(variants.items()):
        y = top_px + row_px * number + row_px / 2
        add(svg, "text", name, {"class": "name", "x": "0", "y": f"{y + 4:.1f}"})
        for run_ms in item["runs_ms"]:
            x = _NAME_PX + room_px * min(1.0, run_ms / high_ms)
            add(svg, "circle", "", {"class": "run", "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4"})
        x = _NAME_PX + room_px * item["median_ms"] / high_ms
        place = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": f"{y - 11:.1f}", "y2": f"{y + 11:.1f}"}
        add(svg, "line", "", {"class": "median", **place})
        text = f"median {item['median_ms']:.2f}, p95 {item['p95_ms']:.2f} ms"
        add(svg, "text", text, {"x": f"{_NAME_PX - 12}", "y": f"{y + 4:.1f}", "text-anchor": "end"})


def add_bars(parent: Element, bars: Sequence[tuple[str, float, bool]], *, unit: str) -> None:
    """The first 24 of (name, value, faint) as horizontal bars from zero."""
    shown = bars[:_MOST_BARS]
    row_px = 18
    high = max(1.0, *(value for _, value, _ in shown))
    height_px = row_px * len(shown)
    label = f"{len(shown)} of {len(bars)} layers, the lowest first"
    svg = add(parent, "svg", "", {"viewBox": f"0 0 {_WIDTH_PX} {height_px}", "role": "img", "aria-label": label})
    room_px = _WIDTH_PX - 2 * _NAME_PX - _VALUE_PX
    for number, (name, value, faint) in enumerate(shown):
        y = row_px * number
        short = name if len(name) <= 60 else f"…{name[-59:]}"
        add(svg, "text", short, {"class": "name", "x": f"{2 * _NAME_PX - 8}", "y": f"{y + 13}", "text-anchor": "end"})
        width = max(0.0, room_px * value / high)
        place = {"x": f"{2 * _NAME_PX}", "y": f"{y + 3}", "width": f"{width:.1f}", "height": f"{row_px - 6}"}
        add(svg, "rect", "", {"class": "bar faint" if faint else "bar", **place})
        text = f"{value:.1f} {unit}"
        add(svg, "text", text, {"x": f"{2 * _NAME_PX + width + 6:.1f}", "y": f"{y + 13}"})
    if len(bars) > len(shown):
        add(parent, "p", f"{len(bars) - len(shown)} layers that hurt less are not drawn.", {"class": "dim"})


def add_histograms(parent: Element, tensors: Sequence[Mapping[str, Any]]) -> None:
    """A small histogram for each of `calibration_evidence`'s tensors, three in a row."""
    columns, cell_px, row_px, plot_px = 3, _WIDTH_PX // 3, 112, 56
    height_px = row_px * -(-len(tensors) // columns)
    label = f"What {len(tensors)} activations were like in calibration"
    svg = add(parent, "svg", "", {"viewBox": f"0 0 {_WIDTH_PX} {height_px}", "role": "img", "aria-label": label})
    for number, tensor in enumerate(tensors):
        left, top = number % columns * cell_px, number // columns * row_px
        name = tensor["tensor"]
        add(svg, "text", name if len(name) <= 40 else f"…{name[-39:]}", {"x": f"{left}", "y": f"{top + 12}"})
        heights = np.log1p(np.asarray(tensor["counts"], np.float64))
        heights *= plot_px / max(1.0, heights.max())
        width = (cell_px - 20) / len(heights)
        points = "".join(
            f"M{left + index * width:.1f} {top + 20 + plot_px}v{-height:.1f}h{width:.1f}v{height:.1f}z"
            for index, height in enumerate(heights)
            if height > 0
        )
        add(svg, "path", "", {"class": "bar", "d": points})
        for edge in (tensor["low"], tensor["high"]):
            x = left + (edge / tensor["limit"] + 1) / 2 * (cell_px - 20)
            place = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": f"{top + 18}", "y2": f"{top + 22 + plot_px}"}
            add(svg, "line", "", {"class": "median", **place})
        text = f"{tensor['low']:.3g} to {tensor['high']:.3g}; {tensor['cut_off']:.2%} beyond"
        add(svg, "text", text, {"x": f"{left}", "y": f"{top + 34 + plot_px}"})
