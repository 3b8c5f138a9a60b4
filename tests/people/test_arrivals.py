"""Who came, and who left, by name: the real watcher and recogniser over doubles of camera and networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.errors import DeviceError, ModelError
from assistant.events import Box, Detection, Face, ImageArray, SceneChange, SceneState, StageFailed, VideoFrame
from assistant.people.album import Album
from assistant.people.recognition import PeopleRecognizer
from assistant.ports import FaceEvidence
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.faces import ANNA, BEN, STRANGER, PaintedFaces, body_of, descriptor_of, face_at, picture_of
from tests.doubles.vision import FakeCamera

PLACE = face_at(0.5)
COMES_S, LEAVES_S = 5.0, 20.0
CUP = Detection("cup", 0.9, Box(0.05, 0.1, 0.2, 0.3))


class Visit:
    """Somebody who is there from `COMES_S` to `LEAVES_S`, and whose face is seen from `turns_s` on."""

    labels = ("person",)

    def __init__(
        self,
        folder: Path,
        identity: int,
        turns_s: float,
        cup_s: float = LEAVES_S,
        pose: Any = None,
        swaps_s: float = LEAVES_S,
        leaves_s: float = LEAVES_S,
        away_s: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """`cup_s` is when a cup is put down; `pose` is the pose network; from `swaps_s` on the face is a stranger's;
        from the first to the second of `away_s` the camera does not work, and afterwards no face is seen."""
        self.clock = LoopClock()
        self.events: list[object] = []
        self._identity, self._turns_s, self._cup_s = identity, turns_s, cup_s
        self._swaps_s, self._leaves_s, self._away_s = swaps_s, leaves_s, away_s
        people = PeopleRecognizer(Album(folder), PaintedFaces, 0.65)
        reader = SceneReader(self, _Faces(self), pose=pose, people=people)
        camera = FakeCamera(self.clock, self._picture)
        config = VisionConfig(rate_hz=2.0)
        self.watcher = SceneWatcher(camera, reader, config, self.clock, self.events.append, on_face=self._show)
        self.shown: list[FaceEvidence] = []
        """The faces that were handed on for their expression."""
        self.waiting: list[tuple[str, str]] = []
        """What `happened` says when it is asked, a little after the arrival."""

    def _picture(self, now_s: float) -> ImageArray | DeviceError:
        if self._away_s[0] <= now_s < self._away_s[1]:
            return DeviceError("The camera was unplugged.")
        pixels = picture_of({PLACE: self._identity if now_s < self._swaps_s else STRANGER})
        pixels[-200:] = int(now_s * 2) * 40 % 250  # something moves, so that it looks
        return pixels

    async def _show(self, evidence: FaceEvidence) -> None:
        self.shown.append(evidence)

    def detect(self, frame: VideoFrame) -> list[Detection]:
        there = COMES_S <= frame.at_s < self._leaves_s
        person = Detection("person", 0.9, body_of(PLACE))
        return [person] * there + [CUP] * (self._cup_s <= frame.at_s < LEAVES_S)

    def faces(self, at_s: float) -> list[Face]:
        seen = max(COMES_S, self._turns_s) <= at_s < self._leaves_s
        return [PLACE] if seen and not 0.0 < self._away_s[0] <= at_s else []

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


class BrokenPoses:
    """A pose network that fails at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def estimate(self, frame: VideoFrame, person: Box) -> None:
        self.looks += 1
        raise ModelError("The model 'movenet' is damaged.")


def _watch(
    folder: Path,
    identity: int,
    turns_s: float = COMES_S,
    *,
    asks_s: float = COMES_S + 1.3,
    meanwhile: Callable[[Visit], None] = lambda visit: None,
    **around: Any,
) -> Visit:
    """`meanwhile` is done at `asks_s`."""

    async def main() -> Visit:
        visit = Visit(folder, identity, turns_s, **around)

        async def want_poses() -> None:
            async for _ in visit.watcher.watch({"lying"}):
                raise AssertionError("nobody lies")

        async with anyio.create_task_group() as group:
            group.start_soon(visit.watcher.run)
            group.start_soon(want_poses)
            await visit.clock.sleep_until(asks_s)
            visit.waiting = [(change.kind, change.name) for change in visit.watcher.happened()]
            meanwhile(visit)
            await visit.clock.sleep_until(around.get("leaves_s", LEAVES_S) + 5.0)
            group.cancel_scope.cancel()
        return visit

    return run_in_virtual_time(main)


