"""Names for the faces of a scene: from several looks at the same face, and no more looks than that takes."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from assistant.config import Config
from assistant.emotion.face_crop import quality, views
from assistant.events import Box, Face, ImageArray, SceneState, Track
from assistant.models.store import ModelStore
from assistant.people.album import Album
from assistant.people.face_descriptor import FaceDescriber
from assistant.people.matching import SURE_ABOVE, Match, Person, match
from assistant.vision.things import PERSON

_Signable = TypeVar("_Signable", Face, Track)

_LOOKS_KEPT = 3
_LOOKS_AGREEING = 2
_LEAST_WORTH = 0.3
"""Of a face's picture: a face that is small, blurred, dark or turned away looks like many."""
_CHECKED_EVERY_S = 10.0
"""A face whose name is settled is compared again this often: someone else may sit down in the same place."""
_INTERRUPTED_S = 10.0
"""After so long without a picture somebody else may be there: a name has to be confirmed."""
_FACE_KEPT_S = 5.0
_TRACK_KEPT_S = 60.0
"""How long a name outlasts the face, for a person who is followed with the face turned away."""
_MOST_FACES = 3
"""Compared in one picture; the others have their turn in the next."""


@dataclass(slots=True)
class _Known:
    """One face that is followed."""

    box: Box
    seen_at_s: float
    track_id: int | None = None
    checked_at_s: float = -math.inf
    looks: deque[Match] = field(default_factory=lambda: deque(maxlen=_LOOKS_KEPT))

    @property
    def name(self) -> str:
        """What most of the last looks agree on; empty while they do not."""
        if not self.looks:
            return ""
        name, count = Counter(look.name for look in self.looks).most_common(1)[0]
        return name if count >= _LOOKS_AGREEING else ""

    @property
    def similarity(self) -> float:
        """Mean of the looks that agree."""
        agreeing = [look.similarity for look in self.looks if look.name == self.name]
        return sum(agreeing) / max(1, len(agreeing))

    def doubt(self) -> None:
        """Name it again only if another look agrees with the last."""
        self.looks = deque(list(self.looks)[-1:], maxlen=_LOOKS_KEPT)

    def wants_look(self, at_s: float) -> bool:
        """Whether another comparison would tell anything."""
        enough = len(self.looks) >= (_LOOKS_AGREEING if self.name else _LOOKS_KEPT)
        settled = enough and self.looks[-1].name == self.name
        return not settled or at_s - self.checked_at_s >= _CHECKED_EVERY_S


