"""`assistant bench wake`: measures the wake phrase on recordings and shows the curve."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.commands.left_out import tell_left_out
from assistant.config import WakeConfig
from assistant.errors import AssistantError, MediaError
from assistant.models.store import ModelStore
from assistant.settings import load_config
from assistant.wake_curve.curve import THRESHOLDS, Point, curve
from assistant.wake_curve.ears import Ears, Heard, hear
from assistant.wake_curve.recordings import Labelled, recordings_in

_SHOWN = 10


def bench_wake(folder: Path, config: Path | None, *, as_json: bool) -> None:
    """Listen to every recording in `folder` and print misses and false wakes, threshold by threshold.

    Raises `MediaError` for a folder without recordings, and after the last one if one could not be read; and what
    loading the networks raises.
    """
    settings = load_config(config)
    recordings = recordings_in(folder)
    ears = Ears(settings, ModelStore(settings.models.dir))
    try:
        heard, unreadable = _listen(ears, recordings)
    finally:
        ears.close()
    if heard:
        points = curve(heard, sorted({*THRESHOLDS, settings.wake.match}))
        if as_json:
            print(json.dumps(_as_json(heard, points, settings.wake), ensure_ascii=False, indent=2))
        else:
            _print(heard, points, settings.wake)
    tell_left_out(unreadable, "recordings", "measured")


def _listen(ears: Ears, recordings: list[Labelled]) -> tuple[list[Heard], list[AssistantError]]:
    """What was heard of each, and why the others could not be read."""
    heard: list[Heard] = []
    unreadable: list[AssistantError] = []
    for recording in track(recordings, "Listening …", console=Console(stderr=True), transient=True):
        try:
            heard.append(hear(ears, recording))
        except MediaError as error:
            unreadable.append(error)
    return heard, unreadable


def _as_json(heard: list[Heard], points: list[Point], wake: WakeConfig) -> dict[str, object]:
    return {
        "bench": "wake",
        "positive": sum(item.recording.positive for item in heard),
        "negative_hours": round(_negative_s(heard) / 3600, 4),
        "configured": wake.match,
        "first_stage": wake.first_stage,
        "curve": [asdict(point) for point in points],
        "recordings": [
            {
                "file": str(item.recording.path),
                "positive": item.recording.positive,
                "score": round(item.score, 3),
                "heard": [text for text, _ in item.utterances],
            }
            for item in heard
        ],
    }


def _print(heard: list[Heard], points: list[Point], wake: WakeConfig) -> None:
    out = Console(highlight=False)
    positive = sum(item.recording.positive for item in heard)
    hours = _negative_s(heard) / 3600
    table = Table("wake.match", "missed", "false accepts", "an hour", "at most an hour (95 %)", title="Wake phrase")
    for point in points:
        table.add_row(
            f"{point.threshold:g}{' *' if point.threshold == wake.match else ''}",
            "–" if point.miss_rate is None else f"{point.miss_rate:.0%} ({point.missed} of {positive})",
            str(point.false_accepts) if hours else "–",
            "–" if point.false_accepts_per_hour is None else f"{point.false_accepts_per_hour:.2f}",
            "–" if point.at_most_per_hour is None else f"{point.at_most_per_hour:.2f}",
        )
    out.print(table)
    out.print(f"* configured. {positive} recordings with the phrase, {hours:.2f} h without it.")
    if wake.first_stage != "vad":
        out.print(f"What wake.first_stage, '{wake.first_stage}', did not fire on counts as nothing heard.")
    _print_mistakes(out, heard, wake.match)


def _print_mistakes(out: Console, heard: list[Heard], threshold: float) -> None:
    """What went wrong at the configured threshold, the nearest misses first."""
    missed = sorted(
        (item for item in heard if item.recording.positive and item.score < threshold), key=lambda i: -i.score
    )
    for item in missed[:_SHOWN]:
        texts = " | ".join(text for text, _ in item.utterances) or "nothing"
        out.print(f"missed {item.recording.path.name} ({item.score:.2f}): {texts}", markup=False)
    for item in heard:
        for text, score in item.utterances if not item.recording.positive else ():
            if score >= threshold:
                out.print(f"woken by {item.recording.path.name} ({score:.2f}): {text}", markup=False)


def _negative_s(heard: list[Heard]) -> float:
    return sum(item.seconds for item in heard if not item.recording.positive)
