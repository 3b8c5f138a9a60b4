"""Every port: what the pipeline needs from the outside, as Protocols.

Devices are asynchronous and owned by the event loop. Models are plain blocking objects, each called from one
`assistant.worker.Worker` only, so they need no locks. A backend may raise `assistant.errors.StageError`,
`DeviceError` or `ModelError`; it never returns None or a sentence to mean failure.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from assistant.events import (
    AudioArray,
    AudioFrame,
    Box,
    Detection,
    EmotionEstimate,
    Event,
    Face,
    SceneCaption,
    SceneState,
    SceneTag,
    SpeechChunk,
    VideoFrame,
)

EvidenceT = TypeVar("EvidenceT", contravariant=True)


class Clock(Protocol):
    """Time, injected so that whole conversations can run in virtual time."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""

    def wall(self) -> datetime:
        """Local date and time, with its zone."""

    def suspended_s(self) -> float:
        """Seconds that the machine has slept through so far, while monotonic time stood still."""

    async def sleep_until(self, deadline_s: float) -> None:
        """Return at that monotonic time."""


class AudioSource(Protocol):
    """A microphone, or what stands in for one."""

    name: str
    virtual: bool
    """Whether a program makes its sound, so that silence to the last bit is no fault; known while it is open, and may
    change then."""
    devices_changed: Callable[[], None] | None
    """Called on the event loop when a sound server may have put another microphone or speaker in the place of one,
    without its being opened anew."""

    @property
    def dropped(self) -> int:
        """Frames lost so far because nobody took them in time."""

    async def open(self) -> None:
        """Start capturing, unless it does already. Raises `DeviceError` naming the device, what was wanted and what to
        do."""

    def frames(self) -> AsyncGenerator[AudioFrame, None]:
        """Mono frames at 16 kHz, 512 samples each, until the source ends or is closed."""

    async def close(self, *, failed: bool = False) -> None:
        """Release the device; safe to call twice. If whoever listens has `failed`, the frames that wait are lost, and
        counted; if nobody wants to hear any more, they are not."""


@dataclass(frozen=True, slots=True)
class Onset:
    """When a chunk begins to be heard."""

    at_s: float
    """The monotonic time at which its first sample leaves the device, output latency included."""
    run: int
    """Number of the unbroken run of sound that it belongs to: within one, times are exact to the sample against each
    other, however far all of them are off."""


class AudioSink(Protocol):
    """A speaker, or what stands in for one."""

    @property
    def name(self) -> str:
        """As the device is called, or as it was configured until it is found."""

    heard_otherwise: Callable[[Onset, AudioArray, int], None] | None
    """Called on the event loop when the rest of a chunk, (n,) float32 before the volume, at that sample rate, is not
    heard as its onset said: later, as after a stall, or at another volume."""

    async def open(self) -> None:
        """Start the device. Raises `DeviceError`."""

    async def play(self, chunk: SpeechChunk) -> Onset:
        """Queue a chunk and return when its turn comes, which is the back-pressure: one chunk plays, one waits. Raises
        `DeviceError` when the device is gone."""

    async def drain(self) -> None:
        """Return when everything queued has been heard."""

    def stop(self) -> None:
        """Forget what is queued and fall silent at once."""

    def played_s(self) -> float:
        """Seconds of speech handed to the device so far, however often it was opened."""

    @property
    def volume(self) -> float:
        """Gain of what is played, 0 to 1."""

    def set_volume(self, volume: float) -> None:
        """Gain from now on, 0 to 1."""

    async def close(self) -> None:
        """Release the device; safe to call twice."""


class Camera(Protocol):
    """A camera, stream, video file or folder of pictures."""

    name: str

    async def open(self) -> None:
        """Start capturing. Raises `DeviceError` or `MediaError`."""

    async def read(self) -> VideoFrame | None:
        """The newest frame, waiting for the first; None at the end of a file. Raises `DeviceError` when none came in
        time."""

    async def close(self) -> None:
        """Release the device; safe to call twice."""


class VoiceActivityDetector(Protocol):
    """The probability of speech in one frame. The state machine around it is `assistant.vad.endpointing`."""

    sample_rate_hz: int
    frame_samples: int

    def probability(self, samples: AudioArray) -> float:
        """Speech probability (0 to 1) of the next (frame_samples,) block of the stream."""

    def reset(self) -> None:
        """Forget the stream so far."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """A recogniser's result."""

    text: str
    language: str
    """BCP 47 primary tag."""
    confidence: float
    """0 to 1."""
    perhaps: tuple[str, ...] = ()
    """What a very short utterance may have been instead, if somebody interrupts with it: "stop" or 停 alone is hard to
    recognise."""


