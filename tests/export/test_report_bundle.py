"""The report of a bundle: one page that loads nothing, says what was measured, where, and what was not."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from export.lint.tensorrt_rtx import tensorrt_rtx_version
from tests.doubles.export_command import assistant_export, write_recipe, write_samples


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    folder = write_recipe(place / "small")
    (folder / "model.toml").write_text(
        (folder / "model.toml").read_text().replace('"A small network"', '"A <script>alert(1)</script> 网络"')
    )
    arguments = ("--calibration", place / "samples", "--out", place / "out")
    assert assistant_export("build", folder, *arguments, cache=place / "cache").returncode == 0
    return place / "out" / "small"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_stands_alone_and_runs_nothing(bundle: Path) -> None:
    text = (bundle / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.addresses == []
    assert "script" not in page.tags
    assert "url(" not in text and "@import" not in text
    assert "A <script>alert(1)</script> 网络" in page.words


def test_the_page_shows_what_was_measured_and_where(bundle: Path) -> None:
    text = " ".join(Page((bundle / "report.html").read_text(encoding="utf-8")).words)
    measured = json.loads((bundle / "measurements.json").read_text())
    assert measured["machine"] in text
    assert set(measured["variants"]) == {"fp32", "fp16", "int8-ort"}
    for precision in measured["variants"]:
        assert f"median {measured['variants'][precision]['median_ms']:.2f}" in text
    for heading in (
        "Parity with the source network",
        "Noise in each layer of int8-trt",
        "TensorRT lint",
        "Not checked here",
    ):
        assert heading in text
    assert "conv2" in text and "nothing ran on a GPU or a Jetson" in text


def test_the_page_draws_what_calibration_saw(bundle: Path) -> None:
    found = json.loads((bundle / "evidence" / "calibration.json").read_text())
    text = (bundle / "report.html").read_text(encoding="utf-8")
    assert found["samples"] == 8 and f"ranges by {found['method']}" in text
    assert found["tensors"] and all(0 < item["typical"] <= 1.01 for item in found["tensors"])
    for item in found["tensors"]:
        assert item["low"] <= 0 <= item["high"] <= item["limit"] and sum(item["counts"]) > 0
        assert f"{item['low']:.3g} to {item['high']:.3g}; {item['cut_off']:.2%} beyond" in text
    assert text.count("<path") == len(found["tensors"])


def test_report_writes_the_page_anew_from_the_bundle_alone(bundle: Path, tmp_path: Path) -> None:
    finished = assistant_export("report", bundle, "--out", tmp_path / "page.html", cache=tmp_path)
    assert re.search(r"Wrote .*page\.html \(\d+ kB\)", finished.stdout)
    assert (tmp_path / "page.html").read_text() == (bundle / "report.html").read_text()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "No parser of TensorRT's has read the files"),
        ("1.7.1.116", "TensorRT-RTX 1.7.1.116 parsed and built the files for TensorRT."),
    ],
)
def test_the_page_says_whether_tensorrts_parser_saw_the_files(
    bundle: Path, tmp_path: Path, version: str | None, words: str
) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["tools"].pop("tensorrt-rtx", None) == tensorrt_rtx_version()
    copy = shutil.copytree(bundle, tmp_path / "small")
    manifest["tools"] |= {"tensorrt-rtx": version} if version else {}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert assistant_export("report", copy, cache=tmp_path).returncode == 0
    text = " ".join(Page((copy / "report.html").read_text(encoding="utf-8")).words)
    assert words in text.partition("Not checked here")[2]


@pytest.mark.parametrize(
    "content",
    ["", "{", '{"machine": "a", "threads": 1}', "[1]", '{"variants": {"fp32": {"median_ms": "fast"}}}'],
    ids=["empty", "truncated", "a key is missing", "no table", "no number"],
)
def test_edited_measurements_are_named(bundle: Path, tmp_path: Path, content: str) -> None:
    copy = shutil.copytree(bundle, tmp_path / "small")
    (copy / "measurements.json").write_text(content)
    finished = assistant_export("report", copy, cache=tmp_path)
    assert finished.returncode == 5
    assert "small/measurements.json is not as a build writes it: " in finished.stderr


def test_an_altered_bundle_gets_no_page(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "small")
    (copy / "evidence" / "lint.json").write_text("{}")
    finished = assistant_export("report", copy, "--out", tmp_path / "page.html", cache=tmp_path)
    assert finished.returncode == 5 and "was altered: evidence/lint.json" in finished.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_few_arrays_have_no_other_views(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    samples = write_samples(tmp_path / "few", count=4)
    arguments = ("--calibration", samples, "--out", tmp_path / "out", "--precision", "fp16")
    assert assistant_export("build", folder, *arguments, cache=tmp_path / "cache").returncode == 0
    bundle = tmp_path / "out" / "small"
    calibration = json.loads((bundle / "manifest.json").read_text())["calibration"]
    assert calibration == "4 files of few; compared on 4 samples, the very same samples"
    text = (bundle / "report.html").read_text(encoding="utf-8")
    assert "Validation looked at the very samples that calibration saw" in text and "other crops" not in text


def test_table_and_chart_agree_on_a_median(bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "small")
    measured = json.loads((copy / "measurements.json").read_text())
    # The runs are rounded too, so that their median may be another in its last digit.
    measured["variants"]["fp32"] |= {"median_ms": 1.006, "runs_ms": [1.001, 1.008]}
    (copy / "measurements.json").write_text(json.dumps(measured))
    assert assistant_export("report", copy, cache=tmp_path).returncode == 0
    words = Page((copy / "report.html").read_text(encoding="utf-8")).words
    assert "1.01 ms" in words
    assert any(word.startswith("median 1.01, ") for word in words)
