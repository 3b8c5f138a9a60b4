"""What of a network's sentence is said, by what the detector saw."""

from __future__ import annotations

import pytest

from assistant.caption.neural_check import check
from assistant.events import Box, Detection, Face, SceneState, Track

LEFT, RIGHT = Box(0.1, 0.2, 0.4, 0.8), Box(0.6, 0.2, 0.9, 0.8)


def _scene(*labels: str, faces: int = 0, confidence: float = 0.8) -> SceneState:
    """Where the detector is `confidence` sure of everything."""
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
        # What was seen, but not surely, is not said plainly.
        ("a dog in the snow", _scene("dog", confidence=0.4), "doubtful", "a dog in the snow"),
        ("a cat sitting on top of a laptop", _scene("cat", confidence=0.4), "doubtful", "a cat"),
        ("a boy in the snow", _scene("person", confidence=0.4), "doubtful", None),
        ("a boy in the snow", _scene("person", faces=1, confidence=0.4), "borne out", None),
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


@pytest.mark.parametrize(
    ("sentence", "colors", "verdict"),
    [
        ("a red car on a street", ["red"], "borne out"),
        ("a red car on a street", [""], "borne out"),
        ("a red car on a street", ["blue", "red"], "borne out"),
        ("a red car on a street", ["blue"], "doubtful"),
        ("a grey car on a street", ["gray"], "borne out"),
        ("a car on a red carpet", ["blue"], "borne out"),
    ],
)
def test_a_colour_is_held_against_that_of_the_things(sentence: str, colors: list[str], verdict: str) -> None:
    tracks = tuple(
        Track(number, "car", 0.8, box, 0.0, 0.0, color=color)
        for number, (color, box) in enumerate(zip(colors, (LEFT, RIGHT), strict=False))
    )
    assert check(sentence, SceneState(0.0, (), (), tracks=tracks), min_confidence=0.35).verdict == verdict


def test_a_person_has_no_colour() -> None:
    person = Track(1, "person", 0.8, LEFT, 0.0, 0.0, color="blue")
    scene = SceneState(0.0, (), (), tracks=(person,))
    assert check("a black man", scene, min_confidence=0.35).verdict == "borne out"


def test_the_confidence_is_that_of_the_detections() -> None:
    assert check("a cat", _scene("cat", confidence=0.6), min_confidence=0.35).confidence == pytest.approx(0.6)
    for scene in (_scene(), _scene("dog"), _scene("cat", confidence=0.3)):
        checked = check("a cat", scene, min_confidence=0.35)
        assert checked.verdict != "borne out" and checked.confidence == 0.0
    assert check("a cat and a dog", _scene("dog"), min_confidence=0.35).confidence == pytest.approx(0.8)
