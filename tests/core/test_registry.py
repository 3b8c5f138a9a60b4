"""What is said of a backend whose package is not installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.asr import RECOGNIZERS
from assistant.errors import DependencyMissingError
from assistant.registry import resolve
from assistant.vision import TEXT_READERS
from assistant.wake import FIRST_STAGES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize(
    ("registry", "name", "package", "extra"),
    [
        (RECOGNIZERS, "vosk", "vosk", "vosk"),
        (FIRST_STAGES, "micro", "pymicro_wakeword", "wake"),
        (TEXT_READERS, "rapidocr", "rapidocr", "ocr"),
    ],
)
def test_the_extra_that_brings_it_is_named_for_a_clone_and_for_the_service(
    registry: Mapping[str, str], name: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, registry[name].partition(":")[0], raising=False)
    with pytest.raises(DependencyMissingError, match=f"'{package}'") as caught:
        resolve(registry, name, kind="backend")
    remedy = caught.value.remedy or ""
    assert f".venv/bin/pip install --editable '.[{extra}]'" in remedy
    assert f"sudo ./install.sh --with {extra}" in remedy
    assert any(needed.startswith(package.replace("_", "-")) for needed in PROJECT["optional-dependencies"][extra])
