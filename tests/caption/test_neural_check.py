"""What of a network's sentence is said, by what the detector saw."""

from __future__ import annotations

import pytest

from assistant.caption.neural_check import check
from assistant.events import Box, Detection, Face, SceneState

LEFT, RIGHT = Box(0.1, 0.2, 0.4, 0.8), Box(0.6, 0.2, 0.9, 0.8)


def _scene(*labels: str, faces: int = 0, confidence: float = 0.8) -> SceneState:
    places = (LEFT, RIGHT, LEFT, RIGHT)
    objects = tuple(Detection(label, confidence, box) for label, box in zip(labels, places, strict=False))
    return SceneState(0.0, objects, tuple(Face(LEFT, 0.9) for _ in range(faces)))


@pytest.mark.parametrize(
    ("sentence", "scene", "verdict", "said"),
    [
        ("A cat sitting on a couch.", _scene("cat", "couch"), "borne out", "a cat sitting on a couch"),
        ("a man riding a motorbike", _scene("person", "motorcycle"), "borne out", "a person riding a motorbike"),
        ("a woman with her dog", _scene("dog", faces=1), "borne out", "a person with their dog"),
        ("two boys playing", _scene("person", "person"), "borne out", "two children playing"),
        ("two hot dogs on a table", _scene("hot dog", "hot dog", "dining table"), "borne out", None),
        # What comes after the part that was seen is left away.
        ("a man holding a surfboard on a beach", _scene("person"), "borne out", "a person"),
        ("a cat sitting on top of a laptop", _scene("cat"), "borne out", "a cat"),
        # What cannot be cut off makes all of it doubtful.
        ("a cat and a dog", _scene("dog"), "doubtful", None),
        # The detector surely sees something, and nothing of this.
        ("a dog in the snow", _scene("cat"), "contradicted", None),
        ("two dogs in the snow", _scene("dog"), "contradicted", None),
        ("a couple of dogs in the snow", _scene("dog"), "contradicted", None),
        ("a dog in the snow", _scene(faces=1), "contradicted", None),
        ("a field of flowers", _scene("person"), "contradicted", None),
        # It sees nothing surely: nobody knows.
        ("a dog in the snow", _scene(), "doubtful", None),
        ("a dog in the snow", _scene("cat", confidence=0.4), "doubtful", None),
        ("a field of flowers", _scene(), "doubtful", "a field of flowers"),
        ("", _scene(), "doubtful", ""),
    ],
)
def test_a_sentence_is_held_against_the_detections(
    sentence: str, scene: SceneState, verdict: str, said: str | None
) -> None:
    checked = check(sentence, scene, min_confidence=0.35)
    assert checked.verdict == verdict
    if said is not None:
        assert checked.text == said
    assert (checked.confidence > 0.0) == (verdict == "borne out" or sentence == "a cat and a dog")


def test_the_confidence_is_that_of_the_detections() -> None:
    assert check("a cat", _scene("cat", confidence=0.6), min_confidence=0.35).confidence == pytest.approx(0.6)
    assert check("a cat", _scene("cat", confidence=0.3), min_confidence=0.35).verdict == "doubtful"
