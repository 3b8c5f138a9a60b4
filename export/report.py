"""The report of a bundle: one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from typing import Any
from xml.etree.ElementTree import Element

from assistant.errors import ModelError
from assistant.inference.bundle import Bundle, BundleManifest, TensorContract
from assistant.telemetry.markup import add, page
from export.report_charts import add_bars, add_histograms, add_latencies
from export.report_limits import limits_of

MEASUREMENTS_FILE = "measurements.json"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def report_of(bundle: Bundle) -> str:
    """The page, from what lies in the bundle alone.

    Raises `ModelError` naming the measurements or the evidence that is not as a build writes it.
    """
    manifest = bundle.manifest
    root = Element("html", {"lang": "en"})
    _add_head(root, f"{manifest.title}: {manifest.recipe}")
    body = add(root, "body")
    _add_summary(add(body, "header"), manifest)
    main = add(body, "main")
    with _drawn(bundle, MEASUREMENTS_FILE) as measured:
        _add_variants(_section(main, "Variants"), manifest, measured or {})
        if measured:
            _add_latency(_section(main, "Latency"), measured)
    _add_parity(_section(main, "Parity with the source network"), manifest)
    for variant in manifest.variants:
        with _drawn(bundle, f"evidence/noise-{variant.precision}.json") as noise:
            if noise:
                _add_noise(_section(main, f"Noise in each layer of {variant.precision}"), noise, variant.spared_layers)
    with _drawn(bundle, "evidence/calibration.json") as calibration:
        if calibration:
            _add_calibration(_section(main, "Calibration"), calibration)
    with _drawn(bundle, "evidence/lint.json") as findings:
        _add_lint(_section(main, "TensorRT lint"), manifest, findings)
        limits = limits_of(manifest, findings or {})
    _add_tensors(_section(main, "Tensors"), manifest)
    _add_facts(_section(main, "Origin"), manifest)
    _add_list(_section(main, "Not checked here"), limits)
    return page(root)


def _add_head(root: Element, title: str) -> None:
    head = add(root, "head")
    add(head, "meta", "", {"charset": "utf-8"})
    add(head, "meta", "", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    add(head, "meta", "", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    add(head, "meta", "", {"name": "color-scheme", "content": "light dark"})
    add(head, "title", title)
    add(head, "style", resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8"))


def _add_summary(parent: Element, manifest: BundleManifest) -> None:
    add(parent, "h1", manifest.title)
    add(parent, "p", f"{manifest.recipe} · {manifest.task} · licence of the weights: {manifest.licence}", _DIM)
    if manifest.random_weights:
        text = "These weights are random: speed, size and numerical parity mean something, the answers do not."
        add(parent, "p", text, {"class": "note"})
    if manifest.pruned:
        share = f"{manifest.pruned:.0%}"
        text = f"Pruned: {share} of each layer's weights are zero, or of its channels gone; the notes say which."
        add(parent, "p", text, {"class": "note"})


_DIM = {"class": "dim"}


def _add_variants(parent: Element, manifest: BundleManifest, measured: Mapping[str, Any]) -> None:
    latencies = measured.get("variants", {})
    base_ms = latencies.get("fp32", {}).get("median_ms")
    rows: list[Sequence[str]] = []
    for variant in manifest.variants:
        median_ms = latencies.get(variant.precision, {}).get("median_ms")
        speed = f"{base_ms / median_ms:.2f}×" if base_ms and median_ms else "–"
        time = f"{median_ms:.2f} ms" if median_ms else "–"
        task = [item for item in variant.gate if "agreement" in item.name and item.value is not None]
        agreement = ", ".join(f"{item.name} {item.value:.1%}" for item in task) or "–"
        spared = f"{len(variant.spared_layers)} layers" if variant.spared_layers else "–"
        rows.append((variant.precision, f"{variant.size / 1e6:.2f} MB", time, speed, agreement, spared))
    heads = ("precision", "size", "median", "speed against FP32", "task", "left out of INT8")
    _add_table(parent, heads, rows, numbers=(1, 2, 3))
    for item in manifest.rejected:
        line = add(parent, "p", "", {"class": "bad"})
        line.text = f"{item.precision} is not shipped: {'; '.join(item.reasons)}."


def _add_latency(parent: Element, measured: Mapping[str, Any]) -> None:
    threads = measured["threads"]
    text = f"{measured['machine']}; {measured['runtime']}, {threads} thread{'s' if threads > 1 else ''}."
    add(parent, "p", text, _DIM)
    add_latencies(parent, measured["variants"])
    for precision, reason in measured.get("refused", {}).items():
        add(parent, "p", f"onnxruntime does not load {precision} with its optimizations: {reason}", {"class": "bad"})


def _add_parity(parent: Element, manifest: BundleManifest) -> None:
    rows: list[Sequence[str]] = []
    for variant in manifest.variants:
        for item in variant.parity:
            limit = variant.tolerances.get(item.output)
            allowed = f"≥ {limit.min_cosine:g}, ≤ {limit.max_error_of_range:.1%}" if limit else "judged by the task"
            rows.append(
                (
                    variant.precision,
                    item.output,
                    _number(item.cosine, ".6f"),
                    _number(item.max_error, ".4g"),
                    _number(item.max_error_of_range, ".2%"),
                    str(item.not_finite),
                    allowed,
                )
            )
    heads = ("precision", "output", "cosine", "largest error", "of range", "NaN", "allowed (cosine, of range)")
    _add_table(parent, heads, rows, numbers=(2, 3, 4, 5))
    text = "The worst over all validation samples, computed by onnxruntime with its optimizations off. Samples: "
    add(parent, "p", f"{text}{manifest.calibration}.", _DIM)


def _add_noise(parent: Element, layers: Sequence[Mapping[str, Any]], spared: Sequence[str]) -> None:
    text = "Signal-to-quantization-noise ratio that has come together at each layer's output, in dB, the lowest first."
    faint = f" Faint bars are the {len(spared)} layers that were left out of INT8." if spared else ""
    add(parent, "p", text + faint, _DIM)
    bars = [(str(item["node"]), float(item["sqnr_db"]), item["node"] in spared) for item in layers]
    add_bars(parent, sorted(bars, key=lambda bar: bar[1]), unit="dB")


def _add_lint(parent: Element, manifest: BundleManifest, findings: Mapping[str, Any] | None) -> None:
    if findings is None:
        add(parent, "p", "Not run.", {"class": "note"})
        return
    rows = [
        (precision, item["target"], item["severity"], item["node"], item["message"], item["remedy"])
        for precision, items in findings.items()
        for item in items
    ]
    if rows:
        _add_table(parent, ("precision", "target", "severity", "node", "finding", "remedy"), rows)
    else:
        names = ", ".join(variant.precision for variant in manifest.variants if variant.precision != "int8-ort")
        add(parent, "p", f"Nothing was found in {names}.", {"class": "good"})


def _add_tensors(parent: Element, manifest: BundleManifest) -> None:
    rows = [
        *(_tensor_row("input", tensor) for tensor in manifest.inputs),
        *(_tensor_row("output", tensor) for tensor in manifest.outputs),
    ]
    _add_table(parent, ("", "name", "type", "shape", "range", "meaning"), rows)


def _tensor_row(kind: str, tensor: TensorContract) -> Sequence[str]:
    shape = " × ".join(map(str, tensor.shape)) or "scalar"
    span = f"{tensor.range[0]:g} to {tensor.range[1]:g}" if tensor.range else ""
    return kind, tensor.name, tensor.dtype, f"{shape} {tensor.layout}".strip(), span, tensor.meaning


def _add_facts(parent: Element, manifest: BundleManifest) -> None:
    rows = [
        ("weights", manifest.weights),
        ("licence", f"{manifest.licence}: {manifest.licence_source}"),
        ("opset", str(manifest.opset)),
        ("tools", ", ".join(f"{name} {version}" for name, version in manifest.tools.items())),
        *((f"source {name}", sha256) for name, sha256 in manifest.source.items()),
        *((variant.file, variant.sha256) for variant in manifest.variants),
    ]
    _add_table(parent, (), rows)
    _add_list(parent, manifest.notes)


def _section(parent: Element, title: str) -> Element:
    section = add(parent, "section")
    add(section, "h2", title)
    return section


def _add_table(
    parent: Element, heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()
) -> None:
    table = add(parent, "table")
    if heads:
        head = add(add(table, "thead"), "tr")
        for index, text in enumerate(heads):
            add(head, "th", text, {"scope": "col", **({"class": "number"} if index in numbers else {})})
    body = add(table, "tbody")
    for cells in rows:
        row = add(body, "tr")
        for index, text in enumerate(cells):
            add(row, "td", text, {"class": "number"} if index in numbers else {})


def _add_list(parent: Element, texts: Iterable[str]) -> None:
    items = add(parent, "ul")
    for text in texts:
        add(items, "li", text)


def _add_calibration(parent: Element, found: Mapping[str, Any]) -> None:
    shown = found["tensors"]
    text = (
        f"{found['samples']} samples, ranges by {found['method']}. Of {found['tensors_in_all']} activations, the "
        f"{len(shown)} whose largest values are rarest. Counts are logarithmic; INT8 cuts off at the lines."
    )
    add(parent, "p", text, _DIM)
    add_histograms(parent, shown)


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)


@contextmanager
def _drawn(bundle: Bundle, name: str) -> Iterator[Any]:
    """The content of a JSON file, None if there is none. What is wrong in it turns up where it is drawn."""
    path = bundle.path / name
    try:
        yield json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ModelError(
            f"{path} is not as a build writes it: {type(error).__name__}: {error}.",
            remedy="Build it again: assistant-export build RECIPE",
        ) from error
