"""One engine from one ONNX file, in this process. `engine_build` runs it in a child.

The precision is baked into the file (Q/DQ, FP16 casts) and the network is strongly typed: the only way that TensorRT
10.3, 10.13 and 11.4 share, and the only one where what was checked is what runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.atomic import replace_file
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_log import TensorRtLog, log_of

DEFAULT_WORKSPACE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class ProfileShapes:
    """The shapes that an input with a dynamic axis may have."""

    smallest: tuple[int, ...]
    optimum: tuple[int, ...]
    """The one that tactics are chosen for."""
    largest: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What a build may be told."""

    workspace_bytes: int = DEFAULT_WORKSPACE_BYTES
    """Scratch memory that a layer's tactic may use."""
    profiles: Mapping[str, ProfileShapes] = field(default_factory=dict)
    """By input; every input with a dynamic axis needs one."""
    flags: tuple[str, ...] = ()
    """Names of `tensorrt.BuilderFlag`s."""
    dla_core: int | None = None
    """Deep-learning accelerator to use, with the GPU for what it cannot do."""


class WorkspaceError(EngineError):
    """TensorRT ran out of memory while it built: less workspace may help."""


def build_engine(
    onnx: Path, engine: Path, settings: BuildSettings, stack: DeviceStack, *, timing_cache: Path | None = None
) -> None:
    """Build `engine`, whole or not at all; `timing_cache` is read if there and written.

    Raises `EngineError` with what TensorRT said, `WorkspaceError` when memory was short, `OSError` when the disk is
    full.
    """
    tensorrt = stack.tensorrt()
    log = log_of(tensorrt)
    with log.collecting():
        builder = tensorrt.Builder(log.logger)
        strongly_typed = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        network = builder.create_network(strongly_typed)
        parser = tensorrt.OnnxParser(network, log.logger)
        if not parser.parse_from_file(str(onnx)):
            raise _parse_error(onnx, parser)
        config = _configure(tensorrt, builder, network, settings, onnx)
        cache = _use_timing_cache(config, timing_cache)
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise _build_error(onnx, settings, log)
    with replace_file(engine) as temporary:
        temporary.write_bytes(plan)
    if timing_cache is not None and cache is not None:
        # Only saves time, so that a full disk is no reason to lose the engine.
        with contextlib.suppress(OSError), replace_file(timing_cache) as temporary:
            temporary.write_bytes(cache.serialize())


def _configure(tensorrt: Any, builder: Any, network: Any, settings: BuildSettings, onnx: Path) -> Any:
    config = builder.create_builder_config()
    config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, settings.workspace_bytes)
    for flag in settings.flags:
        config.set_flag(getattr(tensorrt.BuilderFlag, flag))
    if settings.dla_core is not None:
        config.default_device_type = tensorrt.DeviceType.DLA
        config.DLA_core = settings.dla_core
        config.set_flag(tensorrt.BuilderFlag.GPU_FALLBACK)
    dynamic = [tensor for tensor in _inputs(network) if any(size < 0 for size in tensor.shape)]
    if dynamic:
        profile = builder.create_optimization_profile()
        for tensor in dynamic:
            if tensor.name not in settings.profiles:
                raise EngineError(
                    FallbackReason.BUILD_FAILED,
                    f"The input '{tensor.name}' of {onnx} has a dynamic axis {tuple(tensor.shape)} and no profile.",
                    remedy="Name its smallest, best and largest shape, or export it with a static one.",
                )
            shapes = settings.profiles[tensor.name]
            profile.set_shape(tensor.name, shapes.smallest, shapes.optimum, shapes.largest)
        config.add_optimization_profile(profile)
    return config


def _inputs(network: Any) -> list[Any]:
    return [network.get_input(index) for index in range(network.num_inputs)]


def _use_timing_cache(config: Any, path: Path | None) -> Any:
    """The cache that the build fills, None where TensorRT takes none."""
    if path is None:
        return None
    cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
    if cache is None or not config.set_timing_cache(cache, False):
        return None
    return cache


def _parse_error(onnx: Path, parser: Any) -> EngineError:
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    reasons = "; ".join(
        f"{error.desc()} (node '{error.node_name()}', {error.node_operator()})" if error.node_name() else error.desc()
        for error in errors
    )
    return EngineError(
        FallbackReason.BUILD_FAILED,
        f"TensorRT cannot read {onnx}: {reasons or 'it gave no reason'}.",
        remedy=f"See what it takes: assistant-export lint {onnx}",
    )


def _build_error(onnx: Path, settings: BuildSettings, log: TensorRtLog) -> EngineError:
    said = log.said()
    what = f"TensorRT built no engine from {onnx} with {settings.workspace_bytes >> 20} MiB of workspace: {said}."
    if "memory" in said.lower():
        return WorkspaceError(FallbackReason.OUT_OF_MEMORY, what, remedy="Free memory on the device.")
    return EngineError(FallbackReason.BUILD_FAILED, what, remedy=f"See what it takes: assistant-export lint {onnx}")
