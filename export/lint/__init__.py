"""Whether TensorRT will take a network, asked where there is no GPU.

Our rules read the graph and know a named target; TensorRT-RTX, where installed, parses and builds it. Both are
necessary, not sufficient: only the device itself can say yes.
"""

from export.lint.finding import Finding, Severity
from export.lint.linter import lint_model
from export.lint.targets import TARGETS, Target
from export.lint.tensorrt_rtx import INTERRUPTED, UNFINISHED, tensorrt_rtx_version

__all__ = [
    "INTERRUPTED",
    "TARGETS",
    "UNFINISHED",
    "Finding",
    "Severity",
    "Target",
    "lint_model",
    "tensorrt_rtx_version",
]
