"""Raised hands and people who lie on the floor, told once: what has been seen several times in a row is believed."""

from __future__ import annotations

from collections.abc import Callable

from assistant.events import Box, SceneChange, SceneChangeKind
from assistant.vision.pose import Pose, hand_is_raised, is_lying

POSE_KINDS: frozenset[SceneChangeKind] = frozenset({"hand_raised", "lying"})

_RULES: dict[SceneChangeKind, tuple[Callable[[Pose], bool | None], float]] = {
    "hand_raised": (hand_is_raised, 0.4),
    "lying": (is_lying, 2.0),
}
"""Kind → how to tell, and how long it must last, in seconds."""
_OVER_S = 1.5
"""How long the opposite must last before it can happen again."""


class PoseChanges:
    """Watches the poses of one person after the other."""

    def __init__(self) -> None:
        self._since_s: dict[SceneChangeKind, float] = {}
        self._until_s: dict[SceneChangeKind, float] = {}
        self._told: set[SceneChangeKind] = set()

    def update(self, pose: Pose, box: Box, track_id: int | None, at_s: float) -> list[SceneChange]:
        """What has just begun."""
        begun = []
        for kind, (tell, lasting_s) in _RULES.items():
            verdict = tell(pose)
            if verdict is None:
                continue
            if not verdict:
                self._since_s.pop(kind, None)
                if kind in self._told and at_s - self._until_s[kind] >= _OVER_S:
                    self._told.discard(kind)
                continue
            self._until_s[kind] = at_s
            since_s = self._since_s.setdefault(kind, at_s)
            if at_s - since_s >= lasting_s and kind not in self._told:
                self._told.add(kind)
                begun.append(SceneChange(since_s, kind, "person", float(pose[:, 2].mean()), track_id, box))
        return begun
