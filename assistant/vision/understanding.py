"""From a picture to a scene that lasts: the networks, what is remembered, names, poses, and what has changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from assistant.config import VisionConfig
from assistant.emotion.whose_face import FaceChooser
from assistant.errors import AssistantError
from assistant.events import Event, Face, SceneChange, SceneChangeKind, SceneState, Track, VideoFrame
from assistant.people.arrivals import Arrivals
from assistant.people.recognition import whose_body
from assistant.ports import FaceEvidence
from assistant.stages import PEOPLE, POSE, VISION, StageReports
from assistant.vision.feeds import ChangeFeeds
from assistant.vision.looking import Looking
from assistant.vision.memory import SceneMemory
from assistant.vision.motion import Motion
from assistant.vision.needs import SightNeeds
from assistant.vision.pose_changes import POSE_KINDS, PoseChanges
from assistant.vision.scene import SceneReader
from assistant.vision.things import PERSON


class SceneUnderstanding:
    """What the assistant makes of one camera's pictures."""

    def __init__(
        self,
        reader: SceneReader,
        config: VisionConfig,
        stages: StageReports,
        emit: Callable[[Event], None],
        closed: Callable[[], AssistantError | None],
        on_face: Callable[[FaceEvidence], Awaitable[None]] | None = None,
    ) -> None:
        """`closed` says why nothing may be seen now: what was found meanwhile is thrown away."""
        self._networks = Looking(reader)
        self._stages = stages
        self._emit = emit
        self._closed = closed
        self._on_face = on_face
        self._whose_face = FaceChooser()
        self._needs = SightNeeds()
        self._memory = SceneMemory(min_confidence=config.min_confidence)
        self._arrivals = Arrivals()
        self._poses = PoseChanges()
        self._feeds = ChangeFeeds()
        self.scene: SceneState | None = None
        """The newest, however old; None before the first."""

    @property
    def unsettled(self) -> bool:
        """Whether another look would decide something."""
        return self._memory.unsettled or bool(self._arrivals.held)

    @property
    def watches_pose(self) -> bool:
        """Whether someone wants to know of poses, there is a network for them, and a person to look at."""
        return self.scene is not None and self._whose_pose(self.scene) is not None

    def leave_out_tags(self, left_out: bool) -> None:
        """Whether the network that tags whole pictures rests."""
        self._needs.leave_out_tags(left_out)

    def happened(self) -> Sequence[SceneChange]:
        """The newest changes, oldest first."""
        happened = (*self._memory.happened(), *self._arrivals.held)  # what waits for a name is told after newer things
        return sorted(happened, key=lambda change: change.at_s)

    def can_watch(self, kind: SceneChangeKind) -> bool:
        """Whether there is a network for it."""
        return kind not in POSE_KINDS or self._networks.has_pose

    def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        """Changes of these kinds as they happen, for as long as one iterates."""
        return self._feeds.watch(kinds)

    def forget(self) -> None:
        """Begin anew: nothing has been seen, nobody is known to be there."""
        self.scene = None
        self._whose_face = FaceChooser()
        self._needs.forget()
        self._memory.forget()
        self._arrivals.forget()
        self._networks.forget_people()
        self._poses = PoseChanges()

    def close(self) -> None:
        """Let the networks' threads end."""
        self._networks.close()

    async def read(self, frame: VideoFrame, motion: Motion, *, moved: bool, asked: bool) -> SceneState:
        """Run the networks, remember the scene and tell everyone. Raises `StageError`."""
        needs = self._needs.of(frame, moved=moved, asked=asked)
        look = await self._networks.look(
            frame, faces=needs.faces, tags=needs.tags, on_faces=partial(self._show_face, frame)
        )
        self._require_open()
        self._stages.works(VISION)
        scene, changes = self._memory.update(self._needs.complete(look, needs, frame), motion)
        scene = await self._with_names(scene, fresh=needs.faces)
        self._keep_names()
        scene, posed = await self._with_pose(scene, frame)
        self._require_open()
        can_tell = self._networks.knows_anyone and not self._stages.is_failing(PEOPLE)
        changes = self._arrivals.named(changes, scene, can_tell=can_tell)
        self.scene = scene
        self._emit(scene)
        for change in (*changes, *posed):
            self._memory.note(change)
            self._emit(change)
            self._feeds.tell(change)
        return scene

    def _require_open(self) -> None:
        closed = self._closed()
        if closed is not None:
            self._networks.forget_people()  # they have looked meanwhile
            raise closed

    async def _with_names(self, scene: SceneState, *, fresh: bool) -> SceneState:
        """Without names where they cannot be told: everything else is seen all the same."""
        if not self._networks.knows_anyone:
            self._networks.forget_people()
            self._stages.works(PEOPLE)
            return scene
        try:
            scene = await self._networks.names(scene, fresh=fresh)
        except AssistantError as error:
            if not self._stages.is_failing(PEOPLE):
                self._stages.failed(PEOPLE, error)
        else:
            self._stages.works(PEOPLE)
        return scene

    def _keep_names(self) -> None:
        """Who was forgotten is named in nothing that happened before either."""
        known = self._networks.known_names
        self._memory.keep_names(known)
        self._arrivals.keep_names(known)

    async def _with_pose(self, scene: SceneState, frame: VideoFrame) -> tuple[SceneState, list[SceneChange]]:
        """What has happened by the pose that matters; nothing where it cannot be told: everything else is seen all the
        same."""
        person = self._whose_pose(scene)
        if person is None:
            return scene, []
        try:
            pose, spent_s = await self._networks.pose(frame, person.box)
        except AssistantError as error:
            self._stages.still_failing(POSE, error)
            return scene, []
        self._stages.works(POSE)
        interval_s = frame.at_s - self.scene.at_s if self.scene is not None else 0.0
        changes = self._poses.update(pose, person, frame.at_s, interval_s)
        return replace(scene, compute_s={**scene.compute_s, "pose": spent_s}), changes

    def _whose_pose(self, scene: SceneState) -> Track | None:
        """The largest person, None where nobody is, nobody wants to know, or no network could tell."""
        if not (self._networks.has_pose and self._feeds.want_any(POSE_KINDS)):
            return None
        people = [item for item in scene.tracks or () if item.label == PERSON]
        return max(people, key=lambda item: item.box.area, default=None)

    async def _show_face(self, frame: VideoFrame, faces: Sequence[Face]) -> None:
        """Hand on the face of whoever talks to the assistant."""
        if self._on_face is not None and self._closed() is None:
            face = self._whose_face.choose(frame, faces)
            if face is not None:
                # What is in this picture beside faces is still looked for.
                before = () if self.scene is None else self.scene.tracks or ()
                await self._on_face(FaceEvidence(frame, face, whose_body(face, before)))
