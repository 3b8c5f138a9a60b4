"""Captions by an image-to-text network, checked against the object detector; by the grounded captioner where there is
none that is fresh.

Writing takes a second or so, which no answer waits for: it begins, in a process of its own, when someone begins to
speak (`prepare`), and `caption` takes what is there. English only; Chinese is the grounded captioner's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.neural_check import Checked, check, mentions_people, with_name
from assistant.caption.process import WriterProcess
from assistant.config import Config
from assistant.dialogue.replies import joined, phrase
from assistant.errors import AssistantError
from assistant.events import ImageArray, SceneCaption, SceneState
from assistant.people.present import named_people
from assistant.vision.preprocess import moderate
from assistant.vision.things import PERSON, count_of, things_of
from assistant.worker import Worker

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_FRESH_S = 3.0
"""What was written about an older picture is used for a newer one of the same things for so long."""


class Writer(Protocol):
    """A picture in, a sentence out."""

    @property
    def lost(self) -> bool:
        """Whether it has died since it was last asked; the next `write` raises why."""

    def write(self, pixels: ImageArray) -> str:
        """Blocking, and not for two threads at once. Raises `AssistantError`."""

    def close(self) -> None:
        """Free it, also while another thread waits in `write`; safe to call twice."""


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written about a picture. The picture itself is not kept."""

    at_s: float
    source: str
    labels: Counter[str]
    checked: Checked


class NeuralCaptioner:
    """`prepare` writes, `caption` checks what was written."""

    languages = GroundedCaptioner.languages

    def __init__(
        self,
        writer: Writer,
        grounded: GroundedCaptioner,
        *,
        min_confidence: float,
        max_age_s: float,
        timeout_s: float = 20.0,
    ) -> None:
        """`writer` is closed with it."""
        self._writer = writer
        self._grounded = grounded
        self._min_confidence = min_confidence
        self._max_age_s = max_age_s
        self._worker = Worker("neural captioner", timeout_s=timeout_s, restart_helps=False)
        self._written: _Written | None = None
        self._busy = False

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> NeuralCaptioner:
        """With the networks of `NeuralWriter.create`, which are loaded for the first picture."""
        grounded = GroundedCaptioner.create(config, models)
        vision = config.vision
        return cls(WriterProcess(config), grounded, min_confidence=vision.min_confidence, max_age_s=vision.max_age_s)

    async def prepare(self, scene: SceneState) -> bool:
        """Write about a scene's picture; False at once while an earlier one is being written about. Raises
        `ModelError` without the bundle, and `StageError` when the network fails: then there are grounded captions."""
        if scene.frame is None or self._busy:
            return False
        self._busy = True
        try:
            sentence = await self._worker.run(self._write, scene)
            checked = check(sentence, scene, min_confidence=self._min_confidence)
            self._written = _Written(scene.at_s, scene.source, self._labels(scene), checked)
            return True
        except AssistantError:
            self._written = None  # what has failed says nothing, not even what it said before
            raise
        finally:
            self._busy = False

    @property
    def hangs(self) -> bool:
        """Whether the network is still at what it was given up for."""
        return self._worker.hangs

    @property
    def lost(self) -> bool:
        """Whether the network has died since it was last asked."""
        return not self._busy and self._writer.lost

    def caption(self, scene: SceneState, language: str, now_s: float) -> SceneCaption:
        """The network's sentence where there is a fresh one that the detector does not contradict, else the grounded
        one. Takes no time. Raises `StageError` for a language that neither speaks."""
        written = self._written
        if (
            language != "en"
            or written is None
            or now_s - written.at_s > self._max_age_s
            or not self._fits(scene, written)
        ):
            return self._grounded.caption(scene, language, now_s)
        checked = written.checked
        text = None if checked.verdict == "contradicted" or not checked.text else self._said(checked, scene)
        if text is None:
            return self._grounded.caption(scene, language, now_s)
        return SceneCaption(now_s, text, language, checked.confidence, max(0.0, now_s - written.at_s))

    def close(self) -> None:
        """End the network and let the thread end."""
        self._worker.close()
        self._writer.close()

    def _fits(self, scene: SceneState, written: _Written) -> bool:
        """Whether what was written is about this picture, or one shortly before in which the same things were."""
        same_camera = scene.source == written.source  # photos, which have no time, are a source each
        fresh = 0.0 <= scene.at_s - written.at_s <= _FRESH_S
        return same_camera and fresh and self._labels(scene) == written.labels

    def _said(self, checked: Checked, scene: SceneState) -> str | None:
        """The sentence with the names of who is there; None where it would count somebody twice."""
        text, names = checked.text, _names(scene)
        if names and mentions_people(text):
            [first, *others] = named_people(scene)
            alone = not others and count_of(scene, PERSON, min_confidence=self._min_confidence) == 1
            named = with_name(text, first.name) if alone else None
            return named and _sentence(named, sure=checked.verdict == "borne out" and first.sure)
        return " ".join([*names, _sentence(text, sure=checked.verdict == "borne out")])

    def _labels(self, scene: SceneState) -> Counter[str]:
        return Counter(item.label for item in things_of(scene, min_confidence=self._min_confidence))

    def _write(self, scene: SceneState) -> str:
        assert scene.frame is not None
        return self._writer.write(moderate(scene.frame.pixels))


def _sentence(text: str, *, sure: bool) -> str:
    lead = "I see" if sure else "I'm not sure, but it looks like"
    return f"{lead} {text}."


def _names(scene: SceneState) -> list[str]:
    """Who is there, which no network of this kind knows."""
    known = named_people(scene)
    groups = (("scene_who_known", True), ("scene_who_doubtful", False))
    named = [(key, [one.name for one in known if one.sure == sure]) for key, sure in groups]
    return [phrase(key, "en", people=joined(names, "en")) for key, names in named if names]
