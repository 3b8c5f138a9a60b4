"""Writing text on engines, whose outputs are only valid until the next call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.inference.engine_plan import BuildSettings, build_engine
from assistant.inference.generation import TextGenerator
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.inference.tensorrt_session import TensorRtSession
from export.generator.checkpoint import read_generator
from export.generator.decoder_graph import decoder_graph
from export.generator.encoder_graph import encoder_graph
from export.onnx_file import write_onnx
from tests.doubles.tensorrt_module import VERSIONS
from tests.doubles.tensorrt_stack import STACKS

GOLDEN = Path(__file__).parents[1] / "export" / "golden" / "generators"


@pytest.mark.parametrize("version", VERSIONS)
def test_engines_write_what_onnxruntime_writes(version: str, tmp_path: Path) -> None:
    checkpoint, stack = read_generator(GOLDEN / "vit-gpt2"), STACKS[version]
    graphs = {
        "encoder": encoder_graph(checkpoint.encoder_weights(), checkpoint.encoder, checkpoint.decoder),
        "decoder": decoder_graph(checkpoint.decoder_weights(), checkpoint.decoder, checkpoint.encoder),
    }
    for name, graph in graphs.items():
        write_onnx(graph, tmp_path / f"{name}.onnx")
        build_engine(tmp_path / f"{name}.onnx", tmp_path / f"{name}.engine", BuildSettings(), stack)
    engines = [TensorRtSession(tmp_path / f"{name}.engine", stack=stack) for name in graphs]
    sessions = [OnnxRuntimeSession(tmp_path / f"{name}.onnx") for name in graphs]
    with np.load(GOLDEN / "vit-gpt2" / "expected.npz") as recorded:
        pictures = [{"pixel_values": item[np.newaxis]} for item in recorded["input"]]
    with TextGenerator(*engines, checkpoint.rules) as fast, TextGenerator(*sessions, checkpoint.rules) as plain:
        for picture in pictures[:3]:
            assert fast.greedy(picture, max_new_tokens=12) == plain.greedy(picture, max_new_tokens=12)
            assert fast.beam(picture, 3, max_new_tokens=12) == plain.beam(picture, 3, max_new_tokens=12)
