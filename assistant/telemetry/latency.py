"""How long the stages of a turn take, over the newest turns and across restarts."""

from __future__ import annotations

import json
import logging
import math
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.to_thread

from assistant.atomic import write_text
from assistant.events import Event, PlaybackStarted, StageTimed, TurnFinished, TurnStarted
from assistant.stages import MOUTH_TO_EAR
from assistant.telemetry.timeline import Summary, percentile

_LOG = logging.getLogger(__name__)
_KEPT = 500
"""Durations of each stage that are kept: a few days of use, and 4 kB."""
_STAGES = 32
_OPEN_TURNS = 8
_FORMAT = 1
_SAVE_EVERY_S = 60.0


class LatencyStatistics:
    """A `TurnObserver` that keeps the newest durations of each stage, in bounded memory."""

    def __init__(self, path: Path | None = None) -> None:
        """With what the file at `path` holds; one that cannot be read is begun anew."""
        self._path = path
        self._durations_s: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._speech_ended_at_s: dict[int, float] = {}
        self._changed = False
        if path is not None:
            self._load(path)

    def on_event(self, event: Event) -> None:
        """Take the durations of turns that people began; an announcement's are none of anybody's wait."""
        match event:
            case TurnStarted():
                if len(self._speech_ended_at_s) >= _OPEN_TURNS:
                    self._speech_ended_at_s.clear()
                self._speech_ended_at_s[event.turn_id] = event.speech_ended_at_s
            case StageTimed(turn_id=turn_id) if turn_id in self._speech_ended_at_s:
                self._add(event.stage, event.at_s - event.started_at_s)
            case PlaybackStarted(turn_id=turn_id) if turn_id in self._speech_ended_at_s:
                self._add(MOUTH_TO_EAR, event.at_s - self._speech_ended_at_s[turn_id])
            case TurnFinished():
                self._speech_ended_at_s.pop(event.turn_id, None)

    def snapshot(self) -> dict[str, Summary]:
        """Stage → count, median and 95th percentile over the newest durations; stages without any are not in it."""
        return {
            stage: Summary(len(values), percentile(values, 50), percentile(values, 95))
            for stage, values in ((stage, list(kept)) for stage, kept in self._durations_s.items())
        }

    async def keep(self) -> None:
        """Write the file now and then, off the event loop; `save` at the end writes what came since."""
        while True:
            await anyio.sleep(_SAVE_EVERY_S)
            if self._changed:
                await anyio.to_thread.run_sync(self._write, self._text())

    def save(self) -> None:
        """Write the file if anything has changed. A full disk is logged: no answer depends on it."""
        if self._changed:
            self._write(self._text())

    def _add(self, stage: str, duration_s: float) -> None:
        if stage in self._durations_s or len(self._durations_s) < _STAGES:
            self._durations_s[stage].append(max(0.0, duration_s))
            self._changed = True

    def _text(self) -> str:
        self._changed = False
        rounded = {stage: [round(value, 4) for value in kept] for stage, kept in self._durations_s.items()}
        return json.dumps({"format": _FORMAT, "durations_s": rounded}) + "\n"

    def _write(self, text: str) -> None:
        if self._path is None:
            return
        try:
            write_text(self._path, text)
        except OSError as error:
            self._changed = True
            _LOG.warning("The latency statistics cannot be kept: %s: %s.", self._path, error.strerror)

    def _load(self, path: Path) -> None:
        try:
            kept = _checked(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            _LOG.warning("The latency statistics in %s cannot be read and are begun anew: %s", path, error)
            return
        for stage, values in kept.items():
            self._durations_s[stage].extend(values)


def _checked(content: object) -> Mapping[str, list[float]]:
    """The durations in a file's content. Raises `ValueError` when it is something else."""
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"it is not of format {_FORMAT}")
    kept = content.get("durations_s")
    if not isinstance(kept, dict) or len(kept) > _STAGES:
        raise ValueError("it holds no durations")
    for values in kept.values():
        if not isinstance(values, list) or not all(_is_duration(value) for value in values):
            raise ValueError("it holds what is no duration")
    return {stage: values for stage, values in kept.items() if values}


def _is_duration(value: object) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value) and value >= 0
    except OverflowError:  # an integer that no float holds
        return False
