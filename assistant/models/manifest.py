"""What a `model.toml` may say. Unknown keys and values of the wrong type are refused, named by file and key."""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.errors import ManifestError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MANIFEST_FILE = "model.toml"
SCHEMES = ("pypi", "npm", "apt", "package", "https", "http", "file")


def _relative_posix(text: str) -> str:
    """A path that stays inside the folder it is joined to."""
    path = PurePosixPath(text)
    if not text or "\\" in text or "\0" in text or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"'{text}' is not a relative path inside the model's folder")
    return text


RelativePath = Annotated[str, AfterValidator(_relative_posix)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Source(_Table):
    """Where bytes come from: an archive, or one plain file."""

    uri: Annotated[str, Field(pattern=rf"^({'|'.join(SCHEMES)}):.+")]
    """`pypi:name==version`, `npm:name@version`, `apt:name` (Debian and Ubuntu only), `https://…`, `http://…` (pinned
    only), `file:path` (from the manifest's folder), or `package:module` for a model inside a Python package."""
    id: str = ""
    """How `[[file]]` entries call it, where there are several."""
    sha256: Sha256 | None = None
    """Of the archive. Unset: recorded at the first pull and enforced afterwards."""
    size: Bytes | None = None
    """Bytes of the archive."""
    max_size: Bytes = 2_000_000_000
    """Most bytes that are downloaded, or unpacked from it, where sizes are not named."""
    wheel: str = ""
    """`pypi:` only: the wheel's file name, where there is one a platform; every machine fetches this one."""
    distribution: str = ""
    """`package:` only: what `pip install` calls it."""

    @property
    def scheme(self) -> str:
        return self.uri.partition(":")[0]

    @property
    def location(self) -> str:
        """The address without its scheme; the whole of it for `https:` and `http:`."""
        return self.uri if self.scheme in ("https", "http") else self.uri.partition(":")[2]

    @model_validator(mode="after")
    def _plain_http_is_pinned(self) -> Source:
        if self.scheme == "http" and self.sha256 is None:
            raise ValueError("a plain http: source needs a sha256, for nothing else protects it on its way")
        return self


class StoreFile(_Table):
    """One file of the model, as it lies in the store."""

    name: RelativePath
    """Its path below the model's folder."""
    source: str = ""
    """The `id` of its source; may be left out where there is one source."""
    member: RelativePath | None = None
    """Its path inside the source's archive. Unset (and no `parts`, no `convert`): the source is the file itself."""
    parts: tuple[str, ...] = ()
    """`"source id:member"` entries that are joined end to end, for the conversion if there is one."""
    convert: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    """`"module:function"`, called as `function(source: Path, target: Path) -> None`."""
    inputs: tuple[RelativePath, ...] = Field(default=(), alias="from")
    """Members for the conversion, laid side by side in one folder; the function gets the first. Unset with `parts`."""
    sha256: Sha256 | None = None
    """Of the file. Not named for converted files: the store records what the conversion made."""
    size: Bytes | None = None
    """Bytes of the file."""

    @model_validator(mode="after")
    def _has_one_origin(self) -> StoreFile:
        if (self.member is not None) + bool(self.parts) + bool(self.inputs) > 1:
            raise ValueError("give one of member, parts, from")
        if self.convert is None and self.inputs:
            raise ValueError("from needs a convert")
        if self.convert is not None and not (self.inputs or self.parts):
            raise ValueError("convert needs a from, or parts")
        return self


class StoreTree(_Table):
    """A whole folder of an archive, for sources whose files are not known one by one."""

    member: RelativePath
    """The folder inside the archive; its content is laid out directly in the model's folder."""
    source: str = ""
    """As in `[[file]]`."""


class Tensor(_Table):
    """One input or output of a network."""

    name: str
    """As the network calls it."""
    dtype: str
    """As numpy calls it."""
    shape: tuple[int | str, ...]
    """A word stands for a size that varies."""
    layout: str = ""
    """Such as "NHWC"."""
    range: tuple[float, float] | None = None
    """Lowest and highest value."""
    meaning: str = ""
    """What it holds, with its unit."""


class Manifest(_Table):
    """A `model.toml`."""

    name: str = Field(exclude=True)
    """The name of its folder."""
    folder: Path = Field(exclude=True)
    """Where it and its labels lie."""
    task: str
    """What it does: "voice-activity", "speech-recognition", "sample-data" …"""
    title: str
    """What people call it."""
    description: str = ""
    """More than the title, where that is needed."""
    version: str
    """Of the package or model. Raising it makes every machine pull again."""
    licence: Annotated[str, Field(min_length=1)]
    """SPDX identifier where there is one, else a name, or "unstated"."""
    licence_source: Annotated[str, Field(min_length=1)]
    """Where that is said."""
    licence_clear: bool
    """False where the weights' own terms could not be confirmed."""
    languages: tuple[str, ...] = ()
    """BCP 47 primary tags."""
    default: bool = False
    """Whether `assistant models pull` gets it without being asked by name."""
    used_by: tuple[str, ...] = ()
    """The parts of the assistant that load it."""
    sources: Annotated[tuple[Source, ...], Field(min_length=1, alias="source")]
    files: tuple[StoreFile, ...] = Field(default=(), alias="file")
    trees: tuple[StoreTree, ...] = Field(default=(), alias="tree")
    inputs: tuple[Tensor, ...] = Field(default=(), alias="input")
    outputs: tuple[Tensor, ...] = Field(default=(), alias="output")
    preprocessing: dict[str, Any] = {}
    """How data is prepared for it: sample rate, resizing, scaling. Free in form."""
    labels: tuple[str, ...] = ()
    """In the order of the network's classes; filled from `labels_file` where that is given."""
    labels_file: RelativePath | None = None
    """One label a line, beside the `model.toml`."""
    notes: tuple[str, ...] = ()
    """Limits, biases, measured quality."""

    @property
    def kind(self) -> Literal["store", "package"]:
        """ "package" for a model inside an installed Python package, "store" for what is pulled."""
        return "package" if self.sources[0].scheme == "package" else "store"

    @property
    def download_bytes(self) -> int | None:
        """Bytes that a pull fetches, None where a source does not say."""
        sizes = [source.size for source in self.sources]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def fingerprint(self) -> str:
        """Changes when what is stored would: version, sources or files."""
        origins = [source.sha256 or source.uri for source in self.sources]
        layout = [entry.model_dump_json() for entry in (*self.files, *self.trees)]
        content = json.dumps([self.version, origins, layout])
        return sha256(content.encode()).hexdigest()

    def source(self, id: str) -> Source:
        """The source that a file names."""
        return next(source for source in self.sources if source.id == id or (id == "" and len(self.sources) == 1))

    @model_validator(mode="after")
    def _refers_to_its_sources(self) -> Manifest:
        known = {source.id for source in self.sources}
        if len(known) != len(self.sources):
            raise ValueError("several sources need different ids")
        alone = len(self.sources) == 1
        wanted = [part.partition(":")[0] for file in self.files for part in file.parts]
        wanted += [file.source for file in self.files if not file.parts]
        wanted += [tree.source for tree in self.trees]
        for id in wanted:
            if id not in known and not (id == "" and alone):
                raise ValueError(f"there is no source with the id '{id}'")
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        if self.kind == "store" and not self.files and not self.trees:
            raise ValueError("name at least one file or tree")
        return self


def load_manifest(path: Path) -> Manifest:
    """Read a `model.toml`; its folder's name is the model's. Raises `ManifestError` naming the file and the key."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} is not valid TOML: {error}.") from error
    content |= {"name": path.parent.name, "folder": path.parent}
    if isinstance(labels_file := content.get("labels_file"), str) and "labels" not in content:
        content["labels"] = _read_labels(path, path.parent / labels_file)
    try:
        return Manifest.model_validate(_tuples(content))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ManifestError(
            f"{path}: {key}: {re.sub('^Value error, ', '', first['msg'])}.",
            remedy="docs/models.md lists every key of a model.toml.",
        ) from error


def _read_labels(manifest: Path, path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ManifestError(f"{manifest}: labels_file: {path.name} cannot be read: {error.strerror}.") from error


def _tuples(value: Any) -> Any:
    """TOML arrays as tuples, which is what strict validation takes for an immutable sequence."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
