"""Jobs on TensorRT in a process of their own: a build can crash, hang, or be killed for the memory that it takes.

A job is a JSON object on the child's standard input; its result is one on its standard output. What TensorRT and CUDA
print goes to standard error, whose end explains a death.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from enum import Enum
from typing import Any

from assistant.child.launcher import python_command
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.stack import DeviceStack

_SHOWN_CHARACTERS = 500


class Death(Enum):
    """How a child ended without a result."""

    CRASHED = "crashed"
    KILLED = "killed"
    TIMED_OUT = "timed-out"


_REMEDIES = {
    Death.CRASHED: "Its last words say more. Again: assistant-export compile --force BUNDLE.",
    Death.KILLED: "Free memory on the device, then try again.",
    Death.TIMED_OUT: "Try again with nothing else running: assistant-export compile --force BUNDLE.",
}


class ChildDiedError(EngineError):
    """The child ended without a result."""

    def __init__(self, death: Death, message: str) -> None:
        super().__init__(FallbackReason.BUILD_FAILED, message, remedy=_REMEDIES[death])
        self.death = death


def run_job(job: str, facts: Mapping[str, Any], stack: DeviceStack, *, timeout_s: float) -> dict[str, Any]:
    """Run `job` of `assistant.inference.build_child` and return its result.

    Raises `ChildDiedError` when the child dies or is killed for taking longer than `timeout_s`.
    """
    command = python_command("assistant.inference.build_child")
    order = json.dumps({"job": job, "stack": stack.name, "parent": os.getpid(), **facts})
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            output, noise = child.communicate(order.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _kill(child)
            raise ChildDiedError(Death.TIMED_OUT, f"The {job} took longer than {timeout_s:g} s.") from None
        except BaseException:
            _kill(child)
            raise
    if child.returncode == 0:
        result: dict[str, Any] = json.loads(output)
        return result
    raise _death(job, child.returncode, noise.decode(errors="replace"))


def _kill(child: subprocess.Popen[bytes]) -> None:
    """The child and what it started. Its pipes are drained by `Popen.__exit__`."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _death(job: str, code: int, noise: str) -> ChildDiedError:
    last_words = noise.strip()[-_SHOWN_CHARACTERS:]
    tail = f" Its last words: {last_words}" if last_words else ""
    if code == -signal.SIGKILL:
        return ChildDiedError(
            Death.KILLED, f"The {job} was killed (SIGKILL), as the kernel does when memory runs out.{tail}"
        )
    what = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return ChildDiedError(Death.CRASHED, f"The {job} {what}.{tail}")
