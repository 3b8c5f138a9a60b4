"""What the lint says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why TensorRT would refuse a network (error) or run it badly (warning)."""

    rule: str
    severity: Severity
    node: str
    """The node's name; the tensor's where no node is at fault; empty for the whole file."""
    message: str
    remedy: str
