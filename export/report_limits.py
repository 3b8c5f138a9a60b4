"""What a report says was not checked, or not by everything that could have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assistant.inference.bundle import BundleManifest
from export.lint.tensorrt_rtx import INTERRUPTED, UNFINISHED
from export.lint.tensorrt_rtx import RULE as TENSORRT_RTX
from export.samples import OTHER_VIEWS, SAME_SAMPLES

_NOT_CHECKED = (
    "No engine was built and nothing ran on a GPU or a Jetson: that is `assistant-export compile`, on the device.",
    "Latencies are of the machine that is named with them. They say nothing about another one.",
    "int8-trt is for TensorRT alone, so it has no latency here. It was compared with the source network by onnxruntime "
    "with its optimizations off, which is how TensorRT is meant to compute it; "
    "an engine may round differently, so the device compares it with the golden pairs again.",
)


def limits_of(manifest: BundleManifest, findings: Mapping[str, Any]) -> Sequence[str]:
    """A paragraph each; `findings` are those of the lint by precision."""
    return (*_NOT_CHECKED, _parser_limit(manifest, findings), *_calibration_limits(manifest))


def _parser_limit(manifest: BundleManifest, findings: Mapping[str, Any]) -> str:
    if version := manifest.tools.get(TENSORRT_RTX):
        names = [variant.precision for variant in manifest.variants if variant.precision != "int8-ort"]
        refused, unfinished = (
            [name for name in names if any(item["rule"] in rules for item in findings.get(name, ()))]
            for rules in ((TENSORRT_RTX,), (UNFINISHED, INTERRUPTED))
        )
        built = [name for name in names if name not in (*refused, *unfinished)]
        of_all = ", ".join(built) or "no file" if refused or unfinished else "the files for TensorRT"
        sentences = [
            f"TensorRT-RTX {version} parsed and built {of_all}.",
            *([f"It refused {', '.join(refused)}."] if refused else []),
            *([f"It came to no answer about {', '.join(unfinished)}, as the lint says."] if unfinished else []),
            "What it takes may still be refused on the device: its parser is newer than JetPack 6's, and it has no "
            "Orin.",
        ]
        return " ".join(sentences)
    return (
        "No parser of TensorRT's has read the files, as far as the tools above tell: TensorRT-RTX (extra "
        "tensorrt-check) is not among them. Only this project's own rules have looked."
    )


def _calibration_limits(manifest: BundleManifest) -> Iterable[str]:
    if OTHER_VIEWS in manifest.calibration:
        yield (
            "Validation looked at other crops or blocks of the same few files that calibration saw. "
            "Give a folder of your own with --calibration for a figure that means more."
        )
    if SAME_SAMPLES in manifest.calibration:
        yield (
            "Validation looked at the very samples that calibration saw: parity says nothing of any other. "
            "Give at least five files with --calibration; then some are held out."
        )
