"""Events as JSON: every type, arrays as shapes, redaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest

from assistant import events as e
from assistant.caption.grounded import GroundedCaptioner
from assistant.config import Config
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.models.store import ModelStore
from assistant.telemetry.encode import to_json
from assistant.telemetry.examples import EXAMPLES
from assistant.wake.attention import invitation
from assistant.wake.phrase import PhraseMatcher

E = TypeVar("E", bound=e.Event)


def event_classes(base: type[e.Event] = e.Event) -> Iterator[type[e.Event]]:
    for subclass in base.__subclasses__():
        yield subclass
        yield from event_classes(subclass)


def test_every_event_type_has_an_example() -> None:
    # By name: a dataclass with slots leaves its first, slotless class behind among the subclasses.
    assert {type(example).__name__ for example in EXAMPLES} == {item.__name__ for item in event_classes()}


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("log_content", [True, False])
def test_every_event_is_small_valid_json(event: e.Event, log_content: bool) -> None:
    encoded = to_json(event, log_content=log_content)
    assert encoded["event"] == type(event).__name__
    line = json.dumps(encoded, allow_nan=False)
    assert json.loads(line) == encoded
    assert len(line) < 1500


def example(kind: type[E]) -> E:
    return next(event for event in EXAMPLES if isinstance(event, kind))


def test_the_examples_say_what_the_assistant_would_say() -> None:
    config, heard, understood = Config(), example(e.Transcript), example(e.IntentRecognized)
    assert example(e.Notice).text == invitation(config.wake)
    called = PhraseMatcher(config.wake.phrases, config.wake.match).match(f"Hey Jarvis, {heard.text}")
    assert called is not None
    assert (called.rest, called.phrase) == (heard.text, example(e.WakeWordDetected).phrase)
    intent = HassilInterpreter.create(config, ModelStore()).interpret(heard.text, heard.language)
    assert intent is not None and (intent.name, dict(intent.slots)) == (understood.intent, understood.slots)
    caption = example(e.SceneCaption)
    made = GroundedCaptioner.create(config, ModelStore()).caption(example(e.SceneState), "en", caption.at_s)
    assert replace(made, turn_id=caption.turn_id, age_s=round(made.age_s, 6)) == caption
    assert example(e.ReplyChunk).text == caption.text


def test_arrays_become_shapes_and_sound_its_length() -> None:
    utterance = e.Utterance(2.0, np.zeros(8000, dtype=np.float32), 16_000, 1.0, 1.5)
    encoded = to_json(e.SpeechEnded(2.0, utterance))
    assert encoded["utterance"]["samples"] == {"shape": [8000], "dtype": "float32", "seconds": 0.5}  # type: ignore[index,call-overload]
    picture = to_json(e.VideoFrame(0.0, np.zeros((2, 3, 3), dtype=np.uint8)))
    assert picture["pixels"] == {"shape": [2, 3, 3], "dtype": "uint8"}


def test_numbers_are_rounded_and_finite() -> None:
    estimate = e.EmotionEstimate(1.23456789, "face", (float("nan"), 1 / 3), float("inf"), np.float32(0.5), 0.1)  # type: ignore[arg-type]
    encoded = to_json(estimate)
    assert encoded["at_s"] == 1.234568
    assert encoded["probabilities"] == [None, 0.333333]
    assert encoded["valence"] is None
    assert encoded["arousal"] == 0.5


SECRET = "我的银行密码是一二三四"


@pytest.mark.parametrize(
    "event",
    [
        e.Transcript(1.0, 1, SECRET, "zh", 0.9, True),
        e.IntentRecognized(1.0, 1, "Note", {"what": SECRET}),
        e.ReplyChunk(1.0, 1, SECRET, "zh"),
        e.SpeechChunk(1.0, 1, np.zeros(1, dtype=np.float32), 24_000, SECRET),
        e.PlaybackFinished(1.0, 1, 1.0, SECRET, False, SECRET),
        e.SceneCaption(1.0, SECRET, "zh", 0.9, 0.0, 1),
        e.Notice(1.0, "timer", SECRET, {"name": SECRET}),
    ],
    ids=lambda event: type(event).__name__,
)
def test_content_is_redacted_to_its_length(event: e.Event) -> None:
    assert SECRET in json.dumps(to_json(event), ensure_ascii=False)
    line = json.dumps(to_json(event, log_content=False), ensure_ascii=False)
    assert SECRET not in line
    assert f'{{"characters": {len(SECRET)}}}' in line
