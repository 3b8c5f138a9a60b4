"""A small classifier on frozen features: one hidden layer, in torch for training and as ONNX for the device."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.graph_writer import GraphWriter
from export.recipe import Array


class Classifier(nn.Module):
    """Features, standardised by the training data's mean and deviation → logits."""

    def __init__(self, mean: Array, deviation: Array, classes: int, width: int = 64, dropout: float = 0.3) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.as_tensor(deviation, dtype=torch.float32))
        self.hidden = nn.Linear(len(mean), width)
        self.answer = nn.Linear(width, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(n, f) → (n, classes)."""
        scaled = (features - self.mean) / self.deviation
        return torch.as_tensor(self.answer(self.dropout(torch.relu(self.hidden(self.dropout(scaled))))))


def classifier_onnx(weights: Mapping[str, Array]) -> onnx.ModelProto:
    """`features`, float32 (n, f) → `probabilities`, float32 (n, classes). The scaling is folded into the weights."""
    hidden = weights["hidden.weight"] / weights["deviation"]
    bias = weights["hidden.bias"] - hidden @ weights["mean"]
    graph = GraphWriter()
    product = graph.emit("MatMul", ["features", graph.constant(_f32(hidden.T), "hidden.weight")], "hidden_product")
    summed = graph.emit("Add", [product, graph.constant(_f32(bias), "hidden.bias")], "hidden")
    relu = graph.emit("Relu", [summed], "hidden_relu")
    product = graph.emit("MatMul", [relu, graph.constant(_f32(weights["answer.weight"].T), "answer.weight")], "product")
    logits = graph.emit("Add", [product, graph.constant(_f32(weights["answer.bias"]), "answer.bias")], "logits")
    graph.emit("Softmax", [logits], "probabilities", {"axis": -1})
    classes, size = len(weights["answer.bias"]), hidden.shape[1]
    model = graph.model("classifier", {"features": (1, size)}, {"probabilities": (1, classes)})
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _f32(array: Array) -> Array:
    return np.asarray(array, np.float32)
