"""What stages are called, and who says when one fails, and when it works again."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import AssistantError
from assistant.events import Event, StageFailed, StageRecovered
from assistant.ports import Clock

# What a turn takes time for, in its order.
ENDPOINT = "endpoint"
RECOGNIZE = "recognize"
EMOTION = "emotion"
"""It can fail too: of the channels, "emotion-face" and the like."""
UNDERSTAND = "understand"
FIRST_TOKEN = "first_token"
"""Of a language model."""
ANSWER = "answer"
"""Until its first sentence is there."""
SYNTHESIZE = "synthesize"
OUTPUT = "output"
MOUTH_TO_EAR = "mouth_to_ear"
"""Of them together: from the end of speech to the moment at which the first sound leaves the device."""

# What can fail.
MICROPHONE = "microphone"
VOICE_ACTIVITY_DETECTOR = "voice-activity detector"
OVERLOAD = "overload"
"""Sound is lost because the machine is too slow."""
RECOGNIZER = "recognizer"
"""Of what was said and not understood. It is over as soon as there is one that recognises, though nobody speaks."""
RECOGNIZER_PROCESS = "recognizer process"
"""What was said is not lost with it, and is answered when another is there."""
INTERPRETER = "interpreter"
LANGUAGE_MODEL = "language model"
SKILL = "skill"
"""Followed by the request: "skill scene_describe"."""
SYNTHESIZER = "synthesizer"
"""A sentence could not be said."""
VOICE = "voice"
"""An engine of the voices' process, in whose place another speaks."""
SPEAKER = "speaker"
CAMERA = "camera"
VISION = "vision"
SIGHT = "sight"
"""While the governor keeps it off."""
PEOPLE = "people"
POSE = "pose"
CAPTIONER = "captioner"
NEURAL_CAPTIONER = "neural captioner"
STATE = "state"
"""Something could not be kept across restarts."""
KEPT = "kept"
"""Followed by what was kept and cannot be read: "kept timers"."""
METRICS = "metrics"

_ON_REQUEST = (CAPTIONER, EMOTION, INTERPRETER, LANGUAGE_MODEL, SKILL, SYNTHESIZER)
"""What the names of stages begin with that work only for somebody who says something."""


def runs_on_request(stage: str) -> bool:
    """Whether nobody knows if `stage` works until it is asked for again: nothing tries it meanwhile."""
    return stage.startswith(_ON_REQUEST)


class StageReports:
    """`StageFailed` for failures, and one `StageRecovered` for the first success after any."""

    def __init__(self, clock: Clock, emit: Callable[[Event], None]) -> None:
        self._clock = clock
        self._emit = emit
        self._failing: dict[str, str] = {}
        """Stage → the error that was told last."""

    def failed(self, stage: str, error: AssistantError) -> None:
        """`stage` could not do its work."""
        self.tell(StageFailed(self._clock.monotonic_s(), stage, error.message, error.remedy or ""))

    def still_failing(self, stage: str, error: AssistantError) -> None:
        """`stage` was tried again, and is worth a word only if that has failed in another way."""
        if self._failing.get(stage) != error.message:
            self.failed(stage, error)

    def is_failing(self, stage: str) -> bool:
        """Whether `stage` has failed and not worked since."""
        return stage in self._failing

    def tell(self, failure: StageFailed) -> None:
        """Pass on a failure that somebody else put into words."""
        self._failing[failure.stage] = failure.error
        self._emit(failure)

    def works(self, stage: str) -> None:
        """`stage` did its work."""
        if stage in self._failing:
            del self._failing[stage]
            self._emit(StageRecovered(self._clock.monotonic_s(), stage))
