"""An expression network whose answers a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from assistant.ports import Tensor, TensorSpec


class ExpressionNetwork:
    """Answers each (64, 64) crop in [-1, 1] with what `answer` says, shape (7,)."""

    backend = "double"

    def __init__(self, answer: Callable[[Tensor], list[float]]) -> None:
        self.inputs = (TensorSpec("image", np.dtype(np.float32), ("N", 64, 64, 1)),)
        self.outputs = (TensorSpec("probabilities", np.dtype(np.float32), ("N", 7)),)
        self.crops: list[Tensor] = []
        self._answer = answer

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One row a crop."""
        batch = feeds["image"]
        assert batch.dtype == np.float32
        assert batch.shape[1:] == (64, 64, 1)
        self.crops.extend(crop[..., 0] for crop in batch)
        return {"probabilities": np.array([self._answer(crop[..., 0]) for crop in batch], dtype=np.float32)}

    def close(self) -> None:
        """Nothing to free."""
