"""Faults that the TensorRT double is told to have, also in child processes: a JSON list in an environment variable."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections.abc import Mapping
from typing import Any

VARIABLE = "FAKE_TENSORRT_FAULTS"


def fault(at: str, **facts: Any) -> str | None:
    """What is to go wrong at this point, None if nothing. A fault says where ("at") and what ("do"); `file` limits it
    to networks whose file name contains that, `workspace_over` to builds that may use more than that."""
    for item in json.loads(os.environ.get(VARIABLE, "[]")):
        if item["at"] == at and _applies(item, facts):
            return str(item["do"])
    return None


def _applies(item: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    if "file" in item and item["file"] not in facts.get("file", ""):
        return False
    return not ("workspace_over" in item and facts.get("workspace", 0) <= item["workspace_over"])


def strike(what: str | None) -> None:
    """Do what ends a process, or makes it wish to."""
    if what == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "oom-kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "hang":
        time.sleep(600)
    elif what == "disk-full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
    elif what is not None and what.startswith("sleep "):
        time.sleep(float(what.split()[1]))