class RecognizerStream(Protocol):
    """One utterance being recognised."""

    def accept(self, samples: AudioArray) -> str | None:
        """Take the next 16 kHz samples; a new partial text if the recogniser streams, else None."""

    def result(self, *, over_reply: bool = False) -> Recognition:
        """What has been said so far, with what it is `perhaps` if that may be an interruption, being said `over_reply`.
        May be called again after more samples; costs nothing when none came since, and is the same then."""


class Recognizer(Protocol):
    """Speech to text."""

    languages: frozenset[str]
    """BCP 47 primary tags that it can be asked for."""
    streams_partials: bool

    def open(self, language: str | None) -> RecognizerStream:
        """Begin an utterance. `language` None lets the recogniser decide."""

    def close(self) -> None:
        """Free the model."""


class WakeWordDetector(Protocol):
    """A cheap first stage that watches every frame for the wake phrase; the recogniser's text confirms."""

    def process(self, samples: AudioArray) -> float:
        """Score (0 to 1) of the phrase ending in this block of 16 kHz samples."""

    def reset(self) -> None:
        """Forget the stream so far."""


class Detector(Protocol):
    """Objects in a picture."""

    labels: Sequence[str]

    def detect(self, frame: VideoFrame) -> list[Detection]:
        """Detections by falling confidence."""


class FaceDetector(Protocol):
    """Faces in a picture."""

    def detect(self, frame: VideoFrame) -> list[Face]:
        """Faces by falling confidence."""


class SceneTagger(Protocol):
    """Whole-picture labels."""

    def tag(self, frame: VideoFrame) -> list[SceneTag]:
        """Tags by falling confidence."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text in a picture."""

    text: str
    confidence: float
    """0 to 1."""
    box: Box


@dataclass(frozen=True, slots=True)
class ReadText:
    """What was read in one picture."""

    lines: tuple[TextLine, ...]
    """In the order in which one reads them; empty where nothing is written."""
    at_s: float
    """When the picture was taken."""


class TextReader(Protocol):
    """Reads what is written in a picture."""

    languages: frozenset[str]
    """BCP 47 primary tags of what it reads."""

    def read(self, frame: VideoFrame) -> list[TextLine]:
        """Its lines in the order in which one reads them. What cannot be read with confidence is not there. Raises
        `ModelError` when the reader itself fails."""


class Captioner(Protocol):
    """A sentence about a scene."""

    languages: frozenset[str]

    def caption(self, scene: SceneState, language: str, now_s: float) -> SceneCaption:
        """Say what is there, hedged by confidence, with the age of the evidence. Never invents: an empty scene gets a
        sentence that says so."""


@runtime_checkable
class PreparingCaptioner(Captioner, Protocol):
    """A captioner whose work takes too long for an answer to wait for it."""

    async def prepare(self, scene: SceneState) -> bool:
        """Do the work that `caption` of this scene will use. False if it does not begin, because it is still at an
        earlier one or there is no picture. Raises `AssistantError`; `caption` makes do without."""

    @property
    def hangs(self) -> bool:
        """Whether work that took too long still goes on, so that `prepare` would fail at once."""

    @property
    def lost(self) -> bool:
        """Whether what it runs on has died since it was last used: the next `prepare` raises why, and the one after it
        finds another."""

    def close(self) -> None:
        """Release what it runs on."""


class EmotionChannel(Protocol[EvidenceT]):
    """One way to tell how a person feels. Evidence is `FaceEvidence`, `Utterance` or `Transcript`."""

    name: str

    def estimate(self, evidence: EvidenceT) -> EmotionEstimate | None:
        """An estimate, or None when this evidence says nothing (too short, too dark, no words of feeling)."""


@dataclass(frozen=True, slots=True)
class FaceEvidence:
    """A face and the picture that it is in."""

    frame: VideoFrame
    face: Face
    track_id: int | None = None
    """Of the person whose face it is, if they were followed before."""


@dataclass(frozen=True, slots=True)
class EmotionEvidence:
    """What the channels say at n moments, for a fusion that knows c channels."""

    probabilities: npt.NDArray[np.float64]
    """Shape (n, c, 7), in the order of `EMOTION_LABELS`; each row sums to 1. Any row where nothing is present."""
    confidence: npt.NDArray[np.float64]
    """Shape (n, c), 0 to 1."""
    half_lives: npt.NDArray[np.float64]
    """Shape (n, c): ages in half-lives, from 0."""
    present: npt.NDArray[np.bool_]
    """Shape (n, c): whether the channel says anything. What is not present does not count."""


