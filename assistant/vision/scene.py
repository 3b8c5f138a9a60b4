"""From one picture to what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.config import Config
from assistant.events import SceneState, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import Detector, FaceDetector, SceneTagger
from assistant.registry import resolve
from assistant.vision import DETECTORS, FACE_DETECTORS, TAGGERS


@dataclass(frozen=True, slots=True)
class SceneReader:
    """The networks that look at a picture, one after the other."""

    detector: Detector
    faces: FaceDetector
    tagger: SceneTagger | None = None

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SceneReader:
        """The networks that the section `vision` names. Raises `ModelError` when one is not there."""
        vision = config.vision
        tagger = None
        if vision.tagger != "none":
            tagger = resolve(TAGGERS, vision.tagger, kind="scene tagger").create(config, models)
        return cls(
            resolve(DETECTORS, vision.detector, kind="object detector").create(config, models),
            resolve(FACE_DETECTORS, vision.faces, kind="face detector").create(config, models),
            tagger,
        )

    def read(self, frame: VideoFrame) -> SceneState:
        """Everything that the networks find. Blocking: call it on a worker."""
        objects = tuple(self.detector.detect(frame))
        faces = tuple(self.faces.detect(frame))
        tags = tuple(self.tagger.tag(frame)) if self.tagger else ()
        return SceneState(frame.at_s, objects, faces, tags, frame.source, frame)
