"""Of many faces one counts, and never a poster's."""

from __future__ import annotations

import numpy as np

from assistant.emotion.whose_face import FaceChooser
from assistant.events import Box, Face, ImageArray, VideoFrame

SIDE = 200


def scene(*faces: tuple[Face, int], seed: int = 0, talking: Face | None = None) -> ImageArray:
    """A picture with a camera's noise; each face is drawn from its own number, and a talker's lower half moves."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE, 3), 90.0)
    for face, number in faces:
        left, right = int(face.box.x0 * SIDE), int(face.box.x1 * SIDE)
        top, bottom = int(face.box.y0 * SIDE), int(face.box.y1 * SIDE)
        look = np.random.default_rng(number).uniform(40, 210, (8, 8))
        if face is talking:
            look[5:] += rng.uniform(-60, 60, (3, 8))
        rows = np.arange(bottom - top) * 8 // (bottom - top)
        columns = np.arange(right - left) * 8 // (right - left)
        picture[top:bottom, left:right] = look[np.ix_(rows, columns)][..., None]
    noisy = picture + rng.normal(0.0, 3.0, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def face(x0: float, y0: float, size: float) -> Face:
    return Face(Box(x0, y0, x0 + size, y0 + size), 0.9)


def test_no_face_is_no_choice() -> None:
    assert FaceChooser().choose(VideoFrame(0.0, scene()), []) is None


def test_of_ten_faces_the_largest_counts() -> None:
    crowd = [face(0.02 + 0.19 * (n % 5), 0.05 + 0.5 * (n // 5), 0.12) for n in range(9)]
    near = face(0.4, 0.2, 0.3)
    faces = [*crowd[:4], near, *crowd[4:]]
    picture = scene(*((one, n) for n, one in enumerate(faces)))
    assert FaceChooser().choose(VideoFrame(0.0, picture), faces) is near


def test_of_two_near_faces_the_one_that_speaks_counts() -> None:
    left, right = face(0.05, 0.3, 0.4), face(0.55, 0.3, 0.38)
    chooser = FaceChooser()
    chosen = [
        chooser.choose(VideoFrame(at_s, scene((left, 1), (right, 2), seed=int(at_s), talking=right)), [left, right])
        for at_s in (0.0, 1.0, 2.0, 3.0)
    ]
    assert chosen[0] is left
    assert chosen[-1] is right


def test_a_far_face_that_speaks_does_not_count() -> None:
    near, far = face(0.05, 0.3, 0.5), face(0.7, 0.3, 0.15)
    chooser = FaceChooser()
    for at_s in (0.0, 1.0, 2.0):
        picture = scene((near, 1), (far, 2), seed=int(at_s), talking=far)
        assert chooser.choose(VideoFrame(at_s, picture), [near, far]) is near


def test_a_poster_does_not_count_once_it_is_known_for_one() -> None:
    poster = face(0.1, 0.1, 0.6)
    chooser = FaceChooser()
    chosen = [
        chooser.choose(VideoFrame(at_s, scene((poster, 1), seed=int(at_s))), [poster]) for at_s in np.arange(0, 60, 5.0)
    ]
    assert chosen[0] is poster
    assert chosen[-1] is None


def test_who_stands_before_a_poster_counts_instead_of_it() -> None:
    poster, person = face(0.05, 0.05, 0.6), face(0.7, 0.5, 0.25)
    chooser = FaceChooser()
    chosen = None
    for at_s in np.arange(0.0, 60.0, 5.0):
        picture = scene((poster, 1), (person, 2), seed=int(at_s), talking=person)
        chosen = chooser.choose(VideoFrame(at_s, picture), [poster, person])
    assert chosen is person


def test_a_person_who_moves_now_and_then_is_no_picture() -> None:
    person = face(0.2, 0.2, 0.5)
    chooser = FaceChooser()
    for step in range(30):
        talking = person if step % 4 == 0 else None
        picture = scene((person, 1), seed=step, talking=talking)
        assert chooser.choose(VideoFrame(5.0 * step, picture), [person]) is person


def test_boxes_outside_the_picture_are_no_faces() -> None:
    outside = [Face(Box(1.2, 0.1, 1.5, 0.4), 0.9), Face(Box(0.5, 0.5, 0.5, 0.9), 0.9)]
    assert FaceChooser().choose(VideoFrame(0.0, scene()), outside) is None
    assert FaceChooser().choose(VideoFrame(0.0, np.zeros((1, 1, 3), np.uint8)), [face(0.2, 0.2, 0.5)]) is None
