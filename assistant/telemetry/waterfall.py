"""The latency of a turn as a picture: every stage as a bar on one time axis that begins where the speech ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from assistant.stages import ANSWER, EMOTION, ENDPOINT, FIRST_TOKEN, OUTPUT, RECOGNIZE, SYNTHESIZE, UNDERSTAND
from assistant.telemetry.markup import add
from assistant.telemetry.timeline import Stage, TurnRecord

_ROW_PX = 34
_BAR_PX = 11
_TOP_PX = 24
"""Room for the label of the first sound."""
_AXIS_PX = 40
"""Room for the tick labels and the title."""
_TICKS = 4
_LABELS = {
    ENDPOINT: "waiting for more speech",
    RECOGNIZE: "recognise",
    EMOTION: "emotion",
    UNDERSTAND: "understand",
    FIRST_TOKEN: "first token",
    ANSWER: "answer",
    SYNTHESIZE: "synthesise",
    OUTPUT: "output",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A stage on the axis, in seconds since the end of speech."""

    stage: Stage
    begin_s: float
    end_s: float


def bars_of(turn: TurnRecord) -> list[Bar]:
    """The stages of a turn in the order of their beginning.

    In virtual time a stage takes none: it is drawn as long as its measured work, and what could only begin after it
    moves back accordingly. In real time this changes nothing.
    """
    zero_s = turn.speech_ended_at_s or 0.0
    bars: list[Bar] = []
    for stage in sorted(turn.stages, key=lambda stage: (stage.started_at_s, stage.started_at_s + stage.duration_s)):
        begin_s = stage.started_at_s - zero_s
        needed = [bar.end_s for bar in bars if bar.stage.started_at_s + bar.stage.duration_s <= stage.started_at_s]
        begin_s = max([begin_s, *needed])
        bars.append(Bar(stage, begin_s, begin_s + max(stage.duration_s, stage.compute_s)))
    return bars


@dataclass(frozen=True, slots=True)
class _Axis:
    """The seconds that the picture shows, as percentages of its width."""

    low_s: float
    high_s: float

    def at(self, seconds: float) -> str:
        return f"{self._percent(seconds):.2f}%"

    def width(self, begin_s: float, end_s: float) -> str:
        """At least wide enough to be seen."""
        return f"{max(0.4, self._percent(end_s) - self._percent(begin_s)):.2f}%"

    def inward(self, seconds: float) -> str:
        """The text anchor that keeps a label at this place inside the picture."""
        return "end" if self._percent(seconds) > 50 else "start"

    def centred(self, seconds: float) -> str:
        """The same for a label that stands in the middle wherever there is room."""
        return "middle" if 8 < self._percent(seconds) < 92 else self.inward(seconds)

    def _percent(self, seconds: float) -> float:
        return 100 * (seconds - self.low_s) / (self.high_s - self.low_s)


def add_waterfall(parent: Element, turn: TurnRecord, *, virtual_time: bool) -> None:
    """Append the picture to `parent` as inline SVG.

    Positions are percentages and text is in pixels, so that it stays readable at any width. The moment of the first
    sound is left out in virtual time, where it comes before the work that the bars show is done.
    """
    bars = bars_of(turn)
    first_sound_s = None if virtual_time else turn.latency_s
    ends_s = [bar.end_s for bar in bars] + [first_sound_s or 0.0, 1e-3]
    axis = _Axis(min([0.0, *(bar.begin_s for bar in bars)]), max(ends_s) * 1.02)
    bottom_px = _TOP_PX + len(bars) * _ROW_PX
    words = [_words(bar) for bar in bars]
    if first_sound_s is not None:
        words.append(f"first sound after {_ms(first_sound_s)}")
    svg = add(parent, "svg", "", {"class": "waterfall", "width": "100%", "height": str(bottom_px + _AXIS_PX)})
    svg.attrib |= {"role": "img", "aria-label": "Time since the end of speech: " + ", ".join(words)}
    _add_ticks(svg, axis, bottom_px)
    for row, bar in enumerate(bars):
        _add_bar(svg, bar, axis, _TOP_PX + row * _ROW_PX)
    if first_sound_s is not None:
        x = axis.at(first_sound_s)
        add(svg, "line", "", {"class": "sound", "x1": x, "x2": x, "y1": "16", "y2": str(bottom_px)})
        place = {"x": x, "y": "12", "text-anchor": axis.inward(first_sound_s)}
        add(svg, "text", f"first sound {_ms(first_sound_s)}", {"class": "sound", **place})


def _add_ticks(svg: Element, axis: _Axis, bottom_px: int) -> None:
    step_s = _nice_step(axis.high_s - axis.low_s)
    for index in range(math.ceil(axis.low_s / step_s), math.floor(axis.high_s / step_s) + 1):
        seconds = index * step_s
        x = axis.at(seconds)
        add(svg, "line", "", {"class": "grid", "x1": x, "x2": x, "y1": str(_TOP_PX - 4), "y2": str(bottom_px)})
        place = {"x": x, "y": str(bottom_px + 16), "text-anchor": axis.centred(seconds)}
        add(svg, "text", f"{seconds * 1000:.0f}", place)
    add(svg, "text", "milliseconds after the end of speech", {"x": "0", "y": str(bottom_px + 34)})


def _add_bar(svg: Element, bar: Bar, axis: _Axis, top_px: int) -> None:
    group = add(svg, "g", "", {"class": f"stage stage-{bar.stage.name}"})
    place = {"x": axis.at(bar.begin_s), "y": str(top_px + 16), "width": axis.width(bar.begin_s, bar.end_s)}
    add(group, "rect", "", {**place, "height": str(_BAR_PX), "rx": "2"})
    anchor = axis.inward(bar.begin_s)
    x = axis.at(bar.begin_s if anchor == "start" else bar.end_s)
    # The line of the first sound often stands right at the end of the last bar.
    gap = "-5" if anchor == "end" else "0"
    add(group, "text", _words(bar), {"x": x, "y": str(top_px + 11), "dx": gap, "text-anchor": anchor})


def _words(bar: Bar) -> str:
    return f"{_LABELS.get(bar.stage.name, bar.stage.name)} {_ms(bar.end_s - bar.begin_s)}"


def _nice_step(span_s: float) -> float:
    """The smallest of 1, 2, 5 × 10ⁿ that divides the span into at most `_TICKS` parts."""
    magnitude = 10.0 ** math.floor(math.log10(span_s / _TICKS))
    return next(factor * magnitude for factor in (1, 2, 5, 10, 20) if span_s / (factor * magnitude) <= _TICKS)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
