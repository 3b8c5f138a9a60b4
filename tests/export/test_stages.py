"""Stages: done once for the same inputs, configuration and code; nothing left of what failed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import cv2
import onnxruntime
import pytest

from assistant.models.progress import NoProgress
from export import stages
from export.source_hash import source_hash
from export.stages import Stage, StageCache, tool_versions

STAGE = Stage("emit", "emit", ("export.errors",), {"model.onnx": "ab" * 32}, {"precision": "fp16"})


def writing(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "result").write_text(text) and None


def forbidden(_folder: Path) -> None:
    raise AssertionError("The work was done again.")


@pytest.fixture
def cache(tmp_path: Path) -> StageCache:
    return StageCache(tmp_path, "recipe", NoProgress())


def test_the_same_stage_is_done_once(cache: StageCache) -> None:
    first = cache.run(STAGE, writing("a"))
    second = cache.run(STAGE, forbidden)
    assert (first.cached, second.cached) == (False, True)
    assert second.path("result").read_text() == "a"
    assert first.files == second.files


@pytest.mark.parametrize(
    "changed",
    [
        replace(STAGE, inputs={"model.onnx": "cd" * 32}),
        replace(STAGE, configuration={"precision": "fp32"}),
        replace(STAGE, code=("export.stages",)),
    ],
    ids=["input", "configuration", "code"],
)
def test_another_input_configuration_or_code_is_another_stage(cache: StageCache, changed: Stage) -> None:
    cache.run(STAGE, writing("a"))
    assert cache.run(changed, writing("b")).path("result").read_text() == "b"
    assert cache.run(STAGE, forbidden).path("result").read_text() == "a"


def test_a_tool_that_came_as_another_package_counts_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def missing(package: str) -> str:
        if package in ("onnxruntime", "opencv-python-headless"):
            raise metadata.PackageNotFoundError(package)
        return known(package)

    monkeypatch.setattr(metadata, "version", missing)
    stages._version.cache_clear()
    try:
        assert tool_versions()["onnxruntime"] == onnxruntime.__version__
        assert tool_versions()["opencv-python-headless"] == cv2.__version__
        first = STAGE.key
        stages._version.cache_clear()
        monkeypatch.setattr(onnxruntime, "__version__", "99")
        assert STAGE.key != first
    finally:
        stages._version.cache_clear()


def test_nothing_is_kept_of_a_stage_that_fails(cache: StageCache, tmp_path: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "result").write_text("half")
        raise KeyboardInterrupt

    with cache.locked(), pytest.raises(KeyboardInterrupt):
        cache.run(STAGE, fails)
    assert not list(tmp_path.rglob("result"))
    assert cache.run(STAGE, writing("whole")).path("result").read_text() == "whole"


def test_a_truncated_result_is_made_again(cache: StageCache) -> None:
    cache.run(STAGE, writing("whole")).path("result").write_text("wh")
    assert cache.run(STAGE, writing("whole")).path("result").read_text() == "whole"


def test_an_altered_result_is_made_again_by_the_next_build(cache: StageCache, tmp_path: Path) -> None:
    with cache.locked():
        result = cache.run(STAGE, writing("whole")).path("result")
    status = result.stat()
    result.write_text("whale")
    os.utime(result, ns=(status.st_atime_ns, status.st_mtime_ns))
    later = StageCache(tmp_path, "recipe", NoProgress())
    with later.locked():
        assert later.run(STAGE, writing("whole")).path("result").read_text() == "whole"
    assert StageCache(tmp_path, "recipe", NoProgress()).run(STAGE, forbidden).cached


def test_results_of_earlier_configurations_are_deleted_on_request(cache: StageCache, tmp_path: Path) -> None:
    cache.run(STAGE, writing("a"))
    later = StageCache(tmp_path, "recipe", NoProgress())
    later.run(replace(STAGE, configuration={}), writing("b"))
    later.keep_only_used()
    assert [path.read_text() for path in tmp_path.rglob("result")] == ["b"]


def test_a_file_counts_with_its_content_wherever_it_lies(tmp_path: Path) -> None:
    for place in ("here/recipe", "there/recipe"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "recipe.py").write_text("VALUE = 1\n")
    here, there = (tmp_path / place / "recipe/recipe.py" for place in ("here", "there"))
    assert source_hash([here]) == source_hash([there])
    other = tmp_path / "other" / "recipe" / "recipe.py"
    other.parent.mkdir(parents=True)
    other.write_text("VALUE = 2\n")
    assert source_hash([other]) != source_hash([here])


def test_code_counts_with_what_it_imports(tmp_path: Path) -> None:
    importing, alone = tmp_path / "a" / "recipe.py", tmp_path / "b" / "recipe.py"
    for path, text in ((importing, "import export.errors\n"), (alone, "import json\n")):
        path.parent.mkdir()
        path.write_text(text)
    assert source_hash([importing, "export.errors"]) == source_hash([importing])
    assert source_hash([alone, "export.errors"]) != source_hash([alone])
