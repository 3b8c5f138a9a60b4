"""What happens before the camera, told once: who came and left, what appeared, vanished or was moved, light and motion.

Tracks flicker where a detector does. A change counts when it has lasted, and an identity that is lost and found anew at
the same time is one thing, not two changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.events import Box, SceneChange, SceneChangeKind, Track
from assistant.vision.motion import Motion

_SETTLED_S = 0.8
"""How long something must be there to have come."""
_GONE_S = 1.5
"""How long it must be away to have gone."""
_LEAST_CONFIDENCE = 0.42
_LEAST_AREA = 0.004
"""Share of the picture. Smaller things are too often none."""
_MOVED = 0.6
"""Way of a thing that was moved, in its own sizes."""
_AT_REST = 0.15
"""Way within `_REST_S` of a thing that rests, likewise."""
_REST_S = 1.0
DARK, _LIGHT = 0.07, 0.11
"""Mean brightness below which nothing can be seen, and above which it can again."""
_SUDDEN_SHARE, _CALM_SHARE = 0.25, 0.05
_SUDDEN_EVERY_S = 10.0


@dataclass(slots=True)
class _Known:
    """A thing that counts as there."""

    track: Track
    anchor: Box
    """Where it rested."""
    resting_box: Box
    resting_since_s: float
    seen_at_s: float
    missed_at_s: float | None = None
    """The first look that did not show it."""


class SceneChanges:
    """Compares every look with those before."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] | None = None
        self._dark = False
        self.pending = False
        """Whether something has changed that has not lasted long enough to be told."""
        self._calm = True
        self._sudden_at_s = -_SUDDEN_EVERY_S

    @property
    def dark(self) -> bool:
        """Whether it is too dark to see."""
        return self._dark

    def reset(self) -> None:
        """Another scene: what is in it has always been there."""
        self._known = None
        self.pending = False

    def light_and_motion(self, motion: Motion, at_s: float) -> list[SceneChange]:
        """What a picture tells before any network has looked at it; to be called first."""
        changes = []
        if self._dark != (motion.brightness < (_LIGHT if self._dark else DARK)):
            self._dark = not self._dark
            kind: SceneChangeKind = "dark" if self._dark else "light"
            if self._known is not None:  # the first picture is no change
                changes.append(SceneChange(at_s, kind, "room", 1.0))
        sudden = motion.share >= _SUDDEN_SHARE and not (motion.relit or motion.cut)
        if sudden and self._calm and at_s - self._sudden_at_s >= _SUDDEN_EVERY_S:
            self._sudden_at_s = at_s
            changes.append(SceneChange(at_s, "motion", "room", min(1.0, motion.share / (2 * _SUDDEN_SHARE))))
        self._calm = motion.share < _CALM_SHARE
        return changes

    def things(self, tracks: Sequence[Track], at_s: float) -> list[SceneChange]:
        """What the tracks of a picture that could be seen tell."""
        if self._known is None:
            self._known = {item.track_id: _begin(item, at_s) for item in tracks}
            return []
        solid = [item for item in tracks if item.confirmed and _counts(item)]
        changes = []
        self.pending = False
        for item in solid:
            known = self._known.get(item.track_id)
            if known is None:
                self.pending = True
                if item.last_seen_at_s - item.first_seen_at_s >= _SETTLED_S and not self._continues(item, at_s):
                    self._known[item.track_id] = _begin(item, at_s)
                    changes.append(
                        _change("came" if item.label == "person" else "appeared", item, item.first_seen_at_s)
                    )
            elif _was_moved(known, item, at_s):
                changes.append(_change("moved", item, at_s))
            elif item.label != "person" and _way(known.anchor, item.box) >= _MOVED:
                self.pending = True
        # Not by the stricter list above: what is there but doubtful has not gone.
        present = {item.track_id: item for item in tracks}
        for track_id, known in list(self._known.items()):
            item_now = present.get(track_id)
            if item_now is not None and item_now.last_seen_at_s == at_s:
                known.missed_at_s = None
            elif known.missed_at_s is None:
                known.missed_at_s = at_s
            if item_now is not None:
                known.seen_at_s = at_s
            elif at_s - known.seen_at_s >= _GONE_S:
                del self._known[track_id]
                gone = known.track
                if not _counts(gone):
                    continue
                kind: SceneChangeKind = "left" if gone.label == "person" else "vanished"
                changes.append(_change(kind, gone, at_s if known.missed_at_s is None else known.missed_at_s))
            else:
                self.pending = True
        return changes

    def _continues(self, item: Track, at_s: float) -> bool:
        """Whether a new identity is that of a thing which has just been lost."""
        assert self._known is not None
        lost = [
            known
            for known in self._known.values()
            if known.track.label == item.label
            and known.track.last_seen_at_s <= item.first_seen_at_s + _SETTLED_S / 2
            and known.seen_at_s < at_s
        ]
        if not lost:
            return False
        nearest = min(lost, key=lambda known: _way(known.track.box, item.box))
        del self._known[nearest.track.track_id]
        self._known[item.track_id] = _Known(item, nearest.anchor, item.box, at_s, at_s)
        return True


def _counts(item: Track) -> bool:
    return item.confidence >= _LEAST_CONFIDENCE and item.box.area >= _LEAST_AREA


def _begin(item: Track, at_s: float) -> _Known:
    return _Known(item, item.box, item.box, at_s, at_s)


def _was_moved(known: _Known, item: Track, at_s: float) -> bool:
    """Whether a thing has come to rest at another place. People move by themselves."""
    known.track = item
    if _way(known.resting_box, item.box) > _AT_REST:
        known.resting_box, known.resting_since_s = item.box, at_s
    rests = at_s - known.resting_since_s >= _REST_S
    if item.label == "person" or not rests or _way(known.anchor, item.box) < _MOVED:
        return False
    known.anchor = item.box
    return True


def _way(one: Box, other: Box) -> float:
    """Distance of the centres in sizes of the larger box."""
    (x0, y0), (x1, y1) = one.center, other.center
    size = max(one.area, other.area) ** 0.5
    return float(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5 / max(1e-6, size))


def _change(kind: SceneChangeKind, item: Track, at_s: float) -> SceneChange:
    return SceneChange(at_s, kind, item.label, item.confidence, item.track_id, item.box)
