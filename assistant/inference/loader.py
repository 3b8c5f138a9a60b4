"""Opening a network on the best backend that this machine has for it: an engine, else onnxruntime and why.

The order: driver, TensorRT, choice, fingerprint, sidecar, then the engine's own hash, TensorRT's consent and the
tensors. Whatever does not hold is a `Fallback`; an engine that does not fit is quarantined and built again by whoever
listens to `rebuild`. A bundle without a usable file, or a model that onnxruntime refuses too, is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import platformdirs

from assistant.inference.bundle import Bundle, Precision
from assistant.inference.cuda import CudaError
from assistant.inference.cuda_failure import engine_error
from assistant.inference.engine_cache import EngineCache
from assistant.inference.engine_options import CompileOptions
from assistant.inference.engine_selection import load_engine, select_engine
from assistant.inference.fallback import EngineError, Fallback, FallbackReason
from assistant.inference.fingerprint import host_fingerprint
from assistant.inference.onnxruntime_session import CPU, OnnxRuntimeSession
from assistant.inference.opened_session import OpenedSession
from assistant.inference.stack import SYSTEM, DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession

_LOG = logging.getLogger(__name__)
_MISFITS = {
    FallbackReason.VERSION_MISMATCH,
    FallbackReason.GPU_MISMATCH,
    FallbackReason.HASH_MISMATCH,
    FallbackReason.SIDECAR_DAMAGED,
    FallbackReason.DESERIALIZE_FAILED,
    FallbackReason.CONTRACT_MISMATCH,
}
"""The engine itself is at fault: it is put away. Anything else may hold tomorrow."""
_BUILDABLE = _MISFITS | {FallbackReason.NOT_BUILT, FallbackReason.BUNDLE_CHANGED}
_CPU_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8-ort", "fp16", "int8-trt")


def default_cache() -> Path:
    """The user's engine cache."""
    return platformdirs.user_cache_path("edge-assistant") / "engines"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a network is opened."""

    backend: Literal["auto", "onnxruntime"] = "auto"
    threads: int = 1
    """CPU threads, where it runs on the CPU."""
    keep_memory: bool = False
    """See `OnnxRuntimeSession`."""
    outputs: tuple[str, ...] = ()
    """See `OnnxRuntimeSession`; an engine computes what it was built for."""
    providers: tuple[str, ...] = (CPU,)
    """onnxruntime's execution providers by preference; one that is not there is named, and the next one used."""
    cpu_precision: Precision = "fp32"
    """The bundle's file for onnxruntime, if it has it."""
    cache: Path = field(default_factory=default_cache)
    compilation: CompileOptions = field(default_factory=CompileOptions)


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """An engine that should be built while nobody waits for it."""

    bundle: Path
    cache: Path
    options: CompileOptions
    stack: DeviceStack
    because: Fallback


def ignore(_: object) -> None:
    """Nobody listens."""


def open_session(
    model: Path,
    options: SessionOptions | None = None,
    *,
    stack: DeviceStack = SYSTEM,
    on_fallback: Callable[[Fallback], None] = ignore,
    rebuild: Callable[[RebuildRequest], None] = ignore,
) -> OpenedSession:
    """Open an ONNX file or a bundle's folder.

    `on_fallback` hears every step down as it happens; `rebuild` is asked for an engine that is missing or does not
    fit, and must return at once (`assistant.inference.rebuild.BackgroundRebuilds`). Raises `ModelError` when not even
    onnxruntime takes the model.
    """
    opening = _Opening(model, options or SessionOptions(), stack, on_fallback, rebuild)
    return opening.best()


class _Opening:
    """One call of `open_session`."""

    def __init__(
        self,
        model: Path,
        options: SessionOptions,
        stack: DeviceStack,
        on_fallback: Callable[[Fallback], None],
        rebuild: Callable[[RebuildRequest], None],
    ) -> None:
        self._model, self._options, self._stack = model, options, stack
        self._on_fallback, self._rebuild = on_fallback, rebuild
        self._bundle = Bundle.open(model) if model.is_dir() else None
        self._fallbacks: list[Fallback] = []

    def best(self) -> OpenedSession:
        try:
            engine = self._open_engine()
        except EngineError as error:
            return self._without_engine(error.fallback)
        except CudaError as error:
            return self._without_engine(engine_error(error, self._model).fallback)
        return OpenedSession(engine, second_choice=self._without_engine)

    def _open_engine(self) -> TensorRtSession:
        """The engine. Raises `EngineError`; by then, a misfit is put away and its rebuild is asked for."""
        if self._options.backend == "onnxruntime":
            raise EngineError(FallbackReason.CONFIGURED, "The configuration asks for onnxruntime.")
        self._stack.gpu()
        if self._bundle is None:
            raise EngineError(
                FallbackReason.NO_BUNDLE,
                f"{self._model} is a plain ONNX file: there is nothing to check an engine against.",
                remedy="Make a bundle of it: assistant-export build RECIPE",
            )
        host = host_fingerprint(self._stack)
        cache = EngineCache(self._options.cache)
        recipe = self._bundle.manifest.recipe
        judged = cache.state(recipe)
        try:
            digest, sidecar = select_engine(self._bundle, cache, host, self._options.compilation)
            return load_engine(cache.engine(recipe, digest), sidecar, self._bundle, self._stack)
        except EngineError as error:
            if error.reason in _MISFITS:
                cache.quarantine(recipe, error.fallback, judged)
            if error.reason in _BUILDABLE:
                self._rebuild(self._request(error.fallback))
            raise

    def _request(self, because: Fallback) -> RebuildRequest:
        options = self._options
        return RebuildRequest(self._model, options.cache, options.compilation, self._stack, because)

    def _without_engine(self, fallback: Fallback) -> OpenedSession:
        self._step_down(fallback)
        path = self._model if self._bundle is None else _cpu_file(self._bundle, self._options.cpu_precision)
        options = self._options
        providers = options.providers or (CPU,)
        while True:
            try:
                session = OnnxRuntimeSession(
                    path,
                    threads=options.threads,
                    keep_memory=options.keep_memory,
                    providers=providers,
                    outputs=options.outputs,
                )
            except EngineError as error:
                if len(providers) == 1:
                    raise
                self._step_down(error.fallback)
                providers = providers[1:]
            else:
                return OpenedSession(session, tuple(self._fallbacks))

    def _step_down(self, fallback: Fallback) -> None:
        _LOG.debug("%s: %s: %s", self._model, fallback.reason.value, fallback)
        self._fallbacks.append(fallback)
        self._on_fallback(fallback)


def _cpu_file(bundle: Bundle, preferred: Precision) -> Path:
    """The file for onnxruntime: the preferred precision, else the most exact that was shipped."""
    shipped = {variant.precision for variant in bundle.manifest.variants}
    return bundle.onnx(next(precision for precision in (preferred, *_CPU_PRECISIONS) if precision in shipped))
