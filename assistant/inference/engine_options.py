"""What a compilation may be told, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import TypeAdapter

from assistant.inference.bundle import Precision
from assistant.inference.engine_cache import Choice
from assistant.inference.engine_plan import DEFAULT_WORKSPACE_BYTES, BuildSettings, ProfileShapes


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """How engines are built. Engines that were built with other options are not used."""

    precisions: tuple[Precision, ...] = ("fp16", "int8-trt")
    """To try, of those that the bundle has. FP32 is tried when there is none of them, or none answers right."""
    workspace_bytes: int = DEFAULT_WORKSPACE_BYTES
    """To begin with; halved twice when a build fails for want of memory."""
    profiles: dict[str, ProfileShapes] = field(default_factory=dict)
    """Of the inputs that have a dynamic axis."""
    flags: tuple[str, ...] = ()
    """Names of `tensorrt.BuilderFlag`s."""
    dla_core: int | None = None
    min_gain: float = 0.05
    """What INT8 must save of FP16's median latency to be worth its error."""
    runs: int = 50
    """Timed calls of each engine."""
    build_timeout_s: float = 1800.0
    check_timeout_s: float = 300.0

    def settings(self, workspace_bytes: int) -> BuildSettings:
        """For one build."""
        return BuildSettings(workspace_bytes, self.profiles, self.flags, self.dla_core)

    def as_json(self) -> str:
        """For comparison with those of an earlier compilation, and for other processes."""
        return TypeAdapter(CompileOptions).dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> CompileOptions:
        """What `as_json` wrote."""
        return TypeAdapter(CompileOptions).validate_json(text)


@dataclass(frozen=True, slots=True)
class CompileReport:
    """What `compile_bundle` came to."""

    choice: Choice
    cached: bool
    """Nothing had to be done."""
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there is an engine."""
        return self.choice.winner is not None

    def as_json(self) -> str:
        """For machines: the choice with every attempt, parity and latency."""
        return TypeAdapter(CompileReport).dump_json(self, indent=1).decode()
