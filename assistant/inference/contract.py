"""Whether a loaded network has the tensors that its bundle promises."""

from __future__ import annotations

from assistant.inference.bundle import BundleManifest
from assistant.models.manifest import Tensor as TensorContract
from assistant.ports import InferenceSession, TensorSpec


def contract_violation(session: InferenceSession, manifest: BundleManifest) -> str | None:
    """The first difference in words, None if there is none. Names of dynamic axes do not count."""
    for side, promised, got in (
        ("inputs", manifest.inputs, session.inputs),
        ("outputs", manifest.outputs, session.outputs),
    ):
        expected = {tensor.name: _form(tensor) for tensor in promised}
        found = {tensor.name: _form(tensor) for tensor in got}
        if expected != found:
            return f"The {side} of the network do not match: expected {_words(expected)}, got {_words(found)}."
    return None


def _form(tensor: TensorContract | TensorSpec) -> str:
    return f"{tensor.dtype} [{', '.join(str(size) if isinstance(size, int) else '?' for size in tensor.shape)}]"


def _words(forms: dict[str, str]) -> str:
    return ", ".join(f"'{name}' {form}" for name, form in sorted(forms.items())) or "none"
