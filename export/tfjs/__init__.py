"""Reading TensorFlow.js graph models and rewriting them as ONNX, one operator at a time."""
