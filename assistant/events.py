"""Every message that passes between stages, and to observers.

All are frozen dataclasses. `at_s` and every other time ends in `_s` and is seconds on the monotonic clock of the run.
Everything after a transcript carries the `turn_id` of the exchange that it belongs to. Arrays state shape, dtype and
range; they are never copied between stages, so a receiver must not write into them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

AudioArray: TypeAlias = npt.NDArray[np.float32]
ImageArray: TypeAlias = npt.NDArray[np.uint8]

EmotionLabel: TypeAlias = Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
EMOTION_LABELS: tuple[EmotionLabel, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    at_s: float
    """When it happened: monotonic seconds."""


@dataclass(frozen=True, slots=True)
class AudioFrame(Event):
    """A block of microphone samples; `at_s` is the time of its last sample."""

    samples: AudioArray
    """float32, shape (n,), mono, [-1, 1]."""
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class VideoFrame(Event):
    """One picture; `at_s` is when it was captured."""

    pixels: ImageArray
    """uint8, shape (H, W, 3), RGB."""
    source: str = ""
    """What it came from, for people: a camera's name or a file's."""


@dataclass(frozen=True, slots=True)
class SpeechStarted(Event):
    """Someone began to speak, or speaks on where an utterance was cut at `vad.max_utterance_s`."""


@dataclass(frozen=True, slots=True)
class Utterance(Event):
    """Speech between two silences; `at_s` is when its end was decided."""

    samples: AudioArray
    """float32, shape (n,), mono, [-1, 1]; a pre-roll before the first voiced sample and a short tail are included."""
    sample_rate_hz: int
    started_at_s: float
    """First voiced sample."""
    ended_at_s: float
    """Last voiced sample: the voice-activity hangover is already subtracted."""
    goes_on: bool = False
    """Whether it was cut at `vad.max_utterance_s` in mid-speech, and the next one goes on with it."""


@dataclass(frozen=True, slots=True)
class SpeechPaused(Event):
    """The speaker fell silent, perhaps for good: what was said so far may be recognised ahead of the decision."""

    utterance: Utterance
    """What was said so far."""


@dataclass(frozen=True, slots=True)
class SpeechResumed(Event):
    """The speaker went on after a pause: whatever was done ahead is void."""


@dataclass(frozen=True, slots=True)
class SpeechContinued(Event):
    """The speaker is still speaking: a streaming recogniser may take what is new."""

    utterance: Utterance
    """What was said so far."""


@dataclass(frozen=True, slots=True)
class SpeechEnded(Event):
    """The end of an utterance has been decided. `utterance` equals that of the last `SpeechPaused`, `at_s` and
    `goes_on` apart."""

    utterance: Utterance
    """What was said; with `goes_on`, a piece of it."""


@dataclass(frozen=True, slots=True)
class SpeechDiscarded(Event):
    """What was being said was discarded in the middle, unheard: the assistant was muted."""


@dataclass(frozen=True, slots=True)
class Transcript(Event):
    """What a recogniser heard. Partials have `is_final=False` and may be revised."""

    turn_id: int
    text: str
    """What was asked, as it was recognised, without the wake phrase."""
    language: str
    """BCP 47 primary tag: "en", "zh"."""
    confidence: float
    """0 to 1."""
    is_final: bool
    """Whether the end of the utterance has been decided: a text before that may still change, or come to nothing."""


@dataclass(frozen=True, slots=True)
class WakeWordDetected(Event):
    """The wake phrase was heard and confirmed."""

    phrase: str
    """The one of `wake.phrases` that matched, as it is configured."""
    score: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class TurnStarted(Event):
    """An utterance was addressed to the assistant; `at_s` is when that was decided."""

    turn_id: int
    speech_ended_at_s: float
    """When the person's last voiced sample was heard: latencies count from here."""


@dataclass(frozen=True, slots=True)
class IntentRecognized(Event):
    """What the words mean. `intent` is None when nothing matched. Each request of one breath is one of these."""

    turn_id: int
    intent: str | None
    """The request's name in `assistant/dialogue/sentences/`, such as "scene_describe"; null when no skill understood
    it."""
    slots: dict[str, str] = field(default_factory=dict)
    """The request's values by name, such as `{"minutes": "5"}`."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in fractions of the picture's width and height, 0 to 1."""

    x0: float
    """Left edge."""
    y0: float
    """Upper edge."""
    x1: float
    """Right edge."""
    y1: float
    """Lower edge."""

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def area(self) -> float:
        """Share of the picture, 0 to 1."""
        return max(0.0, self.x1 - self.x0) * max(0.0, self.y1 - self.y0)


