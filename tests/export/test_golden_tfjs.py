"""Real models: the imported ONNX against what TensorFlow.js itself computed. See export/golden/README.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from export.golden.inputs import golden_input, subsample

GOLDEN = Path(__file__).parent / "golden"

MODELS = {
    "blazeface": ("blazeface", "blazeface.onnx"),
    "facemesh": ("facemesh", "facemesh.onnx"),
    "emotion": ("face-emotion", "emotion.onnx"),
    "centernet": ("centernet", "centernet.onnx"),
    "centernet, rewritten": ("centernet", "detector.onnx"),
    "faceres": ("faceres", "faceres.onnx"),
    "movenet-lightning": ("movenet", "movenet.onnx"),
}


@pytest.mark.models
@pytest.mark.parametrize("network", MODELS)
def test_imported_network_agrees_with_tensorflow_js(model_store, network):
    name, filename = MODELS[network]
    if not model_store.installed(name) and not model_store.manifest(name).default:
        pytest.skip(f"{name} is optional: assistant models pull {name}")
    recorded = network.partition(",")[0]
    session = OnnxRuntimeSession(model_store.file(name, filename))
    outputs = session.run({session.inputs[0].name: golden_input(recorded, GOLDEN / "astronaut.png")})
    golden = np.load(GOLDEN / f"{recorded}.npz")
    assert {f"{output}.shape" for output in outputs} <= set(golden)
    for output, values in outputs.items():
        assert list(values.shape) == golden[f"{output}.shape"].tolist()
        largest = np.abs(golden[output]).max()
        # Both compute in float32; another order of summation is all that may differ.
        np.testing.assert_allclose(subsample(values), golden[output], rtol=1e-4, atol=1e-5 * largest, err_msg=output)
