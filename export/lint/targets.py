"""The TensorRT versions that devices have.

Opsets: docs/operators.md of onnx-tensorrt names 9 to 20 for 10.0 and 10.1 (and 24 for 10.15, where nothing is written
for 10.3 and 10.13: there we stay with what is known); the ONNX Opset Guide of TensorRT's documentation names 25 for
11.x. IR versions: those of the ONNX releases that the parsers are built with, 1.16, 1.17 (onnx-tensorrt's changelog)
and 1.20.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What one device's TensorRT reads."""

    name: str
    tensorrt: tuple[int, int]
    """Major and minor version."""
    opsets: range
    max_ir_version: int

    def __str__(self) -> str:
        return f"TensorRT {self.tensorrt[0]}.{self.tensorrt[1]}"


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("jetpack6", (10, 3), range(9, 21), 10),
        Target("jetpack7", (10, 13), range(9, 21), 10),
        Target("tensorrt11", (11, 4), range(9, 26), 13),
    )
}
