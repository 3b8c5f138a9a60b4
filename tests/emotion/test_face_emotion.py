"""The face channel: alignment, quality gate, smoothing, and the real network on a real smile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from assistant.emotion.face import FaceEmotion
from assistant.events import EMOTION_LABELS, Box, EmotionEstimate, Face, ImageArray, VideoFrame
from assistant.ports import FaceEvidence
from tests.doubles.expression_network import ExpressionNetwork

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

HAPPY = [0.0, 0.0, 0.0, 0.98, 0.0, 0.0, 0.02]
SAD = [0.0, 0.0, 0.0, 0.0, 0.98, 0.0, 0.02]
FLAT = [1 / 7] * 7
EYES_AND_NOSE = ((0.43, 0.45), (0.57, 0.45), (0.5, 0.55))


def drawing() -> ImageArray:
    """A face of discs in the middle of a 300 x 300 picture."""
    pixels = np.full((300, 300, 3), 90, np.uint8)
    cv2.ellipse(pixels, (150, 150), (50, 65), 0, 0, 360, (225, 190, 170), -1)
    for x in (129, 171):
        cv2.circle(pixels, (x, 135), 7, (20, 20, 20), -1)
    cv2.ellipse(pixels, (150, 175), (22, 12), 0, 0, 180, (120, 20, 20), -1)
    return pixels


def evidence(
    pixels: ImageArray | None = None,
    at_s: float = 0.0,
    *,
    box: Box | None = None,
    keypoints: Any = EYES_AND_NOSE,
    track_id: int | None = None,
) -> FaceEvidence:
    face = Face(box or Box(0.3, 0.3, 0.7, 0.7), 1.0, keypoints)
    return FaceEvidence(VideoFrame(at_s, drawing() if pixels is None else pixels), face, track_id)


def channel_saying(*answers: list[float]) -> FaceEmotion:
    """One answer for each picture, the last one for ever; a picture is four crops."""
    calls = iter(range(10**6))
    return FaceEmotion(ExpressionNetwork(lambda _: answers[min(next(calls) // 4, len(answers) - 1)]))


def estimated(estimate: EmotionEstimate | None) -> EmotionEstimate:
    assert estimate is not None
    return estimate


def test_a_clear_expression_is_told_with_confidence() -> None:
    estimate = estimated(channel_saying(HAPPY).estimate(evidence(at_s=3.0)))
    assert EMOTION_LABELS[int(np.argmax(estimate.probabilities))] == "happy"
    assert estimate.confidence > 0.6
    assert estimate.at_s == 3.0
    assert estimated(channel_saying(FLAT).estimate(evidence())).confidence < 0.05


def test_a_network_that_changes_its_mind_between_views_is_not_believed() -> None:
    answers = iter([HAPPY, SAD] * 2)
    guessing = FaceEmotion(ExpressionNetwork(lambda _: next(answers)))
    assert estimated(guessing.estimate(evidence())).confidence < 0.1


def test_the_network_sees_gray_between_minus_one_and_one() -> None:
    network = ExpressionNetwork(lambda _: HAPPY)
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[:, :50] = (255, 0, 0)
    pixels[:, 50:] = (0, 255, 0)
    FaceEmotion(network).estimate(evidence(pixels, keypoints=()))
    assert network.crops[0][32, 5] == pytest.approx(0.2989 * 2 - 1, abs=0.01)
    assert network.crops[0][32, 58] == pytest.approx(0.587 * 2 - 1, abs=0.01)


@pytest.mark.parametrize("degrees", [-40.0, -20.0, 20.0, 40.0])
def test_a_tilted_head_is_put_upright(degrees: float) -> None:
    upright, tilted = ExpressionNetwork(lambda _: HAPPY), ExpressionNetwork(lambda _: HAPPY)
    FaceEmotion(upright).estimate(evidence())
    turn = cv2.getRotationMatrix2D((150, 150), degrees, 1.0)
    pixels = cv2.warpAffine(drawing(), turn, (300, 300), borderMode=cv2.BORDER_REPLICATE)
    points = [tuple(turn @ (x * 300, y * 300, 1) / 300) for x, y in EYES_AND_NOSE]
    FaceEmotion(tilted).estimate(evidence(pixels, keypoints=tuple(points)))
    crooked = ExpressionNetwork(lambda _: HAPPY)
    FaceEmotion(crooked).estimate(evidence(pixels, keypoints=()))
    aligned_error = np.abs(upright.crops[0] - tilted.crops[0]).mean()
    assert aligned_error < 0.05
    assert aligned_error < np.abs(upright.crops[0] - crooked.crops[0]).mean() / 3


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(evidence(np.zeros((300, 300, 3), np.uint8)), id="black"),
        pytest.param(evidence(np.full((300, 300, 3), 255, np.uint8)), id="white"),
        pytest.param(evidence(np.full((300, 300, 3), 128, np.uint8)), id="flat-gray"),
        pytest.param(evidence(cv2.GaussianBlur(drawing(), (0, 0), 14)), id="blurred"),
        pytest.param(evidence(cv2.resize(drawing(), (50, 50), interpolation=cv2.INTER_AREA)), id="tiny"),
        pytest.param(evidence(np.zeros((1, 1, 3), np.uint8)), id="one-pixel"),
        pytest.param(evidence(box=Box(0.5, 0.5, 0.5, 0.5)), id="no-area"),
        pytest.param(evidence(box=Box(1.2, 1.2, 1.6, 1.6), keypoints=()), id="outside"),
        pytest.param(evidence(keypoints=((0.43, 0.45), (0.57, 0.45), (0.62, 0.55))), id="profile"),
        pytest.param(evidence(keypoints=((0.5, 0.45), (0.5, 0.45), (0.5, 0.55))), id="eyes-in-one-place"),
    ],
)
def test_a_face_that_cannot_be_read_is_no_evidence(bad: FaceEvidence) -> None:
    assert channel_saying(HAPPY).estimate(bad) is None


def test_worse_pictures_lower_confidence() -> None:
    good = estimated(channel_saying(HAPPY).estimate(evidence())).confidence
    dim = (drawing() * 0.25).astype(np.uint8)
    small = cv2.resize(drawing(), (110, 110), interpolation=cv2.INTER_AREA)
    for pixels in (dim, small):
        assert 0.0 < estimated(channel_saying(HAPPY).estimate(evidence(pixels))).confidence < good


def test_a_face_at_the_edge_of_a_huge_picture_is_read() -> None:
    pixels = np.full((2000, 3000, 3), 120, np.uint8)
    pixels[:300, :300] = drawing()
    box = Box(-0.01, 0.03, 0.07, 0.105)
    assert channel_saying(HAPPY).estimate(evidence(pixels, box=box, keypoints=())) is not None


def test_one_odd_picture_does_not_turn_a_smile_sad() -> None:
    channel = channel_saying(HAPPY, HAPPY, HAPPY, SAD, HAPPY)
    for number in range(3):
        steady = estimated(channel.estimate(evidence(at_s=number * 0.5)))
    odd = estimated(channel.estimate(evidence(at_s=1.5)))
    assert int(np.argmax(odd.probabilities)) == EMOTION_LABELS.index("happy")
    assert odd.confidence < steady.confidence


def test_a_lasting_change_is_followed() -> None:
    channel = channel_saying(HAPPY, *[SAD] * 20)
    last = [estimated(channel.estimate(evidence(at_s=number * 0.5))) for number in range(12)][-1]
    assert int(np.argmax(last.probabilities)) == EMOTION_LABELS.index("sad")
    assert last.confidence > 0.5


@pytest.mark.parametrize(
    ("at_s", "box"), [(60.0, Box(0.3, 0.3, 0.7, 0.7)), (0.2, Box(0.0, 0.0, 0.2, 0.2))], ids=["later", "elsewhere"]
)
def test_another_face_starts_afresh(at_s: float, box: Box) -> None:
    pixels = drawing()
    pixels[:60, :60] = cv2.resize(drawing()[90:210, 90:210], (60, 60))
    channel = channel_saying(HAPPY, SAD)
    channel.estimate(evidence(pixels, 0.0))
    after = estimated(channel.estimate(evidence(pixels, at_s, box=box, keypoints=())))
    assert after.probabilities[EMOTION_LABELS.index("happy")] < 0.05


@pytest.mark.parametrize(("before", "now", "afresh"), [(1, 2, True), (1, 1, False), (None, 2, False)])
def test_who_sits_down_in_the_same_place_starts_afresh(before: int | None, now: int, afresh: bool) -> None:
    channel = channel_saying(HAPPY, SAD)
    channel.estimate(evidence(track_id=before))
    after = estimated(channel.estimate(evidence(at_s=0.5, track_id=now)))
    assert (after.probabilities[EMOTION_LABELS.index("happy")] < 0.05) == afresh


def test_a_picture_that_comes_late_starts_afresh() -> None:
    channel = channel_saying(HAPPY, SAD)
    channel.estimate(evidence(at_s=9.0))
    late = estimated(channel.estimate(evidence(at_s=2.0)))
    assert min(late.probabilities) > 0.0
    assert int(np.argmax(late.probabilities)) == EMOTION_LABELS.index("sad")


def test_a_large_face_is_averaged_not_sampled() -> None:
    network = ExpressionNetwork(lambda _: HAPPY)
    grain = np.random.default_rng(0).integers(0, 256, (1200, 1200, 1), dtype=np.uint8)
    grain[:600] //= 3
    FaceEmotion(network).estimate(evidence(np.repeat(grain, 3, axis=2), keypoints=()))
    # Grain of one pixel has a deviation of 0.58 here; a crop that is eight times smaller shows little of it.
    assert network.crops[0][36:].std() < 0.25


@pytest.mark.models
def test_the_astronaut_smiles(model_store: ModelStore) -> None:
    from assistant.config import Config

    picture = cv2.imread(str(model_store.file("sample-pictures", "astronaut.png")))
    pixels = np.ascontiguousarray(picture[:, :, ::-1])
    # Found by blazeface.
    box = Box(172 / 512, 74 / 512, 277 / 512, 180 / 512)
    keypoints = ((203 / 512, 102 / 512), (248 / 512, 103 / 512), (224 / 512, 128 / 512))
    channel = FaceEmotion.create(Config(), model_store)
    estimate = estimated(channel.estimate(FaceEvidence(VideoFrame(0.0, pixels), Face(box, 0.88, keypoints))))
    assert EMOTION_LABELS[int(np.argmax(estimate.probabilities))] == "happy"
    assert estimate.confidence > 0.6
    assert estimate.valence > 0.5
