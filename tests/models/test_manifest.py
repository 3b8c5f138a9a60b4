"""What a model.toml may say, and that every shipped one says enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.errors import ManifestError
from assistant.models.catalog import Catalog, shipped_manifests
from assistant.models.manifest import Manifest, load_manifest
from tests.doubles.model_shelf import Shelf, pinned

SHIPPED = Catalog(shipped_manifests())


@pytest.fixture(params=SHIPPED.names)
def shipped(request: pytest.FixtureRequest) -> Manifest:
    return SHIPPED.manifest(request.param)


def test_every_shipped_manifest_names_its_licence_and_where_that_is_said(shipped: Manifest) -> None:
    assert shipped.licence and len(shipped.licence_source) > 10
    assert shipped.licence_clear or shipped.notes or "not" in shipped.licence_source
    assert shipped.licence != "unstated" or not shipped.licence_clear


def test_every_shipped_file_of_a_registry_has_a_hash(shipped: Manifest) -> None:
    for source in shipped.sources:
        assert source.scheme in ("https", "apt", "package") or (source.sha256 and source.size), source.uri
    for file in shipped.files:
        source = shipped.source(file.parts[0].partition(":")[0] if file.parts else file.source)
        assert file.convert or source.sha256 is None or (file.sha256 and file.size), file.name


def test_the_default_set_needs_nothing_but_package_registries() -> None:
    defaults = [SHIPPED.manifest(name) for name in SHIPPED.names if SHIPPED.manifest(name).default]
    assert {source.scheme for manifest in defaults for source in manifest.sources} == {"pypi", "npm", "package"}
    tasks = {manifest.task for manifest in defaults}
    assert tasks >= {"voice-activity", "speech-recognition", "face-detection", "object-detection", "speech-synthesis"}
    assert {language for manifest in defaults for language in manifest.languages} == {"en", "zh"}


def test_labels_come_from_the_file_beside_the_manifest() -> None:
    assert len(SHIPPED.manifest("centernet").labels) == 80
    labels = SHIPPED.manifest("efficientnet-lite0").labels
    assert (len(labels), labels[0], labels[-1]) == (1000, "tench", "toilet tissue")


def change(shelf: Shelf, old: str, new: str) -> Path:
    archive = shelf.zip("a.zip", {"x": b"x"})
    path = shelf.model("thing", [pinned(archive)], [{"name": "x", "member": "x"}])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('title = "A test model"', 'titel = "A test model"', "title", "required"),
        ("default = false", 'default = "no"', "default", "boolean"),
        ("default = false", "defualt = false", "defualt", "not permitted"),
        ('name = "x"', 'name = "../x"', "file.0.name", "not a relative path inside"),
        ('name = "x"', 'name = "/etc/x"', "file.0.name", "not a relative path inside"),
        ('member = "x"', 'member = "x"\nsource = "other"', "the whole file", "no source with the id 'other'"),
        ('member = "x"', 'member = "x"\nfrom = ["y"]', "file.0", "one of member, parts, from"),
        ('member = "x"', 'convert = "m:f"', "file.0", "convert needs a from, or parts"),
        ('member = "x"', 'from = ["y"]', "file.0", "from needs a convert"),
        ("sha256 = ", 'sha256 = "abc"\n# ', "source.0.sha256", "pattern"),
        ("file:", "ftp:", "source.0.uri", "pattern"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(shelf: Shelf, old: str, new: str, key: str, reason: str) -> None:
    path = change(shelf, old, new)
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert str(path) in caught.value.message
    assert f": {key}: " in caught.value.message
    assert reason in caught.value.message


def test_plain_http_must_be_pinned(shelf: Shelf) -> None:
    path = shelf.model("thing", [{"uri": "http://device.local/a.zip"}], [{"name": "x", "member": "x"}])
    with pytest.raises(ManifestError, match="plain http: source needs a sha256"):
        load_manifest(path)


@pytest.mark.parametrize("content", [b"task = ", b"\xff\xfe"])
def test_what_is_no_toml_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.toml").write_bytes(content)
    with pytest.raises(ManifestError, match="not valid TOML"):
        load_manifest(tmp_path / "model.toml")


def test_a_missing_labels_file_is_named(shelf: Shelf) -> None:
    path = change(shelf, "default = false", 'default = false\nlabels_file = "labels.txt"')
    with pytest.raises(ManifestError, match=r"labels_file: labels\.txt cannot be read"):
        load_manifest(path)