@dataclass(frozen=True, slots=True)
class Detection:
    """One object in a picture."""

    label: str
    """COCO class name in English."""
    confidence: float
    box: Box
    """Where it is in the picture."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face in a picture."""

    box: Box
    """Where it is in the picture."""
    confidence: float
    keypoints: tuple[tuple[float, float], ...] = ()
    """Right eye, left eye, nose, mouth, right ear, left ear; fractions of the picture."""
    name: str = ""
    """Whose it is, if that is somebody who was introduced."""
    name_sure: bool = False
    """Whether the name is said without "I think"."""


@dataclass(frozen=True, slots=True)
class SceneTag:
    """A whole-picture label."""

    label: str
    """ImageNet's class name in English."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Track:
    """One thing, the same one from picture to picture."""

    track_id: int
    """Its own for as long as it is followed; never used twice."""
    label: str
    """COCO class name in English: what it was taken for most often and most surely."""
    confidence: float
    """0 to 1, smoothed over the pictures."""
    box: Box
    """Where it is, smoothed over the pictures; where a look has missed it, where it should be."""
    first_seen_at_s: float
    """When the first picture that shows it was captured."""
    last_seen_at_s: float
    """The same of the newest that shows it."""
    confirmed: bool = True
    """False for what was seen once, and not surely: it may be nothing."""
    color: str = ""
    """"red", "dark blue" …; empty where the picture does not tell."""
    name: str = ""
    """Of a person whose face was recognised; it stays while the face is turned away for a while."""
    name_sure: bool = False
    """Whether the name is said without "I think"."""


@dataclass(frozen=True, slots=True)
class SceneState(Event):
    """What one picture holds; `at_s` is when the picture was captured, so its age is `now - at_s`."""

    objects: tuple[Detection, ...]
    """What the object detector found in this picture, weak findings too; `tracks` is what is believed to be there."""
    faces: tuple[Face, ...]
    """Faces that were found in this picture; empty too where none were looked for."""
    tags: tuple[SceneTag, ...] = ()
    """What the whole picture looks like; those of an earlier look while the picture has not changed."""
    source: str = ""
    """What the picture came from: `vision.camera`, or a file's name."""
    frame: VideoFrame | None = None
    """The picture itself, for captioners that look at pixels and for reports."""
    tracks: tuple[Track, ...] | None = None
    """What is there, smoothed over the pictures before; null for a picture by itself."""
    brightness: float | None = None
    """Mean of the picture, 0 (black) to 1 (white)."""
    dark: bool = False
    """Whether it has become too dark to see: there are no tracks then, which does not mean that nothing is there."""
    compute_s: dict[str, float] = field(default_factory=dict)
    """Seconds of work that each network put into this picture."""


SceneChangeKind: TypeAlias = Literal[
    "came", "left", "appeared", "vanished", "moved", "dark", "light", "motion", "hand_raised", "lying"
]


@dataclass(frozen=True, slots=True)
class SceneChange(Event):
    """Something happened before the camera; told once. `at_s` is when it could be seen first."""

    kind: SceneChangeKind
    """"came" and "left" are people's, "appeared", "vanished" and "moved" are things'."""
    subject: str
    """COCO class name, or "room"."""
    confidence: float
    track_id: int | None = None
    """The `Track.track_id` of the person or thing; null for what concerns the whole room."""
    box: Box | None = None
    """Where it was seen last."""
    name: str = ""
    """Of a known person who came or left, as they were introduced; empty for anyone else."""
    name_sure: bool = False
    """Whether the name needs no "I think"."""


@dataclass(frozen=True, slots=True)
class SceneCaption(Event):
    """A sentence about a scene, no older than `age_s` when it was made."""

    text: str
    """The sentence."""
    language: str
    confidence: float
    age_s: float
    """Age of the evidence when the caption was made."""
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class EmotionEstimate(Event):
    """One channel's opinion; `at_s` is when its evidence was observed."""

    channel: str
    """"face", "voice" or "text"."""
    probabilities: tuple[float, ...]
    """One for each feeling: angry, disgust, fear, happy, sad, surprise, neutral; they sum to 1."""
    valence: float
    """-1 (unpleasant) to 1 (pleasant)."""
    arousal: float
    """-1 (calm) to 1 (excited)."""
    confidence: float
    """0 to 1: how much this evidence can be trusted at all."""