def _know_anna(folder: Path) -> None:
    Album(folder).add("Anna", [descriptor_of(ANNA)], "2026-01-02")


def _forget_anna(folder: Path) -> None:
    assert Album(folder).forget("Anna")


def test_who_is_known_comes_and_leaves_by_name(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA)
    assert [(kind, name) for kind, name, _ in visit.told()] == [("came", "Anna"), ("left", "Anna")]
    assert [(change.kind, change.name) for change in visit.watcher.happened()] == [("came", "Anna"), ("left", "Anna")]


def test_a_face_is_handed_on_with_the_person_whose_it_is(tmp_path: Path) -> None:
    visit = _watch(tmp_path, ANNA)
    came = next(event for event in visit.events if isinstance(event, SceneChange) and event.kind == "came")
    assert visit.shown[0].track_id is None  # not followed yet
    assert {evidence.track_id for evidence in visit.shown[1:]} == {came.track_id}


def test_an_arrival_waits_a_little_for_the_face(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, COMES_S + 2.0)
    assert visit.waiting == [("came", "")]  # whoever asks hears of it at once
    [came, left] = visit.told()
    assert came[:2] == ("came", "Anna")
    assert COMES_S + 2.0 <= came[2] <= COMES_S + 4.0
    assert left[:2] == ("left", "Anna")


def test_an_arrival_that_waits_for_a_name_is_forgotten_when_it_is_muted(tmp_path: Path) -> None:
    def mute_and_unmute(visit: Visit) -> None:
        visit.watcher.pause()
        assert not visit.watcher.happened()
        visit.watcher.resume()

    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, COMES_S + 2.0, meanwhile=mute_and_unmute)
    assert visit.waiting == [("came", "")]
    assert [kind for kind, _, _ in visit.told() if kind != "motion"] == ["left"]


def test_who_turns_out_to_be_somebody_else_does_not_leave_by_name(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, swaps_s=12.0, leaves_s=30.0)
    assert [(kind, name) for kind, name, _ in visit.told()] == [("came", "Anna"), ("left", "")]


def test_who_is_there_after_the_camera_was_away_does_not_leave_by_a_name_of_before(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, away_s=(10.0, 40.0), leaves_s=50.0)
    assert [(kind, name) for kind, name, _ in visit.told()] == [("came", "Anna"), ("left", "")]


@pytest.mark.parametrize("forgotten_s", [COMES_S + 5.0, LEAVES_S + 0.6], ids=["while there", "while leaving"])
@pytest.mark.parametrize("others", [(), ("Ben",)], ids=["the last", "one of two"])
def test_who_was_forgotten_is_named_in_nothing_that_happened(
    tmp_path: Path, others: tuple[str, ...], forgotten_s: float
) -> None:
    _know_anna(tmp_path)
    for name in others:
        Album(tmp_path).add(name, [descriptor_of(BEN)], "2026-01-02")
    visit = _watch(tmp_path, ANNA, asks_s=forgotten_s, meanwhile=lambda visit: _forget_anna(tmp_path))
    assert visit.waiting == [("came", "Anna")]
    assert [(change.kind, change.name) for change in visit.watcher.happened()] == [("came", ""), ("left", "")]
    assert [(kind, name) for kind, name, _ in visit.told()] == [("came", "Anna"), ("left", "")]


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


def test_what_happened_is_in_order_whoever_waits_for_a_name(tmp_path: Path) -> None:
    _know_anna(tmp_path)
    visit = _watch(tmp_path, ANNA, COMES_S + 2.5, cup_s=COMES_S + 0.5, asks_s=COMES_S + 2.3)
    assert [kind for kind, _, _ in visit.told()][:2] == ["appeared", "came"]
    assert visit.waiting == [("came", ""), ("appeared", "")]
    assert [change.kind for change in visit.watcher.happened()][:2] == ["came", "appeared"]


def test_without_its_pose_network_everything_else_is_seen_and_the_reason_is_told_once(tmp_path: Path) -> None:
    poses = BrokenPoses()
    visit = _watch(tmp_path, STRANGER, pose=poses)
    assert poses.looks > 10
    assert [kind for kind, _, _ in visit.told()] == ["came", "left"]
    assert [change.kind for change in visit.watcher.happened()] == ["came", "left"]
    [failed] = [event for event in visit.events if isinstance(event, StageFailed)]
    assert (failed.stage, failed.error) == ("pose", "The model 'movenet' is damaged.")
