"""What the classes of the TensorRT double do. Networks run on onnxruntime, on what lies in the fake GPU's memory.

Only `tensorrt_module.py` makes classes of these: it hides every member that a version does not have. Members that are
plain values are annotated. An engine is a JSON header, the ONNX file and a SHA-256 of both.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.doubles.cuda import FakeCuda
from tests.doubles.faults import fault, strike

_MAGIC = b"fake-engine\n"
_TYPES = {
    TensorProto.FLOAT: "FLOAT",
    TensorProto.FLOAT16: "HALF",
    TensorProto.INT8: "INT8",
    TensorProto.UINT8: "UINT8",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.BOOL: "BOOL",
    TensorProto.BFLOAT16: "BF16",
}


@dataclass(eq=False)
class Platform:
    """What a module runs on."""

    module: Any
    version: str
    cuda: FakeCuda
    sm: str


class ILogger:
    def __init__(self) -> None:
        pass


def _say(logger: Any, message: str) -> None:
    logger.log(logger.Severity.ERROR, message)


class IHostMemory:
    _platform: Platform

    @property
    def nbytes(self) -> int:
        return bytes.__len__(self)  # type: ignore[arg-type]


class ITensor:
    _platform: Platform
    name: str
    shape: tuple[int, ...]


class INetworkDefinition:
    _platform: Platform

    def __init__(self) -> None:
        self._model: Any = None
        self._file = ""

    @property
    def num_inputs(self) -> int:
        return len(self._model.graph.input)

    def get_input(self, index: int) -> Any:
        value = self._model.graph.input[index]
        tensor = self._platform.module.ITensor()
        tensor.name = value.name
        tensor.shape = _shape(value)
        return tensor


class ParserError:
    _platform: Platform

    def __init__(self, desc: str, node: str, operator: str) -> None:
        self._facts = desc, node, operator

    def desc(self) -> str:
        return self._facts[0]

    def node_name(self) -> str:
        return self._facts[1]

    def node_operator(self) -> str:
        return self._facts[2]


class OnnxParser:
    _platform: Platform

    def __init__(self, network: Any, logger: Any) -> None:
        self._network, self._logger = network, logger
        self._errors: list[Any] = []

    def parse_from_file(self, path: str) -> bool:
        assert isinstance(path, str), "the real parser takes no Path"
        error = self._platform.module.ParserError
        if fault("parse", file=Path(path).name) == "refuse":
            self._errors = [error("no importer registered for op: Frobnicate", "/body/frobnicate", "Frobnicate")]
            return False
        try:
            self._network._model = onnx.load(path)
        except Exception as problem:
            self._errors = [error(f"Failed to parse the ONNX model: {problem}", "", "")]
            return False
        self._network._file = Path(path).name
        return True

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> Any:
        return self._errors[index]


class ITimingCache:
    _platform: Platform

    def __init__(self, content: bytes) -> None:
        self._content = content

    def serialize(self) -> Any:
        return self._platform.module.IHostMemory(self._content + b".")


class IOptimizationProfile:
    _platform: Platform

    def __init__(self) -> None:
        self._shapes: dict[str, list[list[int]]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[input] = [list(min), list(opt), list(max)]


class IBuilderConfig:
    _platform: Platform
    default_device_type: Any
    DLA_core: int

    def __init__(self) -> None:
        self._limits: dict[Any, int] = {}
        self._flags: set[str] = set()
        self._cache: Any = None
        self._profiles: list[Any] = []

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        self._limits[pool] = pool_size

    def set_flag(self, flag: Any) -> None:
        assert isinstance(flag, self._platform.module.BuilderFlag)
        self._flags.add(flag.name)

    def create_timing_cache(self, serialized: bytes) -> Any:
        return self._platform.module.ITimingCache(serialized)

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache

    def add_optimization_profile(self, profile: Any) -> int:
        self._profiles.append(profile)
        return len(self._profiles) - 1


class Builder:
    _platform: Platform

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def create_network(self, flags: int) -> Any:
        strongly_typed = 1 << int(self._platform.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        assert flags == strongly_typed, "precision is baked into the file: networks must be strongly typed"
        return self._platform.module.INetworkDefinition()

    def create_builder_config(self) -> Any:
        return self._platform.module.IBuilderConfig()

    def create_optimization_profile(self) -> Any:
        return self._platform.module.IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        workspace = config._limits[self._platform.module.MemoryPoolType.WORKSPACE]
        what = fault("build", file=network._file, workspace=workspace)
        strike(what)
        if what == "none":
            _say(self._logger, "[graphShapeAnalyzer.cpp] Error Code 4: Internal Error")
            return None
        if what == "out-of-memory":
            _say(self._logger, "Error Code 2: OutOfMemory (Requested size was 8388608 bytes.)")
            return None
        profiles = config._profiles[0]._shapes if config._profiles else {}
        for value in network._model.graph.input:
            if min(_shape(value), default=0) < 0 and value.name not in profiles:
                _say(self._logger, f"Network has dynamic or shape inputs, but no optimization profile: {value.name}")
                return None
        header = {
            "version": self._platform.version,
            "sm": self._platform.sm,
            "file": network._file,
            "profiles": profiles,
            "flags": sorted(config._flags),
        }
        body = json.dumps(header).encode() + b"\n" + network._model.SerializeToString()
        return self._platform.module.IHostMemory(_MAGIC + hashlib.sha256(body).hexdigest().encode() + body)


class Runtime:
    _platform: Platform

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
        blob = bytes(serialized_engine)
        body = blob[len(_MAGIC) + 64 :]
        intact = blob.startswith(_MAGIC) and blob[len(_MAGIC) :][:64] == hashlib.sha256(body).hexdigest().encode()
        header_line, _, model = body.partition(b"\n")
        header = json.loads(header_line) if intact else {}
        what = fault("deserialize", file=header.get("file", ""))
        strike(what)
        if not intact:
            _say(self._logger, "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (magicTag mismatch)")
        elif what == "none":
            _say(self._logger, "Error Code 1: Internal Error (Failed to load the plan)")
        elif header["version"] != self._platform.version:
            _say(
                self._logger,
                "The engine plan file is not compatible with this version of TensorRT, expecting library version "
                f"{self._platform.version} got {header['version']}, please rebuild.",
            )
        elif header["sm"] != self._platform.sm:
            _say(
                self._logger,
                "The engine plan file is generated on an incompatible device, expecting compute "
                f"{self._platform.sm} got compute {header['sm']}, please rebuild.",
            )
        else:
            return self._platform.module.ICudaEngine(onnx.load_model_from_string(model), header, self._logger)
        return None


class ICudaEngine:
    _platform: Platform

    def __init__(self, model: Any, header: dict[str, Any], logger: Any) -> None:
        self._model, self._header, self._logger = model, header, logger
        graph = model.graph
        self._inputs = {value.name: value for value in graph.input}
        self._values = {value.name: value for value in (*graph.input, *graph.output)}

    @property
    def num_io_tensors(self) -> int:
        return len(self._values)

    def get_tensor_name(self, index: int) -> str:
        return str(list(self._values)[index])

    def get_tensor_mode(self, name: str) -> Any:
        mode = self._platform.module.TensorIOMode
        return mode.INPUT if name in self._inputs else mode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return self._platform.module.DataType[_TYPES[self._values[name].type.tensor_type.elem_type]]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return _shape(self._values[name])

    def is_shape_inference_io(self, name: str) -> bool:
        return False

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[list[int]]:
        assert profile_index == 0
        return self._header["profiles"].get(name, [list(_shape(self._values[name]))] * 3)  # type: ignore[no-any-return]

    def create_execution_context(self) -> Any:
        if fault("context", file=self._header["file"]) == "none":
            _say(self._logger, "Error Code 2: OutOfMemory (no further information)")
            return None
        return self._platform.module.IExecutionContext(self)


class IExecutionContext:
    _platform: Platform

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._addresses: dict[str, int] = {}
        self._shapes = {name: _shape(value) for name, value in engine._inputs.items()}
        import onnxruntime as ort  # late: a process that only builds does without

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # onnxruntime's fusions miscompute some mixed-precision graphs on the CPU.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        self._session = ort.InferenceSession(
            engine._model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        low, _, high = self._engine.get_tensor_profile_shape(name, 0)
        fits = len(shape) == len(low) and all(a <= size <= b for a, size, b in zip(low, shape, high, strict=True))
        if fits:
            self._shapes[name] = tuple(shape)
        else:
            _say(self._engine._logger, f"Static dimension mismatch while setting input shape for {name}.")
        return fits

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        if name in self._shapes:
            return self._shapes[name]
        sizes = {
            dimension.dim_param: size
            for input_name, value in self._engine._inputs.items()
            for dimension, size in zip(value.type.tensor_type.shape.dim, self._shapes[input_name], strict=True)
            if dimension.dim_param
        }
        dimensions = self._engine._values[name].type.tensor_type.shape.dim
        return tuple(
            sizes.get(dimension.dim_param, -1) if dimension.dim_param else dimension.dim_value
            for dimension in dimensions
        )

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._addresses[name] = memory
        return name in self._engine._values

    def execute_async_v3(self, stream_handle: int) -> bool:
        missing = self._engine._values.keys() - self._addresses.keys()
        if missing or any(size < 0 for shape in self._shapes.values() for size in shape):
            _say(self._engine._logger, f"Address or shape is not set: {', '.join(sorted(missing))}")
            return False
        what = fault("execute", file=self._engine._header["file"])
        if what == "fail":
            _say(self._engine._logger, "Error Code 1: Cuda Runtime (an illegal memory access was encountered)")
            return False
        shapes = dict(self._shapes)
        self._platform.cuda.enqueue(stream_handle, lambda: self._execute(shapes, what))
        return True

    def _execute(self, shapes: dict[str, tuple[int, ...]], what: str | None) -> None:
        strike(what)
        cuda = self._platform.cuda
        feeds = {}
        for name, shape in shapes.items():
            dtype = _numpy_type(self._engine._values[name])
            content = cuda.read(self._addresses[name], math.prod(shape) * dtype.itemsize)
            feeds[name] = content.view(dtype).reshape(shape).copy()
        names = [value.name for value in self._engine._model.graph.output]
        for name, result in zip(names, self._session.run(names, feeds), strict=True):
            if what == "noise":
                result = result + np.random.default_rng(0).normal(0, np.abs(result).max() + 1, result.shape)
            elif what == "nan":
                result = np.full_like(result, np.nan)
            content = np.ascontiguousarray(result, _numpy_type(self._engine._values[name]))
            cuda.write(self._addresses[name], content.reshape(-1).view(np.uint8))


def _shape(value: Any) -> tuple[int, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(-1 if dimension.dim_param else dimension.dim_value for dimension in dimensions)


def _numpy_type(value: Any) -> Any:
    return np.dtype(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