@dataclass(frozen=True, slots=True)
class EmotionContribution:
    """How much a channel counted in a fused estimate, or why it did not."""

    channel: str
    """"face", "voice" or "text"."""
    weight: float
    """0 to 1; the weights of all channels that counted sum to 1."""
    label: EmotionLabel | None
    """The channel's own top class."""
    confidence: float
    age_s: float | None
    """Seconds since its evidence was observed; null where there is none."""
    left_out: str | None = None
    """Why it did not count: "missing", "too old", "not confident", or "not learned" by the fusion."""


@dataclass(frozen=True, slots=True)
class EmotionState(Event):
    """The fused estimate. `label` is None when the evidence does not allow an answer."""

    label: EmotionLabel | None
    """The likeliest feeling; null while its probability is below `emotion.abstain_below`, or no channel counts."""
    probabilities: tuple[float, ...]
    """One for each feeling: angry, disgust, fear, happy, sad, surprise, neutral; they sum to 1."""
    valence: float
    """-1 (unpleasant) to 1 (pleasant), weighted over the channels; the nearer to 0, the less is decided."""
    arousal: float
    """-1 (calm) to 1 (excited), weighted likewise."""
    confidence: float
    """Probability of the likeliest feeling; 0 while no channel counts."""
    contributions: tuple[EmotionContribution, ...]
    """One for each channel that is switched on, whether or not it counted."""
    turn_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReplyChunk(Event):
    """One sentence of the reply, before it is spoken."""

    turn_id: int
    text: str
    """The sentence, as it will be spoken."""
    language: str


@dataclass(frozen=True, slots=True)
class SpeechChunk(Event):
    """Synthesised speech of (a part of) one sentence."""

    turn_id: int
    samples: AudioArray
    """float32, shape (n,), mono, [-1, 1]."""
    sample_rate_hz: int
    text: str
    """The sentence on its first chunk, empty on the others."""


@dataclass(frozen=True, slots=True)
class PlaybackStarted(Event):
    """The first sample of a reply left the device at `at_s`, output latency included."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class PlaybackPaused(Event):
    """A reply fell silent because someone spoke over it. It goes on if that was nothing, else it is cut off."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class PlaybackResumed(Event):
    """A reply that had been paused is heard again from `at_s` on, a few words before where it stopped."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class PlaybackFinished(Event):
    """A reply ended or was cut off."""

    turn_id: int
    played_s: float
    """Seconds of speech that really left the device."""
    text: str
    """What was heard; the last sentence perhaps in part, then with "…"."""
    completed: bool
    """Whether it was heard to its end: not if it was broken off, or the voice or the speaker failed."""
    begun: str = ""
    """The sentences that were begun, as they would have been heard to their ends: what a request to repeat repeats."""


@dataclass(frozen=True, slots=True)
class Interruption(Event):
    """The reply was cut off: the person spoke over it, or asked for something else."""

    turn_id: int
    reason: str
    """"speech" (somebody spoke over it, or it was held for too long), "newer request", or "called" (it was told to
    listen)."""


@dataclass(frozen=True, slots=True)
class TurnFinished(Event):
    """Nothing more will be said in this turn."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class StageTimed(Event):
    """How long one stage of a turn took; `at_s` is when it ended."""

    turn_id: int
    stage: str
    """In the order of a turn: "endpoint", "recognize", "emotion", "understand", "first_token" (of a language model),
    "answer" (until its first sentence is there), "synthesize", "output"."""
    started_at_s: float
    """When it began, or began to be waited for."""
    compute_s: float
    """Seconds of work as measured by a performance counter, also where the run itself is in virtual time."""


@dataclass(frozen=True, slots=True)
class StageFailed(Event):
    """A stage cannot do its work; the assistant goes on without it."""

    stage: str
    """"microphone", "camera", "speaker", "recognizer", "recognizer process", "captioner", "synthesizer" …"""
    error: str
    """What happened, in words for people."""
    remedy: str = ""
    """What to do about it; empty where there is nothing to be done."""


@dataclass(frozen=True, slots=True)
class StageRecovered(Event):
    """A stage works again."""

    stage: str
    """The same as in its `StageFailed`."""


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """A change of state that a person should see."""

    kind: str
    """"listening", "attentive", "asleep", "muted", "unmuted" or "governor"."""
    text: str = ""
    """The line that the terminal shows."""
    details: dict[str, Any] = field(default_factory=dict)
    """Of "attentive" `until_s`, from when on a wake phrase is needed again; of "governor" `step` and `because`."""
