"""From one picture to what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.config import Config
from assistant.errors import ModelMissingError
from assistant.events import SceneState, VideoFrame
from assistant.models.store import ModelStore
from assistant.people.recognition import PeopleRecognizer
from assistant.ports import Detector, FaceDetector, SceneTagger
from assistant.registry import resolve
from assistant.vision import DETECTORS, FACE_DETECTORS, TAGGERS
from assistant.vision.preprocess import moderate
from assistant.vision.things import is_speck

if TYPE_CHECKING:
    from assistant.vision.pose import PoseEstimator


@dataclass(frozen=True, slots=True)
class SceneReader:
    """The networks that look at a picture."""

    detector: Detector
    faces: FaceDetector
    tagger: SceneTagger | None = None
    pose: PoseEstimator | None = None
    people: PeopleRecognizer | None = None
    """Who puts names to faces."""
    min_confidence: float = 0.0
    """Weaker objects are not read; the detector itself gives more, for trackers."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SceneReader:
        """The networks that the section `vision` names. Raises `ModelError` when one is not there; without the pose
        network, which only some questions need, the rest goes on."""
        vision = config.vision
        tagger = None
        if vision.tagger != "none":
            tagger = resolve(TAGGERS, vision.tagger, kind="scene tagger").create(config, models)
        from assistant.vision.pose import PoseEstimator  # it loads onnxruntime

        try:
            pose = PoseEstimator.create(config, models)
        except ModelMissingError:
            pose = None
        return cls(
            resolve(DETECTORS, vision.detector, kind="object detector").create(config, models),
            resolve(FACE_DETECTORS, vision.faces, kind="face detector").create(config, models),
            tagger,
            pose,
            PeopleRecognizer.create(config, models) if config.people.enabled else None,
            vision.min_confidence,
        )

    def read(self, frame: VideoFrame) -> SceneState:
        """Everything that the networks find, for a picture by itself. Blocking: call it on a worker."""
        seen = VideoFrame(frame.at_s, moderate(frame.pixels), frame.source)
        found = self.detector.detect(seen)
        objects = tuple(item for item in found if item.confidence >= self.min_confidence and not is_speck(item))
        faces = tuple(self.faces.detect(seen))
        tags = tuple(self.tagger.tag(seen)) if self.tagger else ()
        brightness = float(seen.pixels.mean()) / 255
        return SceneState(frame.at_s, objects, faces, tags, frame.source, frame, brightness=brightness)
