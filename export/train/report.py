"""The training report: one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any
from xml.etree.ElementTree import Element

from assistant.telemetry.markup import add, page
from export.train.charts import add_confusion, add_lines, add_standing

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def training_report(content: Mapping[str, Any]) -> str:
    """The page of what `report.json` holds."""
    root = Element("html", {"lang": "en"})
    head = add(root, "head")
    add(head, "meta", "", {"charset": "utf-8"})
    add(head, "meta", "", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    add(head, "meta", "", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    add(head, "meta", "", {"name": "color-scheme", "content": "light dark"})
    add(head, "title", content["title"])
    add(head, "style", resources.files("export").joinpath("report.css").read_text(encoding="utf-8"))
    body = add(root, "body")
    header = add(body, "header")
    add(header, "h1", content["title"])
    add(header, "p", content["data"], {"class": "dim"})
    for note in content.get("notes", ()):
        add(header, "p", note, {"class": "note"})
    main = add(body, "main")
    if standings := content.get("standings"):
        _add_standings(_section(main, "Between the best single channel and Bayes"), standings)
    models = content["models"]
    _add_summary(_section(main, "In short"), models)
    curves = _section(main, "Calibration, abstention and training")
    _add_curves(curves, models)
    for name, model in models.items():
        section = _section(main, f"{name}: class by class")
        _add_classes(section, content["labels"], model["summary"])
        add_confusion(section, content["labels"], model["summary"]["confusion_share"])
    _add_facts(_section(main, "How it was trained"), content.get("facts", {}))
    return page(root)


def _section(parent: Element, title: str) -> Element:
    section = add(parent, "section")
    add(section, "h2", title)
    return section


def _add_summary(parent: Element, models: Mapping[str, Any]) -> None:
    rows = []
    for name, model in models.items():
        summary = model["summary"]
        intervals = [_interval(summary[key]) for key in ("accuracy", "macro_f1", "calibration_error")]
        rows.append([name, *intervals, str(summary["count"])])
    _table(parent, ("", "accuracy", "macro F1", "calibration error", "test samples"), rows)
    note = "In brackets, as a band, and small in the confusion matrices: 95 % bootstrap intervals."
    add(parent, "p", note, {"class": "dim"})


def _add_standings(parent: Element, standings: Sequence[Mapping[str, Any]]) -> None:
    rows = []
    for row in standings:
        fused = f"{row['fused']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
        numbers = [f"{row['bayes']:.1%}", f"{row['way']:.0%}", f"{row['calibration_error']:.3f}", str(row["count"])]
        rows.append([row["channels"], row["fusion"], f"{row['single']:.1%}", fused, *numbers])
    headings = ("channels", "fusion", "best single", "fused", "Bayes", "way", "calibration error", "moments")
    _table(parent, headings, rows)
    low = min(row["single"] for row in standings) - 0.05
    for channels in dict.fromkeys(row["channels"] for row in standings):
        here = [row for row in standings if row["channels"] == channels]
        marks = [("best single", here[0]["single"]), *((row["fusion"], row["fused"]) for row in here)]
        add_standing(parent, channels, [*marks, ("Bayes", here[0]["bayes"])], low, 1.0)


def _add_curves(parent: Element, models: Mapping[str, Any]) -> None:
    lines = {name: [(c, a) for _, c, a in model["summary"]["reliability"]] for name, model in models.items()}
    add_lines(parent, "Reliability", ("confidence", "accuracy"), lines, diagonal=True)
    risks, bands = {}, {}
    for name, model in models.items():
        coverage, risk = model["summary"]["coverage"], model["summary"]["risk"]
        risks[name] = list(zip(coverage, risk["value"], strict=True))
        bands[name] = list(zip(coverage, risk["low"], risk["high"], strict=True))
    add_lines(parent, "Abstention", ("share answered", "error"), risks, bands=bands)
    losses = {}
    for name, model in models.items():
        for which, place in (("training", 0), ("validation", 1)):
            if model.get("losses"):
                losses[f"{name}, {which}"] = [(epoch + 1, loss[place]) for epoch, loss in enumerate(model["losses"])]
    if losses:
        add_lines(parent, "Loss", ("epoch", "cross entropy"), losses)


def _add_classes(parent: Element, labels: Sequence[str], summary: Mapping[str, Any]) -> None:
    found = summary["per_class"]
    rows = []
    for number, label in enumerate(labels):
        parts = zip(*(found[part][number] for part in ("value", "low", "high")), strict=True)
        cells = [f"{value:.1%} ({low:.1%} to {high:.1%})" for value, low, high in parts]
        rows.append([label, *cells, str(summary["per_class_count"][number])])
    _table(parent, ("", "precision", "recall", "F1", "test samples"), rows)


def _add_facts(parent: Element, facts: Mapping[str, Any]) -> None:
    _table(parent, ("", ""), [[name, str(value)] for name, value in facts.items()])


def _table(parent: Element, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = add(parent, "table")
    line = add(add(table, "thead"), "tr")
    for heading in headings:
        add(line, "th", heading)
    body = add(table, "tbody")
    for row in rows:
        line = add(body, "tr")
        for number, cell in enumerate(row):
            add(line, "td", cell, {"class": "number"} if number else {})


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
