"""What the assistant can do. A skill is one file here and one line in `SKILLS`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from assistant.events import EmotionState, SceneCaption, SceneChange, SceneChangeKind, SceneState
from assistant.ports import Clock, ReadText

SKILLS = {
    "scene": "assistant.skills.scene:SceneSkill",
    "reading": "assistant.skills.reading:ReadingSkill",
    "scene_events": "assistant.skills.scene_events:SceneEventsSkill",
    "feelings": "assistant.skills.feelings:FeelingsSkill",
    "clock": "assistant.skills.clock:ClockSkill",
    "timer": "assistant.skills.timer:TimerSkill",
    "control": "assistant.skills.control:ControlSkill",
    "smalltalk": "assistant.skills.smalltalk:SmallTalkSkill",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What a skill asks back, so that a bare answer is understood."""

    sentences: Mapping[str, str]
    """Language → the request that an answer completes, `{}` standing for the answer: "set a timer for {}"."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a skill answers."""

    text: str
    """One or more sentences in the language of the turn; empty says nothing aloud."""
    ends_conversation: bool = False
    """No follow-up window afterwards ("goodbye", "stop")."""
    asks: Question | None = None
    """What the text asks of the person: "For how long?"."""
    language: str | None = None
    """Of the text, where it is not the turn's: a Chinese sign is read by the Chinese voice."""


class Senses(Protocol):
    """What a skill may ask about the world."""

    def scene(self) -> SceneState | None:
        """The newest scene, None before the first or without a camera."""

    def caption(self, language: str) -> SceneCaption | None:
        """A sentence about the newest scene, None without one."""

    async def read(self) -> ReadText:
        """What is written before the camera now. Raises `DependencyMissingError` without a reader, or another
        `AssistantError` when the camera or the reader does not work."""

    def happened(self) -> Sequence[SceneChange]:
        """What happened before the camera, oldest first."""

    def looking_since_s(self) -> float | None:
        """Since when it has looked without a break, in monotonic seconds; None while it does not, or in the dark."""

    def can_watch(self, kind: SceneChangeKind) -> bool:
        """Whether such changes can be noticed here."""

    def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        """Changes of these kinds as they happen, for as long as one iterates."""

    def emotion(self) -> EmotionState | None:
        """How the person seems to feel now, None without evidence."""

    def unavailable(self) -> dict[str, str]:
        """What does not work now: stage → reason, such as {"camera": "No camera at index 0."}."""


class Controls(Protocol):
    """What a skill may do to the assistant itself."""

    def volume(self) -> float:
        """Loudness of the replies, 0 to 1."""

    def set_volume(self, volume: float) -> None:
        """Set it; clipped to 0…1."""

    async def mute(self) -> None:
        """Close microphone and camera until told otherwise."""

    def last_reply(self) -> str:
        """What the assistant said last, as far as it was played."""

    def unsaid(self) -> str:
        """What it had still to say then, from the sentence on that was broken off; empty if nothing."""

    async def announce(self, text: str, language: str) -> bool:
        """Say something outside a turn, as soon as nobody else speaks; whether it could be heard."""

    async def ring(self, text: str, language: str, rung: Callable[[], None]) -> bool:
        """`announce` it again and again, for some two minutes at most, until somebody speaks to the assistant or
        operates it; whether it could be heard. `rung` is called after the first time, if that could be."""

    def keep(self, what: str, value: T, write: Callable[[T], None]) -> None:
        """Have `write` keep `value` across restarts. That it cannot is told and tried again, until what is called
        `what` is kept, and the run goes on and remembers it."""

    def recall(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        """What was to be kept last, which `read` reads if it was. That it cannot is told, until what is called `what`
        is kept anew; it is `otherwise` then."""

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Run `task` beside the conversation; the result cancels it."""


@dataclass(frozen=True, slots=True)
class SkillContext:
    """What a skill is given beside the intent."""

    turn_id: int
    clock: Clock
    senses: Senses
    controls: Controls
    state: Path | None = None
    """Folder for what outlives the run; None keeps nothing."""
