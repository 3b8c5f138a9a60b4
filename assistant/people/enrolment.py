"""Introducing somebody: pictures in which exactly that face is large, sharp, lit and turned to the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assistant.config import Config
from assistant.emotion.face_crop import Quality, quality, views
from assistant.errors import DeviceError, MediaError
from assistant.events import Face, ImageArray, VideoFrame
from assistant.models.store import ModelStore
from assistant.people.face_descriptor import FaceDescriber
from assistant.people.matching import SURE_ABOVE, Descriptor, Person, likeness, match
from assistant.ports import Camera, Clock, FaceDetector
from assistant.registry import resolve
from assistant.vision import FACE_DETECTORS
from assistant.vision.pictures import read_picture
from assistant.vision.preprocess import moderate
from assistant.worker import Worker

LOOKS_WANTED = 3
"""From the camera."""
_PATIENCE_S = 20.0
_BETWEEN_LOOKS_S = 0.7
"""So that the looks differ a little."""
_LEAST_SIZE_PX = 48.0
_LEAST_SHARPNESS = 0.06
_LEAST_BRIGHTNESS, _MOST_BRIGHTNESS = 0.15, 0.9
_MOST_TURNED = 0.4
_SAME_AT_LEAST = 0.45
"""Two pictures of one person that are less alike are of two. Measured: one face 0.73 and more, others up to 0.58."""


@dataclass(frozen=True, slots=True)
class FaceTaker:
    """Takes the descriptor of the one face in a picture. Blocking."""

    faces: FaceDetector
    describer: FaceDescriber

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> FaceTaker:
        """Raises `ModelMissingError` when a network has not been pulled."""
        faces = resolve(FACE_DETECTORS, config.vision.faces, kind="face detector").create(config, models)
        return cls(faces, FaceDescriber.create(config, models))

    def take(self, pixels: ImageArray, source: str) -> Descriptor:
        """Raises `MediaError` that says what is wrong with the picture."""
        seen = moderate(pixels)
        face = _only_face(self.faces.detect(VideoFrame(0.0, seen, source)), source)
        try:
            crop = views(seen, face)[0]
        except ValueError as error:
            raise MediaError(f"{source}: the face is cut off.", remedy=_REMEDY) from error
        fault = _fault(quality(seen, face, crop))
        if fault:
            raise MediaError(f"{source}: {fault}.", remedy=_REMEDY)
        return self.describer.describe(seen, face)


_REMEDY = "Take a picture of one person alone, near the camera, in good light, looking into it."


def _only_face(found: Sequence[Face], source: str) -> Face:
    if not found:
        raise MediaError(f"{source}: no face was found.", remedy=_REMEDY)
    if len(found) > 1:
        raise MediaError(
            f"{source}: {len(found)} faces were found, expected one.",
            remedy="Cut the picture so that only the person to be introduced is in it.",
        )
    return found[0]


def _fault(found: Quality) -> str:
    """What is wrong with a face's picture; empty if nothing is."""
    faults = (
        (
            found.size_px < _LEAST_SIZE_PX,
            f"the face is {found.size_px:.0f} pixels wide, expected {_LEAST_SIZE_PX:.0f} or more",
        ),
        (found.brightness < _LEAST_BRIGHTNESS, "the face is too dark"),
        (found.brightness > _MOST_BRIGHTNESS, "the face is too bright"),
        (found.sharpness < _LEAST_SHARPNESS, "the face is blurred"),
        (found.turned > _MOST_TURNED, "the face is turned away"),
    )
    return next((fault for wrong, fault in faults if wrong), "")


def from_photos(taker: FaceTaker, photos: Sequence[Path]) -> list[Descriptor]:
    """One descriptor a photo; the photos are not kept. Raises `MediaError` at the first that will not do."""
    return [taker.take(read_picture(photo), str(photo)) for photo in photos]


@dataclass(slots=True)
class CameraEnrolment:
    """Looks through a camera until there are enough good pictures of one face."""

    taker: FaceTaker
    camera: Camera
    clock: Clock
    tell: Callable[[str], None]
    """Gets what is wrong, when it changes, and how far it is."""
    _said: str = field(default="", init=False)

    async def take(self) -> list[Descriptor]:
        """`LOOKS_WANTED` descriptors. Raises `DeviceError` when the camera does not work, and `MediaError` with the
        last fault when there was no good picture for 20 s, or before the camera's end."""
        worker = Worker("face network")
        taken: list[Descriptor] = []
        fault: MediaError | None = None
        try:
            await self.camera.open()
            last_s = self.clock.monotonic_s()
            while len(taken) < LOOKS_WANTED:
                frame = await self.camera.read()
                if frame is None:
                    break
                try:
                    taken.append(await worker.run(self.taker.take, frame.pixels, "The camera's picture"))
                    self._tell(f"{len(taken)} of {LOOKS_WANTED} pictures are good.")
                    last_s = self.clock.monotonic_s()
                    await self.clock.sleep_until(last_s + _BETWEEN_LOOKS_S)
                except MediaError as error:
                    fault = error
                    self._tell(error.message)
                    await self.clock.sleep_until(self.clock.monotonic_s() + 0.1)
                if self.clock.monotonic_s() - last_s > _PATIENCE_S:
                    break
        finally:
            worker.close()
            await self.camera.close()
        if len(taken) < LOOKS_WANTED:
            if fault is not None:
                raise fault
            raise DeviceError(f"The camera '{self.camera.name}' came to its end after {len(taken)} good pictures.")
        return taken

    def _tell(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self.tell(text)


def check_is_one_person(
    name: str, descriptors: Sequence[Descriptor], people: Sequence[Person], threshold: float
) -> None:
    """Raises `MediaError` when the pictures are of several people, of somebody who is known by another name, or of
    somebody else than who is known by this one."""
    first = Person(name, "", (descriptors[0],))
    for number, descriptor in enumerate(descriptors[1:], start=2):
        if likeness(first, descriptor) < _SAME_AT_LEAST:
            raise MediaError(
                f"Pictures 1 and {number} seem to show two people: their faces are alike by "
                f"{likeness(first, descriptor):.2f}, expected {_SAME_AT_LEAST:.2f} or more.",
                remedy="Introduce one person at a time.",
            )
    known = next((person for person in people if person.name == name), None)
    if known is not None and likeness(known, descriptors[0]) < _SAME_AT_LEAST:
        raise MediaError(
            f"This does not look like the {name} who is known: alike by {likeness(known, descriptors[0]):.2f}.",
            remedy=f"Give another name, or first: assistant people forget '{name}'",
        )
    others = [person for person in people if person.name != name]
    for descriptor in descriptors:
        found = match(others, descriptor, threshold + SURE_ABOVE)
        if found.name:
            raise MediaError(
                f"This looks like {found.name}, who is known already: alike by {found.similarity:.2f}.",
                remedy=f"To give {found.name} another name, first: assistant people forget '{found.name}'",
            )
