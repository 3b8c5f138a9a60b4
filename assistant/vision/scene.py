"""From one picture to what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events import SceneState, VideoFrame
from assistant.ports import Detector, FaceDetector, SceneTagger


@dataclass(frozen=True, slots=True)
class SceneReader:
    """The networks that look at a picture, one after the other."""

    detector: Detector
    faces: FaceDetector
    tagger: SceneTagger | None = None

    def read(self, frame: VideoFrame) -> SceneState:
        """Everything that the networks find. Blocking: call it on a worker."""
        objects = tuple(self.detector.detect(frame))
        faces = tuple(self.faces.detect(frame))
        tags = tuple(self.tagger.tag(frame)) if self.tagger else ()
        return SceneState(frame.at_s, objects, faces, tags, frame.source, frame)
