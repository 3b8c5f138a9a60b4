"""Known people before the camera: the watcher with painted faces in virtual time, and with the real networks."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest

from assistant.clock import LoopClock
from assistant.config import Config, StateConfig, VisionConfig
from assistant.errors import ModelMissingError
from assistant.events import Detection, Face, ImageArray, SceneState, StageFailed, StageRecovered, VideoFrame
from assistant.models.store import ModelStore
from assistant.people.album import Album
from assistant.people.enrolment import FaceTaker, from_photos
from assistant.people.matching import Person
from assistant.people.present import named_people
from assistant.people.recognition import PeopleRecognizer
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.capture import open_capture
from assistant.vision.file_cameras import PictureCamera
from assistant.vision.pictures import read_picture, to_rgb
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.faces import ANNA, PaintedFaces, body_of, descriptor_of, face_at, picture_of
from tests.doubles.vision import FakeCamera, GivenFaces

PLACE = face_at(0.5)


class OnePerson:
    """Sees a person where the face is."""

    labels = ("person",)

    def detect(self, frame: VideoFrame) -> list[Detection]:
        return [Detection("person", 0.9, body_of(PLACE))]


class Watched:
    """A watcher, what it told, and who is known."""

    def __init__(self, folder: Path, open_network: Callable[[], PaintedFaces]) -> None:
        self.album = Album(folder)
        self.clock = LoopClock()
        self.events: list[object] = []
        people = PeopleRecognizer(self.album, open_network, 0.65)
        reader = SceneReader(OnePerson(), GivenFaces(PLACE), people=people)
        camera = FakeCamera(self.clock, self._picture)
        self.watcher = SceneWatcher(camera, reader, VisionConfig(), self.clock, self.events.append)

    def _picture(self, now_s: float) -> ImageArray:
        pixels = picture_of({PLACE: ANNA})
        pixels[-200:] = int(now_s) * 40 % 250  # something moves, so that it looks
        return pixels

    def newest(self) -> SceneState:
        scene = self.watcher.scene()
        assert scene is not None
        return scene

    def names(self) -> list[str]:
        return [known.name for known in named_people(self.newest())]

    def told(self, kind: type) -> list[str]:
        return [event.stage for event in self.events if isinstance(event, kind)]  # type: ignore[attr-defined]


def _play(folder: Path, script: Callable[[Watched], object], open_network: Callable[[], PaintedFaces]) -> Watched:
    async def main() -> Watched:
        watched = Watched(folder, open_network)
        async with anyio.create_task_group() as group:
            group.start_soon(watched.watcher.run)
            await script(watched)  # type: ignore[misc]
            group.cancel_scope.cancel()
        return watched

    return run_in_virtual_time(main)


def test_whoever_is_introduced_while_it_watches_is_named_and_forgotten_at_once(tmp_path: Path) -> None:
    network = PaintedFaces()

    async def script(watched: Watched) -> None:
        await watched.clock.sleep_until(3.5)
        assert watched.names() == []
        assert network.looked_at == []
        watched.album.add("Anna", [descriptor_of(ANNA)], "2026-01-02")
        await watched.clock.sleep_until(6.5)
        assert watched.names() == ["Anna"]
        assert [item.name for item in watched.newest().tracks or ()] == ["Anna"]
        assert watched.newest().compute_s["people"] > 0.0
        watched.album.forget("Anna")
        await watched.clock.sleep_until(8.5)
        assert watched.names() == []

    _play(tmp_path, script, lambda: network)
    assert network.looked_at == [ANNA, ANNA]


def test_muted_it_forgets_who_is_there(tmp_path: Path) -> None:
    network = PaintedFaces()
    Album(tmp_path).add("Anna", [descriptor_of(ANNA)], "2026-01-02")

    async def script(watched: Watched) -> None:
        await watched.clock.sleep_until(3.5)
        assert watched.names() == ["Anna"]
        watched.watcher.pause()
        await watched.clock.sleep_until(5.5)
        gc.collect()
        assert not [kept for kept in gc.get_objects() if isinstance(kept, Person)]
        watched.watcher.resume()
        await watched.clock.sleep_until(5.9)
        assert watched.names() == []  # one look is not enough
        await watched.clock.sleep_until(8.5)
        assert watched.names() == ["Anna"]

    _play(tmp_path, script, lambda: network)


def test_without_its_network_everything_else_is_seen_and_the_reason_is_told_once(tmp_path: Path) -> None:
    Album(tmp_path).add("Anna", [descriptor_of(ANNA)], "2026-01-02")
    networks: list[PaintedFaces] = []

    def open_network() -> PaintedFaces:
        if not networks:
            raise ModelMissingError("The model 'faceres' is not installed.", remedy="assistant models pull faceres")
        return networks[0]

    async def script(watched: Watched) -> None:
        await watched.clock.sleep_until(4.5)
        assert [item.label for item in watched.newest().tracks or ()] == ["person"]
        assert watched.told(StageFailed) == ["people"]
        networks.append(PaintedFaces())
        await watched.clock.sleep_until(8.5)
        assert watched.names() == ["Anna"]
        assert watched.told(StageRecovered) == ["people"]

    _play(tmp_path, script, open_network)


@pytest.mark.models
def test_the_real_networks_know_a_face_and_no_other(model_store: ModelStore, tmp_path: Path) -> None:
    """The astronaut by one photo; then smaller, darker and tilted she is known, and the man of the film is not."""
    config = Config(state=StateConfig(dir=tmp_path))
    photo = model_store.file("sample-pictures", "astronaut.png")
    taker = FaceTaker.create(config, model_store)
    Album.of(config).add("Eileen", from_photos(taker, [photo]), "2026-01-02")
    pixels = read_picture(photo)
    tilt = cv2.getRotationMatrix2D((256, 256), 12, 0.8)
    changed = (np.asarray(cv2.warpAffine(pixels, tilt, (512, 512))) * 0.6).astype(np.uint8)
    reader = SceneReader.create(config, model_store)
    assert _named_by(reader, [changed] * 3) == ["Eileen"]
    film = open_capture(str(model_store.file("sample-video", "carphone_pristine.mp4")), cv2.CAP_FFMPEG)
    frames = [to_rgb(film.read()[1]) for _ in range(8)]
    film.release()
    assert _named_by(reader, frames) == [""]


def _named_by(reader: SceneReader, pictures: list[ImageArray]) -> list[str]:
    """The names on the last picture's faces."""
    assert reader.people is not None
    faces: tuple[Face, ...] = ()
    for at_s, pixels in enumerate(pictures):
        faces = reader.people.name(reader.read(VideoFrame(float(at_s), pixels)), fresh=True).faces
    return [face.name for face in faces]


