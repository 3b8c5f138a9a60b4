"""The workstation toolchain: trained networks in, checked ONNX out. Importing it loads no heavy dependency."""

import os

# As in `assistant`: onnxruntime shall not report to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
