"""All rules, then TensorRT-RTX."""

from __future__ import annotations

from pathlib import Path

from export.errors import ConversionError
from export.lint.finding import Finding
from export.lint.inspected import InspectedModel
from export.lint.rules import RULES
from export.lint.targets import TARGETS
from export.lint.tensorrt_rtx import build_findings


def lint_model(path: Path, target: str) -> list[Finding]:
    """What stands between an ONNX file and an engine on `target`, a name of `TARGETS`; errors first.

    Raises `ConversionError` for a file that is no ONNX model or an unknown target.
    """
    if target not in TARGETS:
        raise ConversionError(f"There is no lint target '{target}'.", remedy=f"Choose from {', '.join(TARGETS)}.")
    model = InspectedModel(path)
    findings = [finding for rule in RULES for finding in rule(model, TARGETS[target])]
    findings += build_findings(path)
    return sorted(findings, key=lambda finding: finding.severity)
