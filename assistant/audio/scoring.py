"""The networks that hear every frame, on a thread of their own."""

from __future__ import annotations

from assistant.events import AudioFrame
from assistant.ports import VoiceActivityDetector, WakeWordDetector
from assistant.stages import VOICE_ACTIVITY_DETECTOR
from assistant.worker import Worker

_TIMEOUT_S = 5.0


class Scoring:
    """Runs the voice-activity detector, and the first stage of the wake phrase where there is one."""

    def __init__(self, detector: VoiceActivityDetector, first_stage: WakeWordDetector | None) -> None:
        self._detector = detector
        self._first_stage = first_stage
        self._worker = Worker(VOICE_ACTIVITY_DETECTOR, timeout_s=_TIMEOUT_S)
        self._reset_due = False

    async def score(self, frame: AudioFrame) -> tuple[float, float]:
        """Probability of speech and score of the wake phrase. Raises `AssistantError`."""
        return await self._worker.run(self._score, frame)

    def reset(self) -> None:
        """The next frame does not follow the last one."""
        self._reset_due = True

    def close(self) -> None:
        """End the thread."""
        self._worker.close()

    def _score(self, frame: AudioFrame) -> tuple[float, float]:
        if self._reset_due:  # here, for the networks may be in use anywhere else
            self._reset_due = False
            self._detector.reset()
            if self._first_stage is not None:
                self._first_stage.reset()
        wake_score = self._first_stage.process(frame.samples) if self._first_stage is not None else 0.0
        return self._detector.probability(frame.samples), wake_score
