"""The on-device runtime of Edge Assistant. Importing it loads no heavy dependency; its one effect is on privacy."""

import os

# Nothing leaves the device. The official builds of onnxruntime report to their maker unless this is set before they are
# loaded, here or in a child process: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