@pytest.mark.models
def test_the_film_s_man_is_known_through_the_whole_film(model_store: ModelStore, tmp_path: Path) -> None:
    config = Config(state=StateConfig(dir=tmp_path), vision=VisionConfig(tagger="none"))
    film = open_capture(str(model_store.file("sample-video", "carphone_pristine.mp4")), cv2.CAP_FFMPEG)
    frames = [to_rgb(film.read()[1]) for _ in range(110)][::12]
    film.release()
    reader = SceneReader.create(config, model_store)
    taker = FaceTaker.create(config, model_store)
    Album.of(config).add("Karl", [taker.take(frames[0], "the film")], "2026-01-02")
    assert reader.people is not None
    named = []
    for at_s, pixels in enumerate(frames[1:]):
        frame = VideoFrame(float(at_s * 4), pixels)
        scene = SceneState(frame.at_s, (), tuple(reader.faces.detect(frame)), frame=frame)
        named += [face.name for face in reader.people.name(scene, fresh=True).faces]
    assert named[0] == ""  # one look is not enough
    assert named[2:] == ["Karl"] * len(named[2:])
    assert len(named) >= 6


@pytest.mark.models
def test_who_is_there_is_seen_through_a_camera(model_store: ModelStore, tmp_path: Path) -> None:
    config = Config(state=StateConfig(dir=tmp_path))
    photo = model_store.file("sample-pictures", "astronaut.png")
    Album.of(config).add("Eileen", from_photos(FaceTaker.create(config, model_store), [photo]), "2026-01-02")

    async def main() -> list[str]:
        clock = LoopClock()
        reader = SceneReader.create(config, model_store)
        watcher = SceneWatcher(PictureCamera([photo], clock), reader, config.vision, clock, lambda event: None)
        async with anyio.create_task_group() as group:
            group.start_soon(watcher.run)
            for _ in range(4):
                await clock.sleep_until(clock.monotonic_s() + 1.0)
                scene = await watcher.look()
            group.cancel_scope.cancel()
        return [f"{known.name} {known.sure}" for known in named_people(scene)]

    assert run_in_virtual_time(main) == ["Eileen True"]
