"""The network's sentence where it is there in time and true, the grounded one everywhere else."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio
import numpy as np
import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.neural import NeuralCaptioner
from assistant.clock import LoopClock
from assistant.errors import ModelError, StageError
from assistant.events import (
    Box,
    Detection,
    Face,
    SceneState,
    SpeechStarted,
    StageFailed,
    StageRecovered,
    Track,
    VideoFrame,
)
from assistant.ports import PreparingCaptioner
from assistant.senses import LiveSenses
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time

MIDDLE = Box(0.3, 0.2, 0.7, 0.8)
NO_MEMORY = RuntimeError("out of memory")


class Writer:
    """Says what it is told to; or raises, or hangs until it is released."""

    def __init__(self, sentence: str = "a dog in the snow") -> None:
        self.sentence = sentence
        self.broken: Exception | None = None
        self.lost = False
        self.released = threading.Event()
        self.released.set()
        self.wrote = 0

    def write(self, pixels: object) -> str:
        self.released.wait(10)
        self.wrote += 1
        if self.broken is not None:
            raise self.broken
        return self.sentence

    def close(self) -> None:
        """Nothing to free."""


@contextmanager
def _captioner(writer: Writer) -> Iterator[NeuralCaptioner]:
    grounded = GroundedCaptioner(min_confidence=0.35, max_age_s=10.0)
    captioner = NeuralCaptioner(writer, grounded, min_confidence=0.35, max_age_s=10.0)
    yield captioner
    captioner.close()


def _scene(at_s: float = 0.0, label: str = "dog", *, confidence: float = 0.8, source: str = "") -> SceneState:
    frame = VideoFrame(at_s, np.zeros((32, 32, 3), np.uint8), source)
    return SceneState(at_s, (Detection(label, confidence, MIDDLE),), (), source=source, frame=frame)


GROUNDED = "I see a dog in the middle."


def test_what_was_written_and_borne_out_is_said() -> None:
    with _captioner(Writer()) as captioner:
        anyio.run(captioner.prepare, _scene())
        caption = captioner.caption(_scene(), "en", 0.5)
    assert (caption.text, caption.age_s) == ("I see a dog in the snow.", 0.5)
    assert caption.confidence == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("a cat on a couch", GROUNDED),
        ("a cat and a dog", "I'm not sure, but it looks like a cat and a dog."),
        ("a dog next to a man", "I see a dog."),
        ("", GROUNDED),
    ],
)
def test_what_the_detector_contradicts_is_not_said(sentence: str, said: str) -> None:
    with _captioner(Writer(sentence)) as captioner:
        anyio.run(captioner.prepare, _scene())
        assert captioner.caption(_scene(), "en", 0.5).text == said


def test_a_doubtful_detection_is_not_said_plainly() -> None:
    with _captioner(Writer()) as captioner:
        scene = _scene(confidence=0.4)
        anyio.run(captioner.prepare, scene)
        assert captioner.caption(scene, "en", 0.0).text == "I'm not sure, but it looks like a dog in the snow."


def test_a_sentence_is_as_old_as_the_picture_that_it_was_written_about() -> None:
    with _captioner(Writer()) as captioner:
        anyio.run(captioner.prepare, _scene())
        assert captioner.caption(_scene(2.0), "en", 2.5).age_s == 2.5
        assert captioner.caption(_scene(2.0), "en", 10.5).text == GROUNDED, "it cannot say that it is old"


@pytest.mark.parametrize("label", ["dog", "car"])
def test_a_photo_is_never_described_by_the_sentence_about_another(label: str) -> None:
    """Photos have no time: all of them are of second 0."""
    writer = Writer()
    with _captioner(writer) as captioner:
        anyio.run(captioner.prepare, _scene(source="a.jpg"))
        other = _scene(label=label, source="b.jpg")
        assert captioner.caption(other, "en", 0.0).text == f"I see a {label} in the middle."
        writer.broken = NO_MEMORY
        with pytest.raises(StageError):
            anyio.run(captioner.prepare, other)
        assert captioner.caption(other, "en", 0.0).text == f"I see a {label} in the middle."


def test_what_has_failed_says_nothing_of_before_either() -> None:
    writer = Writer()
    with _captioner(writer) as captioner:
        anyio.run(captioner.prepare, _scene())
        writer.broken = NO_MEMORY
        with pytest.raises(StageError):
            anyio.run(captioner.prepare, _scene(1.0))
        assert captioner.caption(_scene(1.0), "en", 1.0).text == GROUNDED


def test_no_picture_is_kept_once_it_has_been_written_about() -> None:
    with _captioner(Writer()) as captioner:
        scene = _scene()
        assert scene.frame is not None
        pixels = weakref.ref(scene.frame.pixels)
        anyio.run(captioner.prepare, scene)
        del scene
        gc.collect()
        assert pixels() is None


def test_chinese_is_the_grounded_captioner_s() -> None:
    with _captioner(Writer()) as captioner:
        anyio.run(captioner.prepare, _scene())
        assert captioner.caption(_scene(), "zh", 0.5).text == "我看到中间有一只狗。"
        with pytest.raises(StageError):
            captioner.caption(_scene(), "fr", 0.5)


def test_a_sentence_holds_while_the_same_is_seen_and_not_for_long() -> None:
    with _captioner(Writer()) as captioner:
        assert captioner.caption(_scene(), "en", 0.0).text == GROUNDED
        anyio.run(captioner.prepare, _scene())
        assert captioner.caption(_scene(2.0), "en", 2.0).text == "I see a dog in the snow."
        assert captioner.caption(_scene(2.0, "cat"), "en", 2.0).text == "I see a cat in the middle."
        assert captioner.caption(_scene(4.0), "en", 4.0).text == GROUNDED
        assert captioner.caption(_scene(), "en", 20.0).text == "Twenty seconds ago I saw a dog in the middle."


ANNA = Face(MIDDLE, 0.9, name="Anna", name_sure=True)
BEN = Face(Box(0.0, 0.2, 0.2, 0.5), 0.9, name="Ben", name_sure=True)


@pytest.mark.parametrize(
    ("sentence", "faces", "said"),
    [
        ("a woman in a red coat", [ANNA], "I see Anna in a red coat."),
        ("the young girl in a coat", [ANNA], "I see Anna in a coat."),
        ("a skier on a slope", [ANNA], "I see Anna on a slope."),
        ("skiers on a slope", [ANNA], "I see Anna."),
        ("a woman", [replace(ANNA, name_sure=False)], "I'm not sure, but it looks like Anna."),
        ("a field of flowers", [ANNA], "I see Anna."),
        # Nobody is counted twice: once by name, and once as anybody.
        ("a woman in a red coat", [ANNA, BEN], "I see Anna and Ben."),
        ("people in the snow", [ANNA], "I see Anna."),
        ("two men in the snow", [ANNA, replace(BEN, name="")], "I see Anna and another person on the left."),
    ],
)
def test_known_people_keep_their_names(sentence: str, faces: list[Face], said: str) -> None:
    with _captioner(Writer(sentence)) as captioner:
        tracks = tuple(
            Track(number, "person", 0.8, face.box, 0.0, 0.0, name=face.name, name_sure=face.name_sure)
            for number, face in enumerate(faces)
        )
        scene = replace(_scene(label="person"), faces=tuple(faces), tracks=tracks)
        anyio.run(captioner.prepare, scene)
        assert captioner.caption(scene, "en", 0.0).text == said


def test_a_name_stands_beside_a_sentence_about_something_else() -> None:
    with _captioner(Writer()) as captioner:
        scene = replace(_scene(), faces=(ANNA,))
        anyio.run(captioner.prepare, scene)
        assert captioner.caption(scene, "en", 0.0).text == "I see Anna. I see a dog in the snow."


def test_an_answer_does_not_wait_for_it_and_it_writes_one_at_a_time() -> None:
    writer = Writer()
    writer.released.clear()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(captioner.prepare, _scene())
            await anyio.sleep(0.05)
            assert captioner.caption(_scene(), "en", 0.0).text == GROUNDED
            await captioner.prepare(_scene(1.0))  # returns at once
            writer.released.set()

    with _captioner(writer) as captioner:
        anyio.run(main)
        assert captioner.caption(_scene(), "en", 0.0).text == "I see a dog in the snow."
    assert writer.wrote == 1


class OneScene:
    """A watcher that always sees the same."""

    async def look(self) -> SceneState:
        return _scene()

    def scene(self) -> SceneState:
        return _scene()


def test_a_failure_is_told_once_with_its_reason_and_captions_go_on() -> None:
    writer = Writer()
    writer.broken = NO_MEMORY
    events: list[object] = []

    async def main() -> None:
        stages = StageReports(LoopClock(), events.append)
        senses = LiveSenses(captioner, None, LoopClock(), stages)  # type: ignore[arg-type]
        senses.watcher = OneScene()  # type: ignore[assignment]
        async with anyio.create_task_group() as group:
            senses._group = group
            for _ in range(2):
                senses.on_event(SpeechStarted(0.0))
                await anyio.sleep(1.0)
            spoken.append(senses.caption("en").text)  # type: ignore[union-attr]
            writer.broken = None
            senses.on_event(SpeechStarted(0.0))
            await anyio.sleep(0.5)
            spoken.append(senses.caption("en").text)  # type: ignore[union-attr]
            group.cancel_scope.cancel()
        senses.close()

    spoken: list[str] = []
    with _captioner(writer) as captioner:
        assert isinstance(captioner, PreparingCaptioner)
        run_in_virtual_time(main)
    [failed, recovered] = events
    assert isinstance(failed, StageFailed) and "out of memory" in failed.error
    assert isinstance(recovered, StageRecovered)
    assert failed.stage == recovered.stage == "neural captioner"
    assert spoken == [GROUNDED, "I see a dog in the snow."]


def test_without_its_bundle_captions_are_grounded() -> None:
    writer = Writer()
    writer.broken = ModelError("There is no bundle.", remedy="Build it.")
    with _captioner(writer) as captioner:
        with pytest.raises(ModelError, match="no bundle"):
            anyio.run(captioner.prepare, _scene())
        assert captioner.caption(_scene(), "en", 0.0).text == GROUNDED
