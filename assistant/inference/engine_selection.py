"""Which engine of the cache belongs to a bundle on this machine, and whether it does."""

from __future__ import annotations

from pathlib import Path

from assistant.inference.bundle import Bundle
from assistant.inference.contract import contract_violation
from assistant.inference.engine_cache import EngineCache, Sidecar, bundle_sha256
from assistant.inference.engine_options import CompileOptions
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.fingerprint import HostFingerprint
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession


def select_engine(
    bundle: Bundle, cache: EngineCache, host: HostFingerprint, options: CompileOptions
) -> tuple[str, Sidecar]:
    """The engine that was chosen for this bundle on this machine: its digest and sidecar. Reads three small files.

    Raises `EngineError` with the reason why there is none.
    """
    recipe = bundle.manifest.recipe
    choice = cache.choice(recipe)
    if choice is None:
        raise EngineError(
            FallbackReason.NOT_BUILT,
            f"No engine of '{recipe}' has been built on this machine.",
            remedy=f"Build it: assistant-export compile {bundle.path}",
        )
    if misfit := host.mismatch(choice.host):
        raise EngineError(misfit.reason, misfit.sentence, remedy=misfit.remedy)
    if choice.bundle_sha256 != bundle_sha256(bundle) or choice.options != options.as_json():
        raise EngineError(
            FallbackReason.BUNDLE_CHANGED,
            f"The engine of '{recipe}' was built from another version of the bundle, or with other options.",
            remedy=f"Build it again: assistant-export compile {bundle.path}",
        )
    if choice.engine is None:
        raise EngineError(
            choice.reason_code or FallbackReason.BUILD_FAILED,
            choice.reason,
            remedy=f"Try again when that is cured: assistant-export compile {bundle.path}",
        )
    sidecar = cache.sidecar(recipe, choice.engine)
    engine = cache.engine(recipe, choice.engine)
    if sidecar is None or sidecar.key.digest != choice.engine:
        raise EngineError(
            FallbackReason.SIDECAR_DAMAGED, f"The sidecar of {engine} is missing or another's.", remedy="It is rebuilt."
        )
    size = engine.stat().st_size if engine.is_file() else 0
    if size != sidecar.size:
        raise EngineError(
            FallbackReason.HASH_MISMATCH,
            f"The engine {engine} is truncated or missing: expected {sidecar.size:,} bytes, got {size:,}.",
            remedy="It is rebuilt.",
        )
    return choice.engine, sidecar


def load_engine(path: Path, sidecar: Sidecar, bundle: Bundle, stack: DeviceStack) -> TensorRtSession:
    """Open it, bytes and tensors checked. Raises `EngineError`."""
    session = TensorRtSession(path, sha256=sidecar.sha256, stack=stack)
    if violation := contract_violation(session, bundle.manifest):
        session.close()
        raise EngineError(FallbackReason.CONTRACT_MISMATCH, violation, remedy="It is rebuilt.")
    return session
