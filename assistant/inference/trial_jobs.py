"""The jobs of a child process that run engines: `check` one against golden pairs, `race` several."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from assistant.inference.bundle import Bundle
from assistant.inference.contract import contract_violation
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.parity import measure_parity
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession


def check(facts: Mapping[str, Any], stack: DeviceStack) -> dict[str, Any]:
    """How far the answers are from the golden ones, and how long the first of them takes."""
    bundle = Bundle.open(Path(facts["bundle"]))
    with TensorRtSession(Path(facts["engine"]), stack=stack) as session:
        if violation := contract_violation(session, bundle.manifest):
            raise EngineError(FallbackReason.CONTRACT_MISMATCH, violation)
        parity = measure_parity(session, bundle.golden())
        seconds = _take_turns({"": session}, bundle, facts["runs"])[""]
    return {"parity": [found.model_dump() for found in parity], "seconds": seconds}


def race(facts: Mapping[str, Any], stack: DeviceStack) -> dict[str, Any]:
    """The latencies of several engines that take turns, so that heat and clocks are the same for all."""
    with ExitStack() as open_engines:
        sessions = {
            precision: open_engines.enter_context(TensorRtSession(Path(engine), stack=stack))
            for precision, engine in facts["engines"].items()
        }
        return {"seconds": _take_turns(sessions, Bundle.open(Path(facts["bundle"])), facts["runs"])}


def _take_turns(sessions: Mapping[str, TensorRtSession], bundle: Bundle, runs: int) -> dict[str, list[float]]:
    """Seconds of every call on the first golden input."""
    feeds = next(bundle.golden()).inputs
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(runs):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(feeds)
            seconds[name].append(time.perf_counter() - start)
    return seconds
