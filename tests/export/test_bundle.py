"""Bundles: what is written can be read, and what was edited is refused with its name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from assistant.errors import AssistantError, IntegrityError, ModelError
from assistant.inference.bundle import Bundle, Rejected
from assistant.models import changes
from assistant.models.hashing import hash_file
from export.bundle import Draft, GraphContract, VariantDraft, contracts
from export.errors import ConversionError
from export.known_hashes import KnownHashes
from export.parity import Verdict
from export.publishing import publish
from export.recipe import Card
from export.reference import exact_network, write_golden, write_reference
from tests.doubles.command import ROOT
from tests.doubles.tiny_networks import INPUT, samples, write_network

CARD = Card(
    "A small network", "image-classification", "Apache-2.0", "made by the test", "random", labels_output="classes"
)


def draft(folder: Path, card: Card = CARD, seed: int = 0) -> Draft:
    model = write_network(folder / f"model-{seed}.onnx", seed=seed)
    for name in ("reference", "golden"):
        (folder / name).mkdir(exist_ok=True)
    write_reference(exact_network(model), samples(3), folder / "reference")
    write_golden(folder / "reference", 2, folder / "golden")
    graph = onnx.load(model).graph
    verdict = Verdict(parity=(), gate=(), tolerances={}, samples=3)
    return Draft(
        recipe="small",
        card=card,
        contract=GraphContract(contracts(graph.input), contracts(graph.output), 17),
        source={"model.onnx": "ab" * 32},
        calibration="three samples",
        variants=[VariantDraft("fp32", model, hash_file(model)[0], verdict)],
        rejected=[Rejected(precision="int8-trt", reasons=("classes: cosine is 0.5, the limit is 0.9",))],
        golden={path: hash_file(path)[0] for path in sorted((folder / "golden").iterdir())},
        evidence={"lint.json": "{}\n"},
        measurements="{}",
        pruned=0.0,
        pruned_channels=False,
        tools={"onnx": "1"},
    )


def published(place: Path, content: Draft) -> bool:
    """What `publish` says, of a build with its record of hashes beside `out/`."""
    hashes = KnownHashes(place.parent.parent / "hashes.json")
    try:
        return publish(place, content, hashes, print)
    finally:
        hashes.save()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    assert published(tmp_path / "out" / "small", draft(tmp_path))
    return tmp_path / "out" / "small"


def test_what_was_published_can_be_read(place: Path) -> None:
    bundle = Bundle.open(place)
    bundle.verify()
    manifest = bundle.manifest
    assert (manifest.recipe, manifest.opset) == ("small", 17)
    assert [(tensor.name, tensor.dtype, tensor.shape) for tensor in manifest.inputs] == [
        (INPUT, "float32", (1, 3, 16, 16))
    ]
    pairs = list(bundle.golden())
    assert len(pairs) == 2
    network = exact_network(bundle.onnx("fp32"))
    np.testing.assert_array_equal(network(pairs[0].inputs)["classes"], pairs[0].outputs["classes"])


def test_a_missing_precision_says_why(place: Path) -> None:
    with pytest.raises(ModelError, match=r"has no int8-trt variant: classes: cosine is 0\.5"):
        Bundle.open(place).variant("int8-trt")


def test_the_same_bundle_is_left_alone_and_another_replaces_it(place: Path, tmp_path: Path) -> None:
    written = (place / "manifest.json").stat().st_mtime_ns
    assert not published(place, draft(tmp_path))
    assert (place / "manifest.json").stat().st_mtime_ns == written
    assert published(place, draft(tmp_path, seed=1))
    Bundle.open(place).verify()
    assert [path.name for path in place.parent.iterdir()] == ["small"]


def overwrite(path: Path) -> None:
    """Change a byte, and leave size and time of writing as they were."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(1)
        file.write(b"!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", ["fp32.onnx", "golden/0000.npz", "evidence/lint.json"])
def test_an_altered_bundle_is_built_again(place: Path, tmp_path: Path, name: str) -> None:
    overwrite(place / name)
    assert published(place, draft(tmp_path))
    Bundle.open(place).verify()
    assert not published(place, draft(tmp_path))


def test_a_deleted_report_is_written_again(place: Path, tmp_path: Path) -> None:
    (place / "report.html").unlink()
    assert published(place, draft(tmp_path))
    assert (place / "report.html").is_file()


