"""How a voice runs its networks: without burning a core while it waits, and without keeping what it does not need."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime as ort


def open_session(path: Path) -> ort.InferenceSession:
    """A network on the processor. Raises whatever onnxruntime does, which has no common base."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    # A voice that waits for its next sentence must not burn a core meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def giving_back() -> ort.RunOptions:
    """For each run: buffers, which grow with the longest sentence so far, are given back after it (Kokoro: 180 MB)."""
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
