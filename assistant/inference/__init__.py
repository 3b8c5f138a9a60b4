"""Loaded networks behind one port, `assistant.ports.InferenceSession`."""

BACKENDS = {
    "onnxruntime": "assistant.inference.onnxruntime_session:OnnxRuntimeSession",
    "tensorrt": "assistant.inference.tensorrt_session:TensorRtSession",
}
