"""Raised hands and people who lie on the floor, told once: what has been seen several times in a row is believed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from assistant.events import SceneChange, SceneChangeKind, Track
from assistant.vision.pose import Pose, hand_is_raised, is_lying

POSE_KINDS: frozenset[SceneChangeKind] = frozenset({"hand_raised", "lying"})

_RULES: dict[SceneChangeKind, tuple[Callable[[Pose], bool | None], float]] = {
    "hand_raised": (hand_is_raised, 0.4),
    "lying": (is_lying, 2.0),
}
"""Kind → how to tell, and how long it must last, in seconds."""
_OVER_S = 1.5
"""How long the opposite must last before it can happen again."""
_GAP_S, _GAP_LOOKS = 3.0, 3
"""How long a pose may not be seen and still count as lasting; at least as long as so many looks take."""
_MOST_GAP_S = 30.0
"""However seldom it looks: the camera may have been away."""
_KEPT_S = 60.0
"""How long somebody is remembered whose pose is not seen, so that what goes on is not told again."""


@dataclass(slots=True)
class _Lasting:
    """Whether one rule holds of one person, and since when."""

    judged_at_s: float
    since_s: float | None = None
    """None while it does not hold."""
    until_s: float = -math.inf
    """When it held last."""
    told: bool = False

    def judge(self, verdict: bool, at_s: float, gap_s: float) -> None:
        if not verdict or at_s - self.judged_at_s > gap_s:
            self.since_s = None
        self.judged_at_s = at_s
        if verdict:
            self.since_s = at_s if self.since_s is None else self.since_s
            self.until_s = at_s
        elif at_s - self.until_s >= _OVER_S:
            self.told = False


class PoseChanges:
    """Watches poses, a person at a time: each of them for themselves, whoever is looked at in between."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, SceneChangeKind], _Lasting] = {}

    def update(self, pose: Pose, person: Track, at_s: float, interval_s: float) -> list[SceneChange]:
        """What has just begun. `interval_s` is how long ago the look before was, whoever it was for."""
        gap_s = min(_MOST_GAP_S, max(_GAP_S, _GAP_LOOKS * interval_s))
        self._seen = {key: seen for key, seen in self._seen.items() if at_s - seen.judged_at_s <= _KEPT_S}
        begun = []
        for kind, (tell, lasting_s) in _RULES.items():
            verdict = tell(pose)
            if verdict is None:
                continue
            seen = self._seen.setdefault((person.track_id, kind), _Lasting(at_s))
            seen.judge(verdict, at_s, gap_s)
            if seen.since_s is not None and at_s - seen.since_s >= lasting_s and not seen.told:
                seen.told = True
                sure = float(pose[:, 2].mean())
                begun.append(SceneChange(seen.since_s, kind, person.label, sure, person.track_id, person.box))
        return begun
