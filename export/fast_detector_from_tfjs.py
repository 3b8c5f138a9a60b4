"""The object detector as the running assistant wants it: what it does not ask for is not there, the rest is rewritten.

The exporter starts from the network as it came (`export.onnx_from_tfjs`), with all of its outputs.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx.utils import Extractor

from assistant.atomic import replace_file
from export.onnx_from_tfjs import convert
from export.rewrite import rewrite
from export.tfjs.graph_model import read_graph_model

_OUTPUT = "tower_0/detections"


def convert_file(source: Path, target: Path) -> None:
    """Write `target` (ONNX) from `source`, a model.json with its .bin files beside it.

    Raises `ConversionError` when the files are damaged or an operator is unknown; then `target` is left as it was.
    """
    whole = convert(read_graph_model(source))
    rewrite(whole)
    # onnxruntime computes every output that a graph has, whichever are fetched.
    model = Extractor(whole).extract_model([item.name for item in whole.graph.input], [_OUTPUT])
    onnx.checker.check_model(model, full_check=True)
    with replace_file(target) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
