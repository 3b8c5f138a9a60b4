"""Who of a scene has a name."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.events import Face, SceneState, Track


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom one look after the other took for the same."""

    name: str
    sure: bool


def named_people(scene: SceneState) -> list[Named]:
    """Those who are there, each once: who is followed, and whose face alone is seen."""
    signed: list[Face | Track] = [*(scene.tracks or ()), *scene.faces]
    return [Named(name, sure) for name, sure in {item.name: item.name_sure for item in signed if item.name}.items()]
