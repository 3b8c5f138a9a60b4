"""Networks that the model store holds as ONNX, made static and ready for TensorRT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assistant.models.store import ModelStore
from export.onnx_file import fix_sizes, pin_versions, read_onnx, refuse_dynamic, simplify, write_onnx
from export.recipe import Card, Network, card_of
from export.reference import exact_network


def stored_card(model: str, *, labels_output: str = "") -> Callable[[ModelStore], Card]:
    """`Recipe.card` from a `model.toml`."""
    return lambda store: card_of(store.manifest(model), labels_output=labels_output)


def stored_files(*files: tuple[str, str]) -> Callable[[ModelStore], Sequence[Path]]:
    """`Recipe.sources`: (model, file) pairs of the store."""
    return lambda store: [store.file(model, name) for model, name in files]


def export_static(sizes: Mapping[str, int] | None = None) -> Callable[[Sequence[Path], Path], None]:
    """`Recipe.export` of an ONNX file: its named sizes fixed, what is constant computed, versions pinned."""

    def export(sources: Sequence[Path], target: Path) -> None:
        model = fix_sizes(read_onnx(sources[0], static=False), sizes or {})
        refuse_dynamic(sources[0], model)
        model = simplify(model)
        pin_versions(model)
        write_onnx(model, target)

    return export


def stored_network(sources: Sequence[Path]) -> Network:
    """`Recipe.reference`: the file as it came."""
    return exact_network(sources[0])
