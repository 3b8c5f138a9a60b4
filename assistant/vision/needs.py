"""Which networks a look needs: cost follows need."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from assistant.events import SceneState, SceneTag, VideoFrame
from assistant.vision.motion import MotionGate

_FACES_EVERY_S = 15.0
"""While nobody is there and nothing moves, faces are looked for this often."""
_TAGS_EVERY_S = 5.0
"""What the picture as a whole shows is asked no more often, unless someone wants to know."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The networks beside the object detector."""

    faces: bool
    tags: bool


class SightNeeds:
    """Remembers what is known, to ask the networks for the rest."""

    def __init__(self) -> None:
        self._without_tags = False
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is known."""
        self._tagged = MotionGate()
        self._tags: tuple[SceneTag, ...] = ()
        self._faces_at_s = self._tags_at_s = -math.inf
        self._anyone = False

    def leave_out_tags(self, left_out: bool) -> None:
        """Whether the network that tags whole pictures rests."""
        self._without_tags = left_out

    def of(self, frame: VideoFrame, *, moved: bool, asked: bool) -> Needs:
        """For a picture in which something `moved`, or which someone has `asked` about."""
        faces = moved or asked or self._anyone or frame.at_s - self._faces_at_s >= _FACES_EVERY_S
        due = asked or frame.at_s - self._tags_at_s >= _TAGS_EVERY_S
        tags = due and not self._without_tags
        return Needs(faces, tags and self._tagged.moved(frame.pixels))

    def complete(self, look: SceneState, needs: Needs, frame: VideoFrame) -> SceneState:
        """A look with the tags of an earlier one, if the picture is still the same."""
        if needs.faces:
            self._faces_at_s = look.at_s
        self._anyone = bool(look.faces) or any(item.label == "person" for item in look.objects)
        if needs.tags:
            self._tags, self._tags_at_s = look.tags, look.at_s
            self._tagged.look(frame.pixels)
            return look
        return look if self._tagged.moved(frame.pixels) else replace(look, tags=self._tags)
