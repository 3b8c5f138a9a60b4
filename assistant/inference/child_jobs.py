"""What a child process does for a compilation. Each job takes and returns plain JSON; failures are results too.

`build`  an engine from an ONNX file
`check`  an engine's answers against a bundle's golden pairs
`race`   the latency of several engines, taking turns so that heat and clocks are the same for all
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from assistant.inference.bundle import Bundle
from assistant.inference.contract import contract_violation
from assistant.inference.engine_plan import BuildSettings, ProfileShapes, WorkspaceError, build_engine
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.parity import measure_parity
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession

Facts = Mapping[str, Any]


def build_facts(onnx: Path, engine: Path, settings: BuildSettings, timing_cache: Path) -> dict[str, Any]:
    """The order for a `build`."""
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


def _build(facts: Facts, stack: DeviceStack) -> dict[str, Any]:
    settings = BuildSettings(
        workspace_bytes=facts["workspace_bytes"],
        profiles={name: ProfileShapes(*map(tuple, shapes)) for name, shapes in facts["profiles"].items()},
        flags=tuple(facts["flags"]),
        dla_core=facts["dla_core"],
    )
    build_engine(Path(facts["onnx"]), Path(facts["engine"]), settings, stack, timing_cache=Path(facts["timing_cache"]))
    return {}


def _check(facts: Facts, stack: DeviceStack) -> dict[str, Any]:
    bundle = Bundle.open(Path(facts["bundle"]))
    with TensorRtSession(Path(facts["engine"]), stack=stack) as session:
        if violation := contract_violation(session, bundle.manifest):
            raise EngineError(FallbackReason.CONTRACT_MISMATCH, violation)
        parity = measure_parity(session, bundle.golden())
    return {"parity": [found.model_dump() for found in parity]}


def _race(facts: Facts, stack: DeviceStack) -> dict[str, Any]:
    pair = next(Bundle.open(Path(facts["bundle"])).golden())
    seconds: dict[str, list[float]] = {precision: [] for precision in facts["engines"]}
    with ExitStack() as open_engines:
        sessions = {
            precision: open_engines.enter_context(TensorRtSession(Path(engine), stack=stack))
            for precision, engine in facts["engines"].items()
        }
        for _ in range(facts["runs"]):
            for precision, session in sessions.items():
                start = time.perf_counter()
                session.run(pair.inputs)
                seconds[precision].append(time.perf_counter() - start)
    return {"seconds": seconds}


def _failing_softly(
    job: Callable[[Facts, DeviceStack], dict[str, Any]],
) -> Callable[[Facts, DeviceStack], dict[str, Any]]:
    """What went wrong becomes part of the result, so that the parent knows it from a crash."""

    def run(facts: Facts, stack: DeviceStack) -> dict[str, Any]:
        try:
            return job(facts, stack)
        except EngineError as error:
            short = isinstance(error, WorkspaceError)
            kind = "out-of-memory" if short else "refused"
            return {"failed": kind, "reason": error.reason.value, "message": error.message, "remedy": error.remedy}
        except OSError as error:
            return {"failed": "disk", "reason": FallbackReason.BUILD_FAILED.value, "message": str(error), "remedy": ""}

    return run


JOBS = {"build": _failing_softly(_build), "check": _failing_softly(_check), "race": _failing_softly(_race)}
