"""Names on faces: from several looks, for as long as it is the same face, and no more work than that takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assistant.errors import ModelMissingError
from assistant.events import Face, SceneState, Track, VideoFrame
from assistant.people.album import Album
from assistant.people.recognition import PeopleRecognizer
from tests.doubles.faces import ANNA, BEN, STRANGER, PaintedFaces, blend, body_of, descriptor_of, face_at, picture_of

LEFT, RIGHT = face_at(0.25), face_at(0.75)


class Room:
    """A camera's pictures, one a second."""

    def __init__(self, folder: Path, **special: float) -> None:
        """`special` says how alike Anna or Ben look to their own pictures today."""
        self.folder = folder
        self.album = Album(folder)
        self.album.add("Anna", [descriptor_of(ANNA)], "2026-01-02")
        self.album.add("Ben", [descriptor_of(BEN)], "2026-01-02")
        identities = {"anna": ANNA, "ben": BEN}
        self.network = PaintedFaces({identities[name]: blend(identities[name], by) for name, by in special.items()})
        self.opened = 0
        self.recognizer = PeopleRecognizer(self.album, self._open, 0.65)
        self.at_s = 0.0

    def _open(self) -> PaintedFaces:
        self.opened += 1
        return self.network

    def look(
        self,
        people: dict[Face, int],
        *,
        bodies: dict[int, Face] | None = None,
        fresh: bool = True,
        seconds: float = 1.0,
        blurred: bool = False,
    ) -> SceneState:
        """Another picture; `bodies` are tracks by their identity."""
        self.at_s += seconds
        tracks = tuple(
            Track(number, "person", 0.9, body_of(face), 0.0, self.at_s) for number, face in (bodies or {}).items()
        )
        frame = VideoFrame(self.at_s, picture_of(people, blurred=blurred))
        scene = SceneState(self.at_s, (), tuple(people) if fresh else (), frame=frame, tracks=tracks)
        return self.recognizer.name(scene, fresh=fresh)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def _names(scene: SceneState) -> list[str]:
    return [face.name for face in scene.faces]


def test_a_known_face_has_its_name_from_the_second_look_on(room: Room) -> None:
    assert _names(room.look({LEFT: ANNA})) == [""]
    scene = room.look({LEFT: ANNA})
    assert _names(scene) == ["Anna"]
    assert scene.faces[0].name_sure
    assert scene.compute_s["people"] > 0.0


def test_a_stranger_stays_one(room: Room) -> None:
    assert [_names(room.look({LEFT: STRANGER})) for _ in range(5)] == [[""]] * 5


def test_faces_are_compared_until_that_is_settled_and_then_seldom(room: Room) -> None:
    for _ in range(9):
        room.look({LEFT: ANNA})
    assert room.network.looked_at == [ANNA, ANNA]
    for _ in range(4):
        room.look({LEFT: ANNA})
    assert room.network.looked_at == [ANNA] * 3
    assert room.opened == 1


def test_nothing_is_loaded_while_nobody_is_known(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.album.forget_all()
    assert not room.recognizer.knows_anyone
    scene = room.look({LEFT: ANNA})
    assert (_names(scene), room.opened, scene.compute_s) == ([""], 0, {})


def test_two_people_are_told_apart(room: Room) -> None:
    for _ in range(2):
        scene = room.look({LEFT: ANNA, RIGHT: BEN})
    assert _names(scene) == ["Anna", "Ben"]


def test_a_face_that_is_somewhat_alike_is_said_with_doubt(tmp_path: Path) -> None:
    room = Room(tmp_path, anna=0.68, ben=0.6)
    for _ in range(3):
        scene = room.look({LEFT: ANNA, RIGHT: BEN})
    assert _names(scene) == ["Anna", ""]
    assert not scene.faces[0].name_sure


def test_who_is_alike_to_two_people_is_neither(room: Room) -> None:
    room.album.add("Twin", [blend(ANNA, 0.97)], "2026-01-02")
    assert [_names(room.look({LEFT: ANNA})) for _ in range(3)] == [[""]] * 3


def test_the_name_goes_with_the_person_and_outlasts_a_turned_face(room: Room) -> None:
    for _ in range(2):
        scene = room.look({LEFT: ANNA}, bodies={7: LEFT})
    assert [item.name for item in scene.tracks or ()] == ["Anna"]
    scene = room.look({RIGHT: ANNA}, bodies={7: RIGHT})
    assert _names(scene) == ["Anna"]
    for _ in range(4):
        turned = room.look({}, bodies={7: RIGHT}, seconds=5.0)
    assert [(item.name, item.name_sure) for item in turned.tracks or ()] == [("Anna", True)]
    unseen = room.look({}, bodies={7: RIGHT}, fresh=False)
    assert [item.name for item in unseen.tracks or ()] == ["Anna"]
    for _ in range(13):
        long_turned = room.look({}, bodies={7: RIGHT}, seconds=5.0)
    assert [item.name for item in long_turned.tracks or ()] == [""]


def test_after_an_interruption_a_name_has_to_be_confirmed(room: Room) -> None:
    for _ in range(3):
        room.look({LEFT: ANNA}, bodies={7: LEFT})
    assert [item.name for item in room.look({}, bodies={7: LEFT}, seconds=30.0).tracks or ()] == [""]
    assert _names(room.look({LEFT: ANNA}, bodies={7: LEFT})) == ["Anna"]
    assert _names(room.look({LEFT: STRANGER}, bodies={7: LEFT}, seconds=30.0)) == [""]


def test_another_body_is_another_person(room: Room) -> None:
    for _ in range(2):
        room.look({LEFT: ANNA}, bodies={7: LEFT})
    scene = room.look({LEFT: STRANGER}, bodies={8: LEFT})
    assert _names(scene) == [""]


def test_who_sits_down_in_the_same_place_is_noticed(room: Room) -> None:
    for _ in range(3):
        room.look({LEFT: ANNA})
    named = [_names(room.look({LEFT: STRANGER}, seconds=4.0))[0] for _ in range(5)]
    assert named[-1] == ""
    assert "Ben" not in named


def test_nobody_is_there_twice(room: Room) -> None:
    for _ in range(3):
        scene = room.look({LEFT: ANNA, RIGHT: ANNA})
    assert sorted(_names(scene)) == ["", "Anna"]


def test_a_face_that_cannot_be_made_out_is_not_compared(room: Room) -> None:
    small = face_at(0.25, size=0.04)
    for _ in range(3):
        scene = room.look({small: ANNA})
        room.look({LEFT: ANNA}, blurred=True)
    assert _names(scene) == [""]
    assert room.network.looked_at == []


def test_whoever_is_introduced_or_forgotten_meanwhile_is_known_or_not(room: Room) -> None:
    room.album.forget("Anna")
    for _ in range(2):
        assert _names(room.look({LEFT: ANNA})) == [""]
    Album(room.folder).add("Annie", [descriptor_of(ANNA)], "2026-01-02")
    for _ in range(2):
        scene = room.look({LEFT: ANNA})
    assert _names(scene) == ["Annie"]
    Album(room.folder).forget("Annie")
    assert _names(room.look({LEFT: ANNA})) == [""]


def test_a_missing_network_is_an_error_every_time(room: Room) -> None:
    def missing() -> PaintedFaces:
        raise ModelMissingError("The model 'faceres' is not installed.")

    recognizer = PeopleRecognizer(room.album, missing, 0.65)
    scene = room.look({LEFT: ANNA})
    for _ in range(2):
        with pytest.raises(ModelMissingError):
            recognizer.name(replace(scene, at_s=scene.at_s + 1.0), fresh=True)
