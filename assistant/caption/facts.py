"""What of a scene is worth saying, and how surely: the part of a caption that has no language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.caption.tag_classes import TAG_CLASSES, disagrees
from assistant.events import Box, Face, SceneState, Track
from assistant.people.present import named_people
from assistant.vision.changes import DARK
from assistant.vision.places import Place, is_on, place_of
from assistant.vision.things import PERSON as _PERSON
from assistant.vision.things import is_sure as _is_sure
from assistant.vision.things import things_of

_SURE_TAG = 0.6
_GLARING = 0.97
"""Mean brightness from which a picture shows nothing."""
_MOST_KINDS = 5
_MOST_TURNED = 0.4


@dataclass(frozen=True, slots=True)
class Mention:
    """Some things of one kind."""

    label: str
    count: int
    place: Place | None
    """Third of the picture, as the camera sees it; None when they are spread or fill it."""
    facing: int = 0
    """People of them who face the camera."""
    more: bool = False
    """Whether surer ones of the kind are mentioned too."""
    color: str = ""
    """Of a single thing, if it has one; people are not called by a colour."""
    on: str = ""
    """Class of what a single thing stands on, in the place of `place`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What to say."""

    sure: tuple[Mention, ...]
    doubtful: tuple[Mention, ...]
    tag: str | None
    """What the picture as a whole looks like, if that is clear and little else is; in English."""
    tag_class: str | None
    """The COCO class that the tag is a kind of, if any that is not mentioned anyway."""
    confidence: float
    """Mean confidence of what is said; 0 when nothing is."""
    blinded: Literal["dark", "bright"] | None = None
    """Why nothing can be seen."""
    names: tuple[str, ...] = ()
    """Of known people, who are mentioned by nothing else."""
    doubtful_names: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.sure or self.doubtful or self.tag or self.names or self.doubtful_names)


def facts_of(scene: SceneState, *, min_confidence: float) -> Facts:
    """Choose and group. People come first, then the surest kinds."""
    objects = things_of(scene, min_confidence=min_confidence)
    things = [item for item in objects if item.label != _PERSON]
    sure_things = [item for item in things if _is_sure(item)]
    known = named_people(scene)
    strangers = _strangers(scene, [item for item in objects if item.label == _PERSON])
    people, people_in_doubt = _people(_without_named(scene), strangers, more=bool(known))
    tag = None
    if not people and not known and len(sure_things) <= 1:
        tag = next((tag for tag in scene.tags if tag.confidence >= _SURE_TAG), None)
    doubtful_things = [item for item in things if not _is_sure(item)]
    if tag is not None:
        doubtful_things = [item for item in doubtful_things if not disagrees(tag.label, item.label)]
    mentioned = {item.label for item in (*sure_things, *doubtful_things)}
    if tag is not None and tag.label in mentioned:
        tag = None  # not "a banana. It looks like a banana."
    tag_class = TAG_CLASSES.get(tag.label) if tag else None
    said = [*(item.confidence for item in objects), *(face.confidence for face in scene.faces)]
    said += [tag.confidence] if tag else []
    sure_labels = {item.label for item in sure_things}
    return Facts(
        sure=(*people, *_mentions(sure_things, (), things)),
        doubtful=(*people_in_doubt, *_mentions(doubtful_things, sure_labels, things)),
        tag=tag.label if tag else None,
        tag_class=tag_class if tag_class not in mentioned else None,
        confidence=sum(said) / len(said) if said else 0.0,
        blinded=None if said else _blinded(scene),
        names=tuple(one.name for one in known if one.sure),
        doubtful_names=tuple(one.name for one in known if not one.sure),
    )


def _without_named(scene: SceneState) -> SceneState:
    """The scene with the faces of strangers only."""
    return replace(scene, faces=tuple(face for face in scene.faces if not face.name))


def _strangers(scene: SceneState, people: Sequence[Track]) -> list[Track]:
    """The people without a name, less the bodies of those whom only their face names: of who lies, for one, the face is
    where no face is expected."""
    strangers = [item for item in people if not item.name]
    named_bodies = {item.name for item in people}
    for face in scene.faces:
        bodies = [item for item in strangers if _holds(item.box, face)]
        if face.name and face.name not in named_bodies and bodies:
            strangers.remove(min(bodies, key=lambda item: item.box.area))
    return strangers


def _blinded(scene: SceneState) -> Literal["dark", "bright"] | None:
    if scene.dark:
        return "dark"
    if scene.brightness is None or DARK <= scene.brightness <= _GLARING:
        return None
    return "dark" if scene.brightness < DARK else "bright"


def _people(scene: SceneState, found: list[Track], *, more: bool) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """A face makes a person sure, whatever the object detector thinks. `more` says that others have been named."""
    faces = scene.faces
    sure = [item for item in found if _is_sure(item) or any(_holds(item.box, face) for face in faces)]
    sure_count = max(len(sure), len(faces))
    in_doubt = max(0, len(found) - sure_count)
    doubtful_boxes = [item.box for item in found if item not in sure]
    boxes = [item.box for item in sure] if len(sure) >= len(faces) else [face.box for face in faces]
    facing = sum(_faces_camera(face) for face in faces)
    certain = (Mention(_PERSON, sure_count, place_of(boxes), facing=facing, more=more),) if sure_count else ()
    doubtful = (Mention(_PERSON, in_doubt, place_of(doubtful_boxes), more=more or sure_count > 0),) if in_doubt else ()
    return certain, doubtful


def _holds(box: Box, face: Face) -> bool:
    x, y = face.box.center
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def _mentions(items: Sequence[Track], sure_labels: Iterable[str], things: Sequence[Track]) -> tuple[Mention, ...]:
    """One mention a kind, the surest kinds first."""
    surest: dict[str, float] = {}
    for item in items:
        surest[item.label] = max(item.confidence, surest.get(item.label, 0.0))
    counts = Counter(item.label for item in items)
    mentions = []
    for label in sorted(surest, key=lambda label: (-surest[label], label))[:_MOST_KINDS]:
        of_kind = [item for item in items if item.label == label]
        place, more = place_of([item.box for item in of_kind]), label in sure_labels
        alone = of_kind[0] if counts[label] == 1 else None
        color = alone.color if alone and _is_sure(alone) else ""
        on = _surface(alone, things) if alone else ""
        mentions.append(Mention(label, counts[label], place, more=more, color=color, on=on))
    # "a table and a cup on it" needs no place of the table's own.
    return tuple(sorted(mentions, key=lambda mention: bool(mention.on)))


def _surface(item: Track, things: Sequence[Track]) -> str:
    """The class of what a thing stands on, if that is plain."""
    return next((it.label for it in things if it.label != item.label and _is_sure(it) and is_on(item, it)), "")


def _faces_camera(face: Face) -> bool:
    """Whether the nose is between the eyes: measured 0.0 to 0.15 eye distances off from the front, 0.85 in profile."""
    if len(face.keypoints) < 3:
        return False
    # Boxes of faces are square in pixels, so this undoes the picture's proportions.
    size_x, size_y = max(1e-6, face.box.x1 - face.box.x0), max(1e-6, face.box.y1 - face.box.y0)
    (right_x, right_y), (left_x, left_y), (nose_x, nose_y) = ((x / size_x, y / size_y) for x, y in face.keypoints[:3])
    along_x, along_y = left_x - right_x, left_y - right_y
    off_x, off_y = nose_x - (left_x + right_x) / 2, nose_y - (left_y + right_y) / 2
    return abs(off_x * along_x + off_y * along_y) <= _MOST_TURNED * (along_x**2 + along_y**2)
