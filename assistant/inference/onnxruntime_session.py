"""Networks on onnxruntime: every machine has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from assistant.errors import ModelError
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.ports import Tensor, TensorSpec

CPU = "CPUExecutionProvider"
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class OnnxRuntimeSession:
    """One ONNX file, run on the CPU unless another execution provider is asked for."""

    backend = "onnxruntime"

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 1,
        keep_memory: bool = False,
        providers: Sequence[str] = (CPU,),
        outputs: Sequence[str] = (),
    ) -> None:
        """Load `path`. Raises `ModelError` naming the file when onnxruntime refuses it, `EngineError` naming the
        execution provider that it would leave out.

        `keep_memory` holds on to the memory of intermediate results between runs: worth it for a network that runs all
        the time. The vision networks together give back 75 MB without it, and are a quarter slower. `outputs` are those
        that are wanted, all if empty: what only the others need is not computed, nor copied.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = keep_memory
        # From the second run on it would take one more block, planned for all intermediate results, beside what the
        # first run has left: 40 MB for the object detector, which is not faster with it.
        options.enable_mem_pattern = False
        # A worker that waits for its next call must not burn a core meanwhile.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        _require_providers(providers, ort.get_available_providers())
        try:
            session = ort.InferenceSession(str(path), options, providers=list(providers))
        except Exception as error:  # onnxruntime raises a dozen types of its own, without a common base
            raise ModelError(
                f"The model {path} cannot be loaded: {error}",
                remedy="Check it with: assistant models verify",
            ) from error
        # A provider can also be dropped while it loads, when its libraries are missing.
        _require_providers(providers, session.get_providers())
        self._session: ort.InferenceSession | None = session
        self.inputs = tuple(_spec(value) for value in session.get_inputs())
        self.outputs = tuple(_spec(value) for value in session.get_outputs() if not outputs or value.name in outputs)
        self._output_names = [spec.name for spec in self.outputs]

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name. Raises `ModelError` once it is closed."""
        if self._session is None:
            raise ModelError("The network was closed.", remedy="Open it again.")
        return dict(zip(self._output_names, self._session.run(self._output_names, dict(feeds)), strict=True))

    def close(self) -> None:
        """Drop the session; onnxruntime frees it with the last reference."""
        self._session = None


def _require_providers(wanted: Sequence[str], got: Sequence[str]) -> None:
    """onnxruntime leaves out a provider that it cannot use, with no more than a warning."""
    for provider in wanted:
        if provider not in got:
            raise EngineError(
                FallbackReason.PROVIDER_DROPPED,
                f"onnxruntime has no {provider} here: expected {', '.join(wanted)}, got {', '.join(got)}.",
                remedy="Install the onnxruntime package that has it, and the libraries that it needs.",
            )


def _spec(value: ort.NodeArg) -> TensorSpec:
    dtype = np.dtype(_DTYPES.get(value.type, np.object_))
    return TensorSpec(value.name, dtype, tuple(value.shape))
