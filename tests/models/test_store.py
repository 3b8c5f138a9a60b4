"""The store through its public methods: a model is complete and verified, or not there at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import IntegrityError, ManifestError, ModelError, ModelMissingError, SourceError
from assistant.models.store import ModelStore
from tests.doubles.model_shelf import Shelf, Watcher, digest, member, pinned


def convert_upper(source: Path, target: Path) -> None:
    """A converter: upper case, with the length of the file beside it."""
    beside = source.with_name("beside.bin").read_bytes()
    target.write_bytes(source.read_bytes().upper() + str(len(beside)).encode())


def convert_reversed(source: Path, target: Path) -> None:
    """A converter: back to front."""
    target.write_bytes(source.read_bytes()[::-1])


def convert_badly(source: Path, target: Path) -> None:
    """A converter that fails half-way."""
    target.write_bytes(b"half")
    raise ValueError("unknown operator")


def convert_nothing(source: Path, target: Path) -> None:
    """A converter that forgets its target."""


def leftovers(root: Path) -> set[str]:
    """What lies in the store beside models."""
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return found - {".lock", ".trusted.json"}


def test_a_pulled_model_is_there_with_its_files(shelf: Shelf) -> None:
    shelf.simple("thing", b"weights")
    store = shelf.store()
    assert store.state("thing").state == "missing"
    folder = store.pull("thing")
    assert folder == store.path("thing") == shelf.root / "thing"
    assert store.file("thing", "weights.bin").read_bytes() == b"weights"
    assert store.state("thing").size == 7
    assert leftovers(shelf.root) == {"thing/weights.bin", "thing/.record.json"}
    shelf.store().verify("thing")


def test_pulling_again_does_no_work(shelf: Shelf, watcher: Watcher) -> None:
    archive = shelf.simple("thing")
    shelf.store().pull("thing")
    archive.unlink()
    (shelf.root / ".lock").unlink(missing_ok=True)
    shelf.store().pull("thing", watcher)
    assert watcher.titles == []
    assert not (shelf.root / ".lock").exists()


def test_a_missing_model_says_how_to_get_it(shelf: Shelf) -> None:
    shelf.simple("thing")
    with pytest.raises(ModelMissingError) as caught:
        shelf.store().file("thing", "weights.bin")
    assert caught.value.remedy == "Run: assistant models pull thing"


def test_an_unknown_name_suggests_near_ones(shelf: Shelf) -> None:
    for name in ("whisper-base", "whisper-tiny.en", "silero-vad"):
        shelf.simple(name)
    with pytest.raises(ModelMissingError, match=r"no model named 'wisper-base'. Did you mean whisper-base"):
        shelf.store().pull_all(["silero-vad", "wisper-base"])
    assert not shelf.root.exists()
    with pytest.raises(ModelMissingError, match="models list"):
        shelf.store().path("zzzz")


def test_an_archive_with_another_hash_installs_nothing(shelf: Shelf) -> None:
    archive = shelf.simple("thing", b"weights")
    expected = digest(archive.read_bytes())
    content = bytearray(archive.read_bytes())
    content[-1] ^= 1
    archive.write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        shelf.store().pull("thing")
    assert f"expected SHA-256 {expected}, got {digest(bytes(content))}" in caught.value.message
    assert leftovers(shelf.root) == set()


@pytest.mark.parametrize("change", [-1, 1])
def test_an_archive_of_another_size_installs_nothing(shelf: Shelf, change: int) -> None:
    archive = shelf.simple("thing")
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] if change < 0 else content + b"x")
    with pytest.raises(IntegrityError, match="expected"):
        shelf.store().pull("thing")
    assert leftovers(shelf.root) == set()


def test_a_file_that_is_not_what_the_manifest_names_installs_nothing(shelf: Shelf) -> None:
    archive = shelf.zip("a.zip", {"x": b"other"})
    shelf.model("thing", [pinned(archive)], [member("x", "x", b"named")])
    with pytest.raises(IntegrityError, match="'x' of 'thing': expected SHA-256"):
        shelf.store().pull("thing")
    assert not (shelf.root / "thing").exists()


def test_an_altered_file_is_found_by_verify_and_pulled_anew(shelf: Shelf) -> None:
    shelf.simple("thing", b"weights")
    store = shelf.store()
    path = store.pull("thing") / "weights.bin"
    path.write_bytes(b"WEIGHTS")
    with pytest.raises(IntegrityError) as caught:
        store.verify("thing")
    assert "weights.bin" in caught.value.message
    assert digest(b"weights") in caught.value.message and digest(b"WEIGHTS") in caught.value.message
    assert store.remove("thing")
    store.pull("thing")
    store.verify("thing")


@pytest.mark.parametrize("damage", ["truncated", "deleted", "record"])
def test_a_damaged_model_is_refused_and_repaired_by_a_pull(shelf: Shelf, damage: str) -> None:
    shelf.simple("thing", b"weights")
    store = shelf.store()
    folder = store.pull("thing")
    if damage == "truncated":
        (folder / "weights.bin").write_bytes(b"wei")
    elif damage == "deleted":
        (folder / "weights.bin").unlink()
    else:
        (folder / ".record.json").write_text("{")
    with pytest.raises(ModelMissingError, match="is damaged"):
        store.path("thing")
    store.pull("thing")
    store.verify("thing")
    assert leftovers(shelf.root) == {"thing/weights.bin", "thing/.record.json"}


def test_another_version_of_a_manifest_makes_a_model_outdated(shelf: Shelf) -> None:
    shelf.simple("thing", b"old")
    shelf.store().pull("thing")
    shelf.simple("thing", b"new", version="2")
    with pytest.raises(ModelMissingError, match="is not version 2"):
        shelf.store().path("thing")
    assert shelf.store().pull("thing").joinpath("weights.bin").read_bytes() == b"new"


def test_an_archive_that_several_models_share_is_fetched_once(shelf: Shelf, watcher: Watcher) -> None:
    contents = {"one": b"1", "two": b"2"}
    archive = shelf.zip("shared.zip", contents)
    for name, content in contents.items():
        shelf.model(name, [pinned(archive)], [member("x", name, content)])
    shelf.store().pull_all(["one", "two"], watcher)
    assert len(watcher.titles) == 1
    assert not (shelf.root / ".archives").exists()


def test_parts_of_several_archives_are_joined_in_order(shelf: Shelf) -> None:
    first, second = shelf.zip("1.zip", {"p": b"begin-"}), shelf.zip("2.zip", {"p": b"end"})
    whole = {"name": "sub/model.bin", "parts": ["a:p", "b:p"], "sha256": digest(b"begin-end"), "size": 9}
    shelf.model("thing", [pinned(first, id="a"), pinned(second, id="b")], [whole])
    assert (shelf.store().pull("thing") / "sub/model.bin").read_bytes() == b"begin-end"


def test_a_plain_file_is_taken_as_it_is(shelf: Shelf) -> None:
    (shelf.folder / "plain.onnx").write_bytes(b"onnx")
    shelf.model("thing", [pinned(shelf.folder / "plain.onnx")], [{"name": "model.onnx"}])
    assert shelf.store().pull("thing").joinpath("model.onnx").read_bytes() == b"onnx"


def test_a_whole_folder_is_laid_out_in_the_model(shelf: Shelf) -> None:
    archive = shelf.zip("a.zip", {"m-1.0/conf/a": b"a", "m-1.0/b": b"b", "other": b"c"})
    shelf.model("thing", [pinned(archive)], trees=[{"member": "m-1.0"}])
    folder = shelf.store().pull("thing")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "conf/a",
        "b",
        ".record.json",
    }


def converted(shelf: Shelf, function: str) -> None:
    archive = shelf.zip("a.zip", {"deep/model.json": b"graph", "deep/beside.bin": b"1234"})
    inputs = ["deep/model.json", "deep/beside.bin"]
    shelf.model("thing", [pinned(archive)], [{"name": "m.onnx", "convert": function, "from": inputs}])


def test_a_converted_file_is_made_once_and_its_hash_enforced(shelf: Shelf, watcher: Watcher) -> None:
    converted(shelf, f"{__name__}:convert_upper")
    store = shelf.store()
    path = store.pull("thing", watcher) / "m.onnx"
    assert path.read_bytes() == b"GRAPH4"
    assert "convert thing/m.onnx" in watcher.titles
    store.verify("thing")
    path.write_bytes(b"GRAPH5")
    with pytest.raises(IntegrityError, match=r"m\.onnx: expected SHA-256"):
        store.verify("thing")


def test_joined_parts_can_be_converted(shelf: Shelf) -> None:
    first, second = shelf.zip("1.zip", {"p": b"begin-"}), shelf.zip("2.zip", {"p": b"end"})
    whole = {"name": "model.bin", "parts": ["a:p", "b:p"], "convert": f"{__name__}:convert_reversed"}
    shelf.model("thing", [pinned(first, id="a"), pinned(second, id="b")], [whole])
    assert (shelf.store().pull("thing") / "model.bin").read_bytes() == b"dne-nigeb"


def test_a_conversion_that_fails_leaves_nothing(shelf: Shelf) -> None:
    converted(shelf, f"{__name__}:convert_badly")
    with pytest.raises(ModelError, match=r"could not be converted by .*convert_badly: unknown operator"):
        shelf.store().pull("thing")
    assert not (shelf.root / "thing").exists()


def test_a_conversion_that_makes_nothing_is_said_so(shelf: Shelf) -> None:
    converted(shelf, f"{__name__}:convert_nothing")
    with pytest.raises(ModelError, match="convert_nothing left no file"):
        shelf.store().pull("thing")


def test_a_source_without_a_hash_is_held_to_what_it_was_at_first(shelf: Shelf) -> None:
    archive = shelf.zip("a.zip", {"x": b"first"})
    shelf.model("thing", [{"uri": f"file:{archive}"}], [{"name": "x", "member": "x"}])
    shelf.store().pull("thing")
    first = digest(archive.read_bytes())
    shelf.store().remove("thing")
    shelf.zip("a.zip", {"x": b"other"})
    with pytest.raises(IntegrityError, match=first) as caught:
        shelf.store().pull("thing")
    assert caught.value.remedy and "--forget" in caught.value.remedy
    assert not (shelf.root / "thing").exists()
    shelf.store().remove("thing", forget=True)
    assert shelf.store().pull("thing").joinpath("x").read_bytes() == b"other"


def test_a_failed_first_pull_is_not_trusted(shelf: Shelf) -> None:
    archive = shelf.zip("a.zip", {"other": b"wrong file"})
    shelf.model("thing", [{"uri": f"file:{archive}"}], [{"name": "x", "member": "x"}])
    with pytest.raises(IntegrityError, match="does not hold x"):
        shelf.store().pull("thing")
    shelf.zip("a.zip", {"x": b"right"})
    shelf.store().pull("thing")


def test_a_failed_model_does_not_undo_those_before_it(shelf: Shelf) -> None:
    shelf.simple("good")
    shelf.simple("late", b"other weights").unlink()
    with pytest.raises(SourceError, match="There is no file"):
        shelf.store().pull_all(["good", "late"])
    shelf.store().verify("good")


def test_removing_frees_the_folder_and_says_whether_there_was_one(shelf: Shelf) -> None:
    shelf.simple("thing")
    store = shelf.store()
    assert not store.remove("thing")
    store.pull("thing")
    assert store.remove("thing")
    assert leftovers(shelf.root) == set()


def test_a_model_in_a_python_package_is_found_there(shelf: Shelf) -> None:
    shelf.model("fonts", [{"uri": "package:rich", "distribution": "rich"}], [{"name": "console.py"}])
    shelf.model("gone", [{"uri": "package:not_installed_here", "distribution": "not-installed"}])
    shelf.model("extra", [{"uri": "package:rapidocr", "distribution": "rapidocr"}], [{"name": "no such file"}])
    store = shelf.store()
    assert store.pull("fonts") == store.path("fonts")
    assert store.file("fonts", "console.py").is_file()
    store.verify("fonts")
    with pytest.raises(ModelError, match=r"\.venv/bin/pip uninstall rich"):
        store.remove("fonts")
    with pytest.raises(ModelMissingError, match=r"\.venv/bin/pip install not-installed; .*sudo \./install\.sh$"):
        store.pull("gone")
    with pytest.raises(ModelMissingError, match=r"\.venv/bin/pip install .*\[ocr\].*sudo \./install\.sh --with ocr$"):
        store.pull("extra")


def test_the_root_comes_from_the_environment(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(shelf.folder / "elsewhere"))
    assert ModelStore(manifests=shelf.manifests).root == shelf.folder / "elsewhere"
    assert shelf.store().root == shelf.root


def test_states_and_the_default_set(shelf: Shelf) -> None:
    shelf.simple("one", default=True)
    shelf.simple("two")
    store = shelf.store()
    store.pull("two")
    assert store.default_names() == ("one",)
    assert {found.manifest.name: found.state for found in store.states()} == {"one": "missing", "two": "installed"}


def test_a_store_that_cannot_be_written_says_so(shelf: Shelf) -> None:
    shelf.simple("thing")
    shelf.root.write_text("a file where the store should be")
    with pytest.raises(ModelError, match=r"The model store .* cannot be changed") as caught:
        shelf.store().pull("thing")
    assert caught.value.remedy and "ASSISTANT_MODELS__DIR" in caught.value.remedy


def test_a_broken_manifest_stops_only_its_model(shelf: Shelf) -> None:
    shelf.simple("good")
    shelf.simple("bad")
    (shelf.manifests / "bad" / "model.toml").write_text("task = 1")
    shelf.store().pull("good")
    with pytest.raises(ManifestError):
        shelf.store().pull("bad")
