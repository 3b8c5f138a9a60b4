"""The job `build` of a child process: an engine from an ONNX file. Imports little, because it runs often."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.inference.engine_plan import BuildSettings, ProfileShapes, build_engine
from assistant.inference.stack import DeviceStack


def build_facts(onnx: Path, engine: Path, settings: BuildSettings, timing_cache: Path) -> dict[str, Any]:
    """The order for it, in plain JSON."""
    return {
        "onnx": str(onnx),
        "engine": str(engine),
        "timing_cache": str(timing_cache),
        "workspace_bytes": settings.workspace_bytes,
        "profiles": {
            name: [shapes.smallest, shapes.optimum, shapes.largest] for name, shapes in settings.profiles.items()
        },
        "flags": settings.flags,
        "dla_core": settings.dla_core,
    }


def build(facts: Mapping[str, Any], stack: DeviceStack) -> dict[str, Any]:
    """Do it. Raises what `build_engine` raises."""
    settings = BuildSettings(
        workspace_bytes=facts["workspace_bytes"],
        profiles={name: ProfileShapes(*map(tuple, shapes)) for name, shapes in facts["profiles"].items()},
        flags=tuple(facts["flags"]),
        dla_core=facts["dla_core"],
    )
    build_engine(Path(facts["onnx"]), Path(facts["engine"]), settings, stack, timing_cache=Path(facts["timing_cache"]))
    return {}
