"""Who came, and who left, by name: the real watcher and recogniser over doubles of camera and networks."""

from __future__ import annotations

from pathlib import Path

import anyio

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.events import Detection, Face, ImageArray, SceneChange, SceneState, VideoFrame
from assistant.people.album import Album
from assistant.people.recognition import PeopleRecognizer
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.faces import ANNA, STRANGER, PaintedFaces, body_of, descriptor_of, face_at, picture_of
from tests.doubles.vision import FakeCamera

PLACE = face_at(0.5)
COMES_S, LEAVES_S = 5.0, 20.0


class Visit:
    """Somebody who is there from `COMES_S` to `LEAVES_S`, and whose face is seen from `turns_s` on."""

    labels = ("person",)

    def __init__(self, folder: Path, identity: int, turns_s: float) -> None:
        self.clock = LoopClock()
        self.events: list[object] = []
        self._identity, self._turns_s = identity, turns_s
        people = PeopleRecognizer(Album(folder), PaintedFaces, 0.65)
        reader = SceneReader(self, _Faces(self), people=people)
        camera = FakeCamera(self.clock, self._picture)
        self.watcher = SceneWatcher(camera, reader, VisionConfig(rate_hz=2.0), self.clock, self.events.append)
        self.waiting: list[tuple[str, str]] = []
        """What `happened` says a second after the arrival."""

    def _picture(self, now_s: float) -> ImageArray:
        pixels = picture_of({PLACE: self._identity})
        pixels[-200:] = int(now_s * 2) * 40 % 250  # something moves, so that it looks
        return pixels

    def detect(self, frame: VideoFrame) -> list[Detection]:
        there = COMES_S <= frame.at_s < LEAVES_S
        return [Detection("person", 0.9, body_of(PLACE))] if there else []

    def faces(self, at_s: float) -> list[Face]:
        return [PLACE] if max(COMES_S, self._turns_s) <= at_s < LEAVES_S else []

    def told(self) -> list[tuple[str, str, float]]:
        """Kind, name, and when it was told: the scene before says."""
        told, at_s = [], 0.0
        for event in self.events:
            if isinstance(event, SceneState):
                at_s = event.at_s
            if isinstance(event, SceneChange):
                told.append((event.kind, event.name, at_s))
        return told


class _Faces:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def detect(self, frame: VideoFrame) -> list[Face]:
        return self._visit.faces(frame.at_s)


def _watch(folder: Path, identity: int, turns_s: float = COMES_S) -> Visit:
    async def main() -> Visit:
        visit = Visit(folder, identity, turns_s)
        async with anyio.create_task_group() as group:
            group.start_soon(visit.watcher.run)
            await visit.clock.sleep_until(COMES_S + 1.3)
            visit.waiting = [(change.kind, change.name) for change in visit.watcher.happened()]
            await visit.clock.sleep_until(LEAVES_S + 5.0)
            group.cancel_scope.cancel()
        return visit

    return run_in_virtual_time(main)


def _know_anna(folder: Path) -> None:
    Album(folder).add("Anna", [descriptor_of(ANNA)], "2026-01-02")


def test_who_is_known_comes_and_leaves_by_name(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA)
    assert [(kind, name) for kind, name, _ in visit.told()] == [("came", "Anna"), ("left", "Anna")]
    assert [(change.kind, change.name) for change in visit.watcher.happened()] == [("came", "Anna"), ("left", "Anna")]


def test_an_arrival_waits_a_little_for_the_face(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, COMES_S + 2.0)
    assert visit.waiting == [("came", "")]  # whoever asks hears of it at once
    [came, left] = visit.told()
    assert came[:2] == ("came", "Anna")
    assert COMES_S + 2.0 <= came[2] <= COMES_S + 4.0
    assert left[:2] == ("left", "Anna")


def test_a_stranger_and_a_turned_back_are_told_without_a_name_in_time(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    for visit in (_watch(tmp_path, STRANGER), _watch(tmp_path, ANNA, COMES_S + 6.0)):
        came = visit.told()[0]
        assert came[:2] == ("came", "")
        assert came[2] <= COMES_S + 5.0
        assert [kind for kind, _, _ in visit.told()] == ["came", "left"]


def test_while_nobody_is_known_nothing_waits(tmp_path: Path) -> None:
    visit = _watch(tmp_path, ANNA)
    assert visit.told()[0] == ("came", "", COMES_S + 1.0)