class PeopleRecognizer:
    """Knows the faces of one camera. Blocking, and not for two threads at once."""

    def __init__(self, album: Album, open_describer: Callable[[], FaceDescriber], threshold: float) -> None:
        """`open_describer` loads the network; it is called when the first face of a known person could be there."""
        self._album = album
        self._open_describer = open_describer
        self._describer: FaceDescriber | None = None
        self._threshold = threshold
        self._followed: list[_Known] = []
        self._people: tuple[Person, ...] = ()
        self._named_at_s = -math.inf

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> PeopleRecognizer:
        """With those who were introduced, now and later. Loads nothing yet."""
        return cls(Album.of(config), lambda: FaceDescriber.create(config, models), config.people.threshold)

    @property
    def knows_anyone(self) -> bool:
        """Whether anybody was introduced. Cheap."""
        return self._album.version is not None

    @property
    def names(self) -> frozenset[str]:
        """Of everybody who is known, as of the newest picture."""
        return frozenset(person.name for person in self._people) if self.knows_anyone else frozenset()

    def forget(self) -> None:
        """Begin anew: nobody is there, and what was read of those who were introduced is read again."""
        self._followed, self._people = [], ()
        self._album.close()

    def name(self, scene: SceneState, *, fresh: bool) -> SceneState:
        """The scene with names on faces and people, and what that cost. `fresh` says whether faces were looked for.

        Raises `ModelError` without the network, and `ConfigError` when the file of known people cannot be read.
        """
        started_s = time.perf_counter()
        people = self._album.people()
        if people is not self._people:
            self._people, self._followed = people, []
        if not people:
            return scene
        if scene.at_s - self._named_at_s > _INTERRUPTED_S:
            for known in self._followed:
                known.doubt()
        self._named_at_s = scene.at_s
        tracks = scene.tracks or ()
        followed = self._still_there(tracks, scene.at_s)
        seen: list[_Known] = []
        if fresh:
            seen = _follow(followed, scene.faces, tracks, scene.at_s)
            if scene.frame is not None:
                self._compare(seen, scene.faces, scene.frame.pixels, scene.at_s)
        self._followed = followed
        named = _named_once(followed)
        faces = scene.faces
        if fresh:
            faces = tuple(self._signed(face, known, named) for face, known in zip(faces, seen, strict=True))
        by_track = {known.track_id: known for known in followed if known.track_id is not None}
        tracks = tuple(self._signed(item, by_track.get(item.track_id), named) for item in tracks)
        spent_s = time.perf_counter() - started_s
        return replace(
            scene,
            faces=faces,
            tracks=None if scene.tracks is None else tracks,
            compute_s={**scene.compute_s, "people": spent_s},
        )

    def _still_there(self, tracks: Sequence[Track], at_s: float) -> list[_Known]:
        present = {item.track_id for item in tracks}
        return [
            known
            for known in self._followed
            if 0.0 <= at_s - known.seen_at_s <= (_TRACK_KEPT_S if known.track_id in present else _FACE_KEPT_S)
        ]

    def _compare(self, seen: Sequence[_Known], faces: Sequence[Face], pixels: ImageArray, at_s: float) -> None:
        """Look at the faces that need it, the longest not looked at first."""
        wanting = [(known, face) for known, face in zip(seen, faces, strict=True) if known.wants_look(at_s)]
        wanting.sort(key=lambda pair: pair[0].checked_at_s)
        for known, face in wanting[:_MOST_FACES]:
            if _worth(pixels, face) < _LEAST_WORTH:
                continue
            if self._describer is None:
                self._describer = self._open_describer()
            descriptor = self._describer.describe(pixels, face)
            known.looks.append(match(self._people, descriptor, self._threshold))
            known.checked_at_s = at_s

    def _signed(self, item: _Signable, known: _Known | None, named: Sequence[_Known]) -> _Signable:
        if known is None or not any(known is one for one in named):
            return item
        agreeing = all(look.name == known.name for look in known.looks)
        sure = agreeing and known.similarity >= self._threshold + SURE_ABOVE
        return replace(item, name=known.name, name_sure=sure)


def _follow(followed: list[_Known], faces: Sequence[Face], tracks: Sequence[Track], at_s: float) -> list[_Known]:
    """What is known of each face; a face that is new is added to `followed`."""
    seen: list[_Known] = []
    for face in faces:
        taken = [known.track_id for known in seen]
        track_id = whose_body(face, [item for item in tracks if item.track_id not in taken])
        free = [known for known in followed if not any(known is other for other in seen)]
        known = next((known for known in free if track_id is not None and known.track_id == track_id), None)
        if known is None:
            nameless = [known for known in free if track_id is None or known.track_id is None]
            known = next((known for known in nameless if _near(known.box, face.box)), None)
        if known is None:
            known = _Known(face.box, at_s)
            followed.append(known)
        elif not _near(known.box, face.box):
            known.checked_at_s = -math.inf  # too far for the same face: see whether it is
        known.box, known.seen_at_s = face.box, at_s
        known.track_id = known.track_id if track_id is None else track_id
        seen.append(known)
    return seen


def whose_body(face: Face, tracks: Sequence[Track]) -> int | None:
    """The smallest person in whose upper half the face is."""
    x, y = face.box.center
    holding = [
        item
        for item in tracks
        if item.label == PERSON
        and item.box.x0 <= x <= item.box.x1
        and item.box.y0 - 0.05 <= y <= item.box.center[1]
        and face.box.area <= item.box.area
    ]
    return min(holding, key=lambda item: item.box.area).track_id if holding else None


def _near(one: Box, other: Box) -> bool:
    """Whether two boxes can be the same face: their centres are less than the wider one's size apart."""
    (x0, y0), (x1, y1) = one.center, other.center
    reach_x, reach_y = max(one.x1 - one.x0, other.x1 - other.x0), max(one.y1 - one.y0, other.y1 - other.y0)
    return abs(x0 - x1) < reach_x and abs(y0 - y1) < reach_y


def _named_once(followed: Sequence[_Known]) -> list[_Known]:
    """Those with a name; of two with the same, only the more alike: nobody is there twice."""
    best: dict[str, _Known] = {}
    for known in followed:
        if known.name and (known.name not in best or known.similarity > best[known.name].similarity):
            best[known.name] = known
    return list(best.values())


def _worth(pixels: ImageArray, face: Face) -> float:
    """0 to 1."""
    try:
        crop = views(pixels, face)[0]
    except ValueError:
        return 0.0
    return quality(pixels, face, crop).worth()
