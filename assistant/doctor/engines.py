"""GPU, TensorRT and the engines: which networks run on them, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterator

import onnxruntime

from assistant.doctor.check import Check, Patient
from assistant.errors import AssistantError
from assistant.inference.engine_cache import EngineCache
from assistant.inference.fallback import EngineError
from assistant.inference.fingerprint import HostFingerprint, host_fingerprint
from assistant.inference.loader import default_cache
from assistant.inference.stack import SYSTEM, tensorrt_version

_NO_RECIPES = frozenset({"timing", "quarantine"})
_BUILD = "Build it again: assistant-export compile BUNDLE"
_BUILD_FOR_SERVICE = "Build it again: sudo systemctl start --no-block edge-assistant-engines"


def examine(patient: Patient) -> Iterator[Check]:
    """From the driver up. Without a GPU everything runs on the processor, which is no fault."""
    # The one for Azure is in every build and has no part in this.
    offered = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    providers = ", ".join(name for name in offered if name != "Azure")
    yield Check("onnxruntime", True, f"{onnxruntime.__version__} on {providers}")
    probe = SYSTEM.probe()
    if probe.problem:
        yield Check("NVIDIA GPU", True, f"{probe.problem} Everything runs on the processor.")
    else:
        gpus = ", ".join(f"{gpu.name} (compute capability {gpu.sm})" for gpu in probe.gpus)
        yield Check("NVIDIA GPU", True, f"{gpus}; the driver supports CUDA {probe.cuda}")
        yield from _tensorrt()
    yield from _engines(EngineCache(default_cache()), _BUILD_FOR_SERVICE if patient.is_service else _BUILD)


def _tensorrt() -> Iterator[Check]:
    try:
        yield Check("TensorRT", True, tensorrt_version(SYSTEM.tensorrt()))
        SYSTEM.cuda()
    except EngineError as error:
        yield Check("TensorRT", False, f"{error.reason.value}: {error.message}", error.remedy or "", needed=False)


def _engines(cache: EngineCache, build: str) -> Iterator[Check]:
    try:
        folders = sorted(cache.root.iterdir()) if cache.root.is_dir() else []
        recipes = [folder.name for folder in folders if folder.is_dir() and folder.name not in _NO_RECIPES]
    except OSError as error:
        # The service's engines are closed to whoever asks, root aside.
        found = f"{cache.root} cannot be read by you: {error.strerror}"
        yield Check("engines", False, found, "Use sudo to see them.", needed=False)
        return
    if not recipes:
        found = f"none built at {cache.root}; the networks run on onnxruntime"
        yield Check("engines", True, found)
        return
    try:
        host: HostFingerprint | None = host_fingerprint(SYSTEM)
    except EngineError:
        host = None
    for recipe in recipes:
        yield _engine(cache, recipe, host, build)


def _engine(cache: EngineCache, recipe: str, host: HostFingerprint | None, build: str) -> Check:
    name = f"engine {recipe}"
    try:
        choice = cache.choice(recipe)
        if choice is None:
            return Check(name, False, "not-built: no choice was made yet", build, needed=False)
        if host is None:
            return Check(name, False, "not used: this machine has no GPU with TensorRT", needed=False)
        if misfit := host.mismatch(choice.host):
            found = f"{misfit.reason.value}: {misfit.sentence}"
            return Check(name, False, found, misfit.remedy, needed=False)
        if choice.engine is None:
            # Measured here and found to be no gain: nothing is wrong.
            code = choice.reason_code.value if choice.reason_code else "no-engine"
            return Check(name, True, f"not used, {code}: {choice.reason}")
        sidecar = cache.sidecar(recipe, choice.engine)
        file = cache.engine(recipe, choice.engine)
        if sidecar is None or not file.is_file() or file.stat().st_size != sidecar.size:
            return Check(name, False, f"hash-mismatch: {file} is not what was built", build, needed=False)
    except AssistantError as error:
        return Check(name, False, error.message, error.remedy or build, needed=False)
    return Check(name, True, f"{choice.winner}, built {choice.built_at:%Y-%m-%d} in power mode {choice.power_mode}")