def test_an_unchanged_bundle_is_not_read_to_be_known(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = draft(tmp_path)
    read: list[Path] = []
    monkeypatch.setattr("export.known_hashes.hash_file", lambda path: read.append(path) or hash_file(path))
    assert not published(place, content) and read == []
    os.utime(place / "fp32.onnx")
    assert not published(place, content) and read == [place / "fp32.onnx"]
    assert not published(place, content) and len(read) == 1


def test_what_is_not_what_its_stage_made_is_not_published(place: Path, tmp_path: Path) -> None:
    other, model = draft(tmp_path, seed=1), tmp_path / "model-1.onnx"
    expected = other.variants[0].sha256
    overwrite(model)
    hashes = KnownHashes(tmp_path / "hashes.json")
    hashes.learn(model, expected)  # of a disk that changed it without a trace in its times
    with pytest.raises(IntegrityError, match=r"model-1\.onnx is not what its stage made: expected SHA-256"):
        publish(place, other, hashes, print)
    assert hashes.sha256(model) == hash_file(model)[0] != expected
    assert not published(place, draft(tmp_path))


KILL = """
import os, signal, sys
from pathlib import Path
from assistant.models import changes
rename = Path.rename
def killed_at(self, target):
    if target == Path(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.rename = killed_at
place = Path(sys.argv[1])
with changes.staging_in(place.parent, "it", print) as staging:
    (staging / "bundle").mkdir()
    changes.swap_in(staging / "bundle", place, staging)
"""


def test_a_bundle_that_was_put_aside_by_a_killed_build_comes_back(place: Path, tmp_path: Path) -> None:
    # The old one is moved first; killed before the new one is moved to its place, there is none.
    killed = subprocess.run([sys.executable, "-c", KILL, place, place], cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not place.exists()
    assert not published(place, draft(tmp_path))
    Bundle.open(place).verify()
    assert [path.name for path in place.parent.iterdir()] == ["small"]


def test_what_a_killed_build_left_is_cleared_away(place: Path, tmp_path: Path) -> None:
    left = place.parent / ".edge-assistant-1234" / "bundle" / "fp32.onnx"
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(1000))
    assert not published(place, draft(tmp_path))
    assert [path.name for path in place.parent.iterdir()] == ["small"]


def test_a_build_leaves_what_is_the_users_alone(place: Path, tmp_path: Path) -> None:
    for name in (".staging", ".lock"):
        (place.parent / name).mkdir()
        (place.parent / name / "letter.txt").write_text("dear")
    assert published(place, draft(tmp_path, seed=1))
    assert sorted(path.name for path in place.parent.rglob("letter.txt")) == ["letter.txt"] * 2


def test_one_at_a_time_makes_something_in_a_folder_and_leaves_nothing_else_in_it(tmp_path: Path) -> None:
    waiting, order = threading.Event(), []

    def second() -> None:
        with changes.staging_in(tmp_path, "the folder", lambda text: (order.append(text), waiting.set())):
            order.append("second")

    with changes.staging_in(tmp_path, "the folder", print) as staging:
        other = threading.Thread(target=second)
        other.start()
        assert waiting.wait(30)
        assert staging.is_dir(), "the other does not sweep it away"
        order.append("first")
    other.join()
    assert order == ["Another process is changing the folder; waiting for it.", "first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_bundle_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    with pytest.raises(ConversionError, match="is no bundle"):
        published(tmp_path / "out", draft(tmp_path))
    assert (tmp_path / "out" / "letter.txt").read_text() == "dear"


def test_labels_that_do_not_match_the_classes_are_refused(tmp_path: Path) -> None:
    card = Card("A", "b", "c", "d", "e", labels=("one", "two"), labels_output="classes")
    with pytest.raises(ConversionError, match="expected 10 labels, one for each of its classes, got 2"):
        published(tmp_path / "out" / "small", draft(tmp_path, card))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["fp32.onnx", "golden/0000.npz", "evidence/lint.json"])
def test_an_edited_file_is_named(place: Path, name: str) -> None:
    with (place / name).open("r+b") as file:
        file.seek(1)
        file.write(b"!")
    with pytest.raises(IntegrityError, match=f"{name}: expected SHA-256"):
        Bundle.open(place).verify()


def edit(place: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = place / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(schema_version=2), "schema_version"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.pop("licence"), "licence"),
        (lambda m: m["variants"][0].update(file="../fp32.onnx"), r"variants\.0\.file"),
        (lambda m: m["variants"][0].update(file="/etc/passwd"), r"variants\.0\.file"),
        (lambda m: m["variants"][0].update(file="other.onnx"), "lacks 'other.onnx'"),
        (lambda m: m["variants"].clear(), "variants"),
    ],
)
def test_a_wrong_manifest_names_file_and_key(
    place: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(place, change)
    with pytest.raises(ModelError, match=message) as caught:
        Bundle.open(place)
    assert caught.value.remedy


def test_a_link_out_of_the_bundle_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.onnx").write_bytes((place / "fp32.onnx").read_bytes())
    (place / "fp32.onnx").unlink()
    (place / "fp32.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(IntegrityError, match="leads out of its folder"):
        Bundle.open(place)


def test_a_golden_file_that_is_no_archive_of_arrays_is_refused(place: Path) -> None:
    (place / "golden" / "0000.npz").write_bytes(b"\x80\x04.")
    with pytest.raises(IntegrityError, match="holds no golden pair"):
        list(Bundle.open(place).golden())


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(AssistantError, match=r"is no bundle: it has no manifest\.json"):
        Bundle.open(tmp_path)