@dataclass(frozen=True, slots=True)
class PooledEmotion:
    """What a fusion makes of n moments."""

    probabilities: npt.NDArray[np.float64]
    """Shape (n, 7), sums to 1, calibrated: what is given 0.6 should be right six times in ten."""
    weights: npt.NDArray[np.float64]
    """Shape (n, c), how much each channel counted; sums to 1, or is all 0 where none was present."""


class EmotionFusionHead(Protocol):
    """Several channels' opinions into one. Called on the event loop: it takes well under a millisecond."""

    name: str
    channels: tuple[str, ...]
    """The channels that it knows, in the order of its evidence."""

    def pool(self, evidence: EmotionEvidence) -> PooledEmotion:
        """One opinion a moment; the prior where no channel is present."""


@dataclass(frozen=True, slots=True)
class SpeakingStyle:
    """How a sentence is said, around the voice's own neutral."""

    rate: float = 1.0
    """Speed factor, 0.5 to 2."""
    pitch: float = 1.0
    """Pitch factor, 0.8 to 1.25; a voice that cannot change it ignores it."""
    volume: float = 1.0
    """Gain, 0 to 1."""


class Synthesizer(Protocol):
    """Text to speech, one sentence at a time. Runs in a child process (`assistant.tts.process`)."""

    sample_rate_hz: int
    languages: frozenset[str]

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """Speech as float32 mono blocks in [-1, 1], the first as early as the engine can."""


@runtime_checkable
class RehearsableSynthesizer(Synthesizer, Protocol):
    """One that is so slow that what replies begin with is better made in advance, see `assistant.tts.rehearsed`. Its
    sample rate never changes."""

    def fingerprint(self, text: str, language: str) -> str:
        """All that the sound of a text depends on besides the style: of the model and its voice, and how it is read."""

    def unfinished(self, text: str, language: str, rate: float) -> AudioArray:
        """The sound of a text, (n,) float32 mono, as it is said when the clause goes on."""

    def takes_s(self, sentence: str, language: str) -> float:
        """How long the first block of a sentence takes, as far as the last ones tell."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a sentence asks for."""

    name: str
    slots: Mapping[str, str]
    language: str
    text: str
    """The sentence as it was heard."""
    then: tuple[Intent, ...] = ()
    """What the same breath asks for after it."""


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """What a dialogue model is told."""

    text: str
    language: str
    history: Sequence[tuple[str, str]]
    """(person, assistant) pairs, oldest first; the assistant's side is what was really played."""
    scene: str
    """The current caption, or an empty string."""
    emotion: str
    """The person's emotion label, or an empty string when unsure."""


class DialogueModel(Protocol):
    """Free conversation, for what no intent matched."""

    def reply(self, turn: DialogueTurn) -> AsyncGenerator[str, None]:
        """The reply's text as it is generated, in pieces of any size, until that ends or whoever listens closes it.
        Raises `StageError`; it is an `AnsweredError` where the reply is whole all the same."""


class Interpreter(Protocol):
    """Sentence to intent."""

    def interpret(self, text: str, language: str) -> Intent | None:
        """The best intent, None when nothing matches."""

    def begins(self, text: str, language: str) -> bool:
        """Whether `text`, for which `interpret` finds nothing, is how a request begins."""


class Skill(Protocol):
    """Something that the assistant can do. One file in `assistant/skills/` and one line in its registry.

    A skill may also have `answers_ahead`, a frozenset of those of its intents whose `handle` changes nothing: their
    answers are prepared while the person may still go on speaking, and thrown away if they do. With an asynchronous
    `resume(context)` it takes up, when the assistant starts, what it did when the assistant ended.
    """

    intents: frozenset[str]
    """The intents that it answers, as named in `assistant/dialogue/sentences/*.yaml`."""

    async def handle(self, intent: Intent, context: Any) -> Any:
        """Do it and return an `assistant.skills.Reply`; `context` is an `assistant.skills.SkillContext`."""


Tensor = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, dtype and shape of one input or output."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str, ...]
    """A string names a dynamic axis."""


class InferenceSession(Protocol):
    """A loaded network."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    backend: str
    """"onnxruntime" or "tensorrt"."""

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name. The arrays are valid until the next call."""

    def close(self) -> None:
        """Free it; safe to call twice."""


class TurnObserver(Protocol):
    """Sees every event as it happens, from outside the path. Must return quickly and never raise."""

    def on_event(self, event: Event) -> None:
        """Called on the event loop."""
