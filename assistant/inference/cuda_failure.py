"""What a failed CUDA call means for an engine."""

from __future__ import annotations

from pathlib import Path

from assistant.inference.cuda import CudaError, CudaMemoryError
from assistant.inference.fallback import EngineError, FallbackReason


def engine_error(error: CudaError, path: Path) -> EngineError:
    """The same failure as the engine's at `path`, with the reason to step down."""
    reason = FallbackReason.OUT_OF_MEMORY if isinstance(error, CudaMemoryError) else FallbackReason.CUDA_FAILED
    return EngineError(reason, f"The engine {path} cannot run: {error.message}", remedy=error.remedy)
