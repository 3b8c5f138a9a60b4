"""The parser and the builder of TensorRT-RTX, which need no GPU, in a child process that may crash or hang.

It is not the TensorRT of a Jetson: its parser is newer, and it has no kernels for Orin (SM 8.7; the nearest that it
builds for is SM 8.6). What it refuses is wrong; what it accepts may still be refused on the device.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from assistant.child.launcher import python_command
from assistant.models.hashing import hash_file
from export.lint.finding import Finding

TIMEOUT_S = 600.0
RULE = "tensorrt-rtx"
UNFINISHED = f"{RULE}-unfinished"
"""The rule of a finding that it crashed or took too long over the file: so it will the next time."""
INTERRUPTED = f"{RULE}-interrupted"
"""The rule of a finding that is this machine's, in this hour, and not the file's: it is not to be kept."""

_PACKAGES = ("tensorrt-rtx-cu12", "tensorrt_rtx_cu12", "tensorrt-rtx-cu13", "tensorrt_rtx_cu13")

_ENDED = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Somebody else ended it; the kernel does so with the first where memory is short."""
_MEMORY = ("bad_alloc", "memoryerror", "outofmemory", "out of memory", "cannot allocate memory")
"""Words that say, in lower case, that there was no memory."""


def tensorrt_rtx_version() -> str | None:
    """The version that is installed (extra `tensorrt-check`), or None: then no parser has seen the file."""
    if importlib.util.find_spec("tensorrt_rtx") is None:
        return None
    for package in _PACKAGES:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return "of unknown version"


def build_findings(
    path: Path, *, timeout_s: float = TIMEOUT_S, worker: str = "export.lint.rtx_worker"
) -> list[Finding]:
    """What TensorRT-RTX says against the file; nothing if it builds an engine, or is not installed.

    That it came to no answer is a finding too: an error of the rule `UNFINISHED` where it crashed or failed, a warning
    where it took too long, and one of the rule `INTERRUPTED` where it was ended or had no memory.

    `worker` is the module that the child runs: it prints one JSON object.
    """
    version = tensorrt_rtx_version()
    if version is None:
        return []
    return list(_run(str(path), hash_file(path)[0], timeout_s, worker, f"TensorRT-RTX {version} parser, not Orin"))


@functools.lru_cache(maxsize=64)  # one file is linted for several targets, of which this parser knows nothing
def _run(path: str, _sha256: str, timeout_s: float, worker: str, label: str) -> tuple[Finding, ...]:
    command = python_command(worker, path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(item for item in sys.path if item)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False)
    except subprocess.TimeoutExpired:
        message = f"{label}: it had not finished after {timeout_s:g} s."
        return (Finding(UNFINISHED, "warning", "", message, "Lint the file on a faster machine, or the device."),)
    try:
        problems = json.loads(done.stdout.strip().rpartition("\n")[2])["problems"]
    except (ValueError, KeyError, TypeError):
        return (_died(label, done),)
    return tuple(_problem(label, item) for item in problems)


def _problem(label: str, item: Mapping[str, str]) -> Finding:
    message = f"{label}: {item['message']}"
    if _lacked_memory(message):
        return _interrupted(message)
    return Finding(RULE, "error", item["node"], message, "See TensorRT's operators.md for this node.")


def _died(label: str, done: subprocess.CompletedProcess[str]) -> Finding:
    """A crash is the file's fault as far as anybody knows; not so a process that somebody ended, or without memory.

    What it wrote is no part of it: addresses and times would make another bundle of the same network.
    """
    message = f"{label}: it died ({_how(done.returncode)})."
    if -done.returncode in _ENDED or _lacked_memory(done.stderr):
        return _interrupted(message)
    remedy = (
        "See what it says: python -m export.lint.rtx_worker MODEL.onnx; cut the graph in two to find the node of which "
        "it dies."
    )
    return Finding(UNFINISHED, "error", "", message, remedy)


def _interrupted(message: str) -> Finding:
    remedy = "Look again when the machine is less busy and has memory to spare; or build it on the device."
    return Finding(INTERRUPTED, "warning", "", message, remedy)


def _lacked_memory(text: str) -> bool:
    return any(words in text.lower() for words in _MEMORY)


def _how(returncode: int) -> str:
    return signal.Signals(-returncode).name if returncode < 0 else f"exit status {returncode}"
