"""Events with names: whoever comes is told with the name, if the face is known soon enough, and leaves with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from assistant.events import SceneChange, SceneState, Track
from assistant.vision.things import PERSON

_WAIT_S = 3.0
"""How long an arrival is held back for a name: two looks at a face must agree."""
_NAMES_KEPT = 100


@dataclass(frozen=True, slots=True)
class _Held:
    change: SceneChange
    since_s: float


class Arrivals:
    """Puts names into what happened. An event is told once: it waits for its name a little, and then goes without."""

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._names: dict[int, tuple[str, bool]] = {}

    @property
    def held(self) -> tuple[SceneChange, ...]:
        """What has happened and is not told yet."""
        return tuple(item.change for item in self._held)

    def forget(self) -> None:
        """Begin anew."""
        self._held.clear()
        self._names.clear()

    def keep_names(self, known: Collection[str]) -> None:
        """Forget all other names: those of people who are known no more."""
        self._names = {track_id: named for track_id, named in self._names.items() if named[0] in known}

    def named(self, changes: Sequence[SceneChange], scene: SceneState, *, can_tell: bool) -> list[SceneChange]:
        """What is to be told now, in the order in which it happened. `can_tell` says whether anybody has a name."""
        people = {item.track_id: item for item in scene.tracks or () if item.label == PERSON}
        self._learn(people)
        waiting = [*self._held, *(_Held(change, scene.at_s) for change in changes)]
        self._held = []
        told = []
        for item in waiting:
            change = self._signed(item.change)
            unnamed = change.kind == "came" and not change.name and change.track_id in people
            if unnamed and can_tell and scene.at_s - item.since_s < _WAIT_S:
                self._held.append(item)
            else:
                told.append(change)
        return told

    def _learn(self, people: dict[int, Track]) -> None:
        """The newest counts: who has turned out to be somebody else, or could be by now, does not leave by name."""
        for track_id, person in people.items():
            self._names.pop(track_id, None)
            if person.name:
                self._names[track_id] = person.name, person.name_sure
        while len(self._names) > _NAMES_KEPT:
            del self._names[next(iter(self._names))]

    def _signed(self, change: SceneChange) -> SceneChange:
        if change.track_id is None or change.kind not in ("came", "left"):
            return change
        name, sure = self._names.get(change.track_id, ("", False))
        return replace(change, name=name, name_sure=sure)
