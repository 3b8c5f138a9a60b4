"""`python -m assistant.inference.build_child`: one job on TensorRT, as `child_process` asks for it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from assistant.inference.engine_plan import WorkspaceError
from assistant.inference.fallback import EngineError
from assistant.inference.stack import find_stack
from assistant.registry import resolve

JOBS = {
    "build": "assistant.inference.build_job:build",
    "check": "assistant.inference.trial_jobs:check",
    "race": "assistant.inference.trial_jobs:race",
}

_NICENESS = 10
_PR_SET_PDEATHSIG = 1
_FIRST_TO_BE_KILLED = "1000"


def main() -> None:
    """Read the job, do it, write its result."""
    order = json.load(sys.stdin)
    _stand_back(order["parent"])
    result_descriptor = os.dup(1)
    os.dup2(2, 1)  # TensorRT's own prints must not mix with the result
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # its errors: the last words, if this dies
    result = do(order)
    with os.fdopen(result_descriptor, "w") as output:
        json.dump(result, output)


def do(order: dict[str, Any]) -> dict[str, Any]:
    """The job's result. What went wrong is a result too, so that the parent can tell it from a crash."""
    try:
        result: dict[str, Any] = resolve(JOBS, order["job"], kind="job")(order, find_stack(order["stack"]))
    except EngineError as error:
        kind = "out-of-memory" if isinstance(error, WorkspaceError) else "refused"
        return {"failed": kind, "reason": error.reason.value, "message": error.message, "remedy": error.remedy}
    except OSError as error:
        return {"failed": "disk", "message": str(error)}
    return result


def _stand_back(parent: int) -> None:
    """Yield the cores to the assistant, go first when memory runs out, and do not outlive the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("The parent is gone.")
    os.nice(_NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_BE_KILLED)


if __name__ == "__main__":
    main()
