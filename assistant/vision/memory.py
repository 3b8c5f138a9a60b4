"""What the assistant knows of the scene: tracks with colours, and what has happened."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from assistant.events import ImageArray, SceneChange, SceneChangeKind, SceneState, Track
from assistant.vision.changes import SceneChanges
from assistant.vision.colors import color_of
from assistant.vision.motion import Motion
from assistant.vision.tracking import Tracker

_CHANGES_KEPT = 50
"""Of each kind and subject."""
_COLORED_KEPT = 200
_COLOR_EVERY_S = 1.0
_COLORS_KEPT = 9


@dataclass(slots=True)
class _Colors:
    """What a thing's colour was taken for."""

    looked_at_s: float
    votes: deque[str] = field(default_factory=lambda: deque(maxlen=_COLORS_KEPT))

    @property
    def name(self) -> str:
        name, count = Counter(self.votes).most_common(1)[0]
        return name if 2 * count > len(self.votes) else ""


class SceneMemory:
    """Turns one look after the other into a scene that lasts."""

    def __init__(self, *, min_confidence: float) -> None:
        self._tracker = Tracker(min_confidence=min_confidence)
        self._changes = SceneChanges()
        self._colors: dict[int, _Colors] = {}
        self._happened: dict[tuple[SceneChangeKind, str], deque[SceneChange]] = {}
        """By kind and subject, so that a room in which much moves does not make it forget who came."""

    @property
    def unsettled(self) -> bool:
        """Whether another look would decide something."""
        return self._tracker.unsettled or self._changes.pending

    def happened(self) -> Sequence[SceneChange]:
        """The newest changes of each kind and subject, in the order of time."""
        return sorted(chain.from_iterable(self._happened.values()), key=lambda change: change.at_s)

    def forget(self) -> None:
        """Begin anew: what was seen and what happened."""
        self._tracker.reset()
        self._changes.reset()
        self._colors.clear()
        self._happened.clear()

    def note(self, change: SceneChange) -> None:
        """Remember what was told."""
        of_kind = self._happened.setdefault((change.kind, change.subject), deque(maxlen=_CHANGES_KEPT))
        of_kind.append(change)

    def keep_names(self, known: Collection[str]) -> None:
        """Forget all other names in what has happened: those of people who are known no more."""
        for changes in self._happened.values():
            for index, change in enumerate(changes):
                if change.name and change.name not in known:
                    changes[index] = replace(change, name="", name_sure=False)

    def update(self, look: SceneState, motion: Motion) -> tuple[SceneState, list[SceneChange]]:
        """The scene with its tracks, and what has changed, to be told and `note`d. `look` holds everything that the
        networks found; looks come in the order of time."""
        changes = self._changes.light_and_motion(motion, look.at_s)
        if motion.cut:
            self._tracker.reset()
            self._changes.reset()
        tracks: tuple[Track, ...] = ()
        # In the dark nothing is seen, which does not mean that it has gone.
        if not self._changes.dark:
            tracks = self._tracker.update(look.objects, look.at_s)
            changes += self._changes.things(tracks, look.at_s)
            if look.frame is not None:
                tracks = tuple(self._colored(item, look.frame.pixels, look.at_s) for item in tracks)
        return replace(look, tracks=tracks, brightness=motion.brightness, dark=self._changes.dark), changes

    def _colored(self, item: Track, pixels: ImageArray, at_s: float) -> Track:
        colors = self._colors.get(item.track_id)
        if colors is None or at_s - colors.looked_at_s >= _COLOR_EVERY_S:
            if colors is None:
                # Things that are gone are forgotten in the order in which they came.
                while len(self._colors) >= _COLORED_KEPT:
                    del self._colors[next(iter(self._colors))]
                colors = self._colors[item.track_id] = _Colors(at_s)
            colors.looked_at_s = at_s
            colors.votes.append(color_of(pixels, item.box))
        return replace(item, color=colors.name)
