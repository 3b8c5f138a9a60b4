"""Why a network does not run as an engine on the GPU: a code for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from assistant.errors import ModelError


class FallbackReason(Enum):
    """Every reason to run on onnxruntime where an engine was possible. The value is its code in logs and reports."""

    CONFIGURED = "configured"
    """The configuration asks for onnxruntime."""
    NO_DRIVER = "no-driver"
    """There is no NVIDIA driver, or no GPU behind it."""
    NO_TENSORRT = "no-tensorrt"
    """TensorRT's Python package, or a CUDA package, is missing, does not import or does not know this GPU."""
    TENSORRT_TOO_OLD = "tensorrt-too-old"
    """TensorRT is older than 10."""
    NO_BUNDLE = "no-bundle"
    """The model is a plain ONNX file: an engine of it could not be checked."""
    NOT_BUILT = "not-built"
    """No engine of this bundle has been built here yet."""
    BUNDLE_CHANGED = "bundle-changed"
    """The engine was built from another version of the bundle, or with other options."""
    VERSION_MISMATCH = "version-mismatch"
    """The engine was built by another version of TensorRT, CUDA or L4T."""
    GPU_MISMATCH = "gpu-mismatch"
    """The engine was built for another GPU."""
    HASH_MISMATCH = "hash-mismatch"
    """The engine's bytes are not those that were published: truncated or altered."""
    SIDECAR_DAMAGED = "sidecar-damaged"
    """What describes the engine cannot be read."""
    DESERIALIZE_FAILED = "deserialize-failed"
    """TensorRT does not accept the engine."""
    CONTRACT_MISMATCH = "contract-mismatch"
    """The engine's tensors are not those that the bundle promises."""
    OUT_OF_MEMORY = "out-of-memory"
    """The GPU has too little memory for the engine."""
    CUDA_FAILED = "cuda-failed"
    """A CUDA call failed while the engine was loaded."""
    BUILD_FAILED = "build-failed"
    """No engine could be built here; the reason of each attempt is recorded."""
    PARITY_FAILED = "parity-failed"
    """No engine gave the answers that the bundle promises."""
    PROVIDER_DROPPED = "provider-dropped"
    """onnxruntime left out an execution provider that was asked for."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """One step down."""

    reason: FallbackReason
    sentence: str
    """What happened, with what was expected and what was got."""
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip()


class EngineError(ModelError):
    """An engine cannot be built, loaded or run."""

    def __init__(self, reason: FallbackReason, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason

    @property
    def fallback(self) -> Fallback:
        """The same as a step down."""
        return Fallback(self.reason, self.message, self.remedy or "")
