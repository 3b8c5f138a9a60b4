"""Networks on TensorRT: an engine file that this GPU and this TensorRT version made.

One way through the API that TensorRT 10.3, 10.13 and 11.4 share. All memory is allocated at load; a call copies its
inputs to page-locked memory, runs, and returns views of page-locked memory. Static shapes run as one CUDA graph.
"""

from __future__ import annotations

import contextlib
import logging
import math
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from assistant.errors import ModelError
from assistant.inference.cuda import CudaDriver, CudaError
from assistant.inference.cuda_failure import engine_error
from assistant.inference.engine_file import REBUILD, read_engine
from assistant.inference.engine_tensors import EngineTensor, TensorBuffer, engine_tensors
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.stack import SYSTEM, DeviceStack, tensorrt_version
from assistant.inference.tensorrt_log import log_of
from assistant.ports import Tensor

_LOG = logging.getLogger(__name__)
_WARM_UP_RUNS = 2
"""The first run loads kernels lazily; the second also settles what the first deferred, as a capture needs."""


class TensorRtSession:
    """One engine on the first GPU."""

    backend = "tensorrt"

    def __init__(
        self, path: Path, *, sha256: str | None = None, stack: DeviceStack = SYSTEM, use_graph: bool = True
    ) -> None:
        """Load `path` and run it twice on zeros. With `sha256`, its bytes must have that hash.

        Raises `EngineError` with the reason: no driver, no TensorRT, another hash, refused by TensorRT, out of memory.
        """
        self._resources = ExitStack()
        self._graph: int | None = None
        self._closed = False
        serialized = read_engine(path, sha256)
        self._tensorrt = stack.tensorrt()
        self._log = log_of(self._tensorrt)
        self._cuda = stack.cuda()
        # A session that nobody closes must not keep its part of the GPU until the process ends.
        self._free = weakref.finalize(self, _free, self._cuda, self._resources)
        self._free.atexit = False  # by then CUDA may be gone
        try:
            with self._cuda.active():
                self._load(serialized, path)
                self._warm_up()
                if use_graph:
                    self._capture()
        except BaseException as error:
            with contextlib.suppress(CudaError):  # after a failure that spoils the context nothing can be freed either
                self.close()
            if isinstance(error, CudaError):
                raise engine_error(error, path) from error
            raise

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name; the arrays are valid until the next call. Raises `ModelError` for feeds that do not fit,
        `EngineError` when the GPU fails."""
        if self._closed:
            raise ModelError("The engine was closed.", remedy="Open it again.")
        try:
            with self._cuda.active():
                self._fill(feeds)
                if self._graph is not None:
                    self._cuda.launch(self._graph, self._stream)
                else:
                    self._enqueue()
                self._finish()
        except CudaError as error:
            raise engine_error(error, self._path) from error
        return {buffer.name: buffer.array for buffer in self._outputs}

    @property
    def uses_graph(self) -> bool:
        """Whether a call is one CUDA graph."""
        return self._graph is not None

    def close(self) -> None:
        """Free everything on the GPU; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        try:
            self._free()
        finally:
            with self._cuda.active():
                self._drop()

    def __enter__(self) -> TensorRtSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, serialized: bytes, path: Path) -> None:
        self._path = path
        with self._log.collecting():
            self._runtime = self._tensorrt.Runtime(self._log.logger)
            self._engine = self._runtime.deserialize_cuda_engine(serialized)
            if self._engine is None:
                raise self._refused(f"TensorRT {tensorrt_version(self._tensorrt)} does not accept the engine {path}")
            self._context = self._engine.create_execution_context()
            if self._context is None:
                raise self._refused(f"TensorRT gives no execution context for the engine {path}")
        tensors = engine_tensors(self._tensorrt, self._engine)
        self.inputs = tuple(tensor.spec for tensor in tensors if tensor.is_input)
        self.outputs = tuple(tensor.spec for tensor in tensors if not tensor.is_input)
        self._is_static = all(tensor.is_static for tensor in tensors)
        self._stream = self._cuda.create_stream()
        self._resources.callback(self._cuda.destroy_stream, self._stream)
        self._done = self._cuda.create_event()
        self._resources.callback(self._cuda.destroy_event, self._done)
        self._allocate(tensors)

    def _drop(self) -> None:
        """The context first: each refers to the one before."""
        for name in ("_context", "_engine", "_runtime"):
            self.__dict__.pop(name, None)

    def _allocate(self, tensors: tuple[EngineTensor, ...]) -> None:
        """Buffers for the largest shapes that there can be."""
        inputs = [tensor for tensor in tensors if tensor.is_input]
        for tensor in inputs:
            self._set_shape(tensor.spec.name, tensor.largest)
        self._inputs = [self._buffer(tensor, math.prod(tensor.largest)) for tensor in inputs]
        # Known once the inputs have their largest shape; negative where it depends on the data.
        self._outputs = [
            self._buffer(tensor, self._output_elements(tensor.spec.name)) for tensor in tensors if not tensor.is_input
        ]
        self._by_name = {buffer.name: buffer for buffer in self._inputs}
        self._shape_outputs()

    def _buffer(self, tensor: EngineTensor, elements: int) -> TensorBuffer:
        buffer = TensorBuffer(self._cuda, tensor, elements * tensor.spec.dtype.itemsize, self._resources)
        if not self._context.set_tensor_address(buffer.name, buffer.address):
            raise self._refused(f"TensorRT refuses the address of the tensor '{buffer.name}' of {self._path}")
        return buffer

    def _output_elements(self, name: str) -> int:
        shape = tuple(int(size) for size in self._context.get_tensor_shape(name))
        if any(size < 0 for size in shape):
            raise EngineError(
                FallbackReason.CONTRACT_MISMATCH,
                f"The shape of the output '{name}' of {self._path} depends on the data, which is not supported.",
                remedy="Export the network without NonZero, NonMaxSuppression and their like at its end.",
            )
        return math.prod(shape)

    def _set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        with self._log.collecting():
            if not self._context.set_input_shape(name, shape):
                raise ModelError(
                    f"The engine {self._path} does not take '{name}' of shape {shape}: {self._log.said()}.",
                    remedy="Its optimization profile names the shapes that it takes.",
                )

    def _shape_outputs(self) -> None:
        for buffer in self._outputs:
            buffer.reshape(tuple(int(size) for size in self._context.get_tensor_shape(buffer.name)))

    def _fill(self, feeds: Mapping[str, Tensor]) -> None:
        if feeds.keys() != self._by_name.keys():
            raise ModelError(
                f"The engine {self._path} takes {', '.join(self._by_name)}; got {', '.join(feeds) or 'nothing'}.",
                remedy="Feed every input by its name.",
            )
        reshaped = False
        for buffer in self._inputs:
            array = feeds[buffer.name]
            spec = buffer.tensor.spec
            if array.dtype != spec.dtype or (buffer.tensor.is_static and array.shape != spec.shape):
                raise ModelError(
                    f"The input '{buffer.name}' of {self._path} must be {spec.dtype} {spec.shape}; "
                    f"got {array.dtype} {array.shape}.",
                    remedy="Convert it first.",
                )
            if array.shape != buffer.shape:
                self._set_shape(buffer.name, array.shape)
                buffer.reshape(array.shape)
                reshaped = True
            buffer.array[...] = array
        if reshaped:
            self._shape_outputs()

    def _enqueue(self) -> None:
        """Queue copies in, execution and copies out."""
        for buffer in self._inputs:
            self._cuda.copy_to_device(buffer.address, buffer.bytes, self._stream)
        with self._log.collecting():
            if not self._context.execute_async_v3(self._stream):
                what = f"The engine {self._path} failed: {self._log.said()}."
                raise EngineError(FallbackReason.CUDA_FAILED, what, remedy=REBUILD)
        for buffer in self._outputs:
            self._cuda.copy_to_host(buffer.bytes, buffer.address, self._stream)

    def _finish(self) -> None:
        self._cuda.record(self._done, self._stream)
        self._cuda.wait(self._done)

    def _warm_up(self) -> None:
        for buffer in self._inputs:
            if buffer.shape != buffer.tensor.optimum:
                self._set_shape(buffer.name, buffer.tensor.optimum)
                buffer.reshape(buffer.tensor.optimum)
        self._shape_outputs()
        for _ in range(_WARM_UP_RUNS):
            self._enqueue()
            self._finish()

    def _capture(self) -> None:
        """Record a call as a graph; where that fails, calls are queued one by one as before."""
        if not (self._is_static and self._cuda.supports_graphs):
            return
        self._cuda.begin_capture(self._stream)
        try:
            try:
                self._enqueue()
            finally:
                graph = self._cuda.end_capture(self._stream)
        except (CudaError, EngineError) as error:
            _LOG.info("%s runs without a CUDA graph: %s", self._path.name, error.message)
            return
        self._graph = graph
        self._resources.callback(self._cuda.destroy_graph, graph)

    def _refused(self, what: str) -> EngineError:
        said = self._log.said()
        out_of_memory = "memory" in said.lower()
        return EngineError(
            FallbackReason.OUT_OF_MEMORY if out_of_memory else FallbackReason.DESERIALIZE_FAILED,
            f"{what}: {said}.",
            remedy="Free memory on the device." if out_of_memory else REBUILD,
        )


def _free(cuda: CudaDriver, resources: ExitStack) -> None:
    """Give back buffers, stream and graph."""
    with cuda.active():
        resources.close()
