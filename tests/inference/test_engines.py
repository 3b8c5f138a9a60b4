"""What the assistant's networks run on, and that it is told once."""

from __future__ import annotations

import gc
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.config import Config, InferenceConfig
from assistant.errors import ModelError
from assistant.inference.bundle import MANIFEST_FILE
from assistant.inference.engine_build import compile_bundle
from assistant.inference.engine_options import CompileOptions
from assistant.inference.engines import ENGINES, Engines
from assistant.inference.loader import SessionOptions
from assistant.inference.opened_session import OpenedSession
from assistant.inference.stack import DeviceStack
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from assistant.vad.silero import FILENAME, MODEL, SileroDetector
from export.onnx_file import read_onnx, shape_of
from export.recipes_of_yours import find_recipe
from tests.doubles.networks import tiny_bundle, tiny_network
from tests.doubles.tensorrt_stack import JETPACK_6, NO_DRIVER, fake_cuda, fake_stack
from tests.inference.conftest import Faults

X = np.array([[0.5, -1.0, 2.0, 0.25]], np.float32)
COMPILATION = CompileOptions(precisions=("fp16",), runs=3)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    tiny_bundle(tmp_path / "bundles" / "tiny")
    tiny_network(tmp_path / "plain.onnx")
    return tmp_path / "bundles"


def engines(folder: Path, stack: DeviceStack = JETPACK_6) -> Engines:
    return Engines(stack, SessionOptions(cache=folder / "cache", compilation=COMPILATION))


def settings(bundles: Path, **more: object) -> InferenceConfig:
    return InferenceConfig.model_validate({"bundles": bundles, **more})


def test_an_engine_is_taken_where_there_is_one(bundles: Path) -> None:
    folder = bundles.parent
    assert compile_bundle(bundles / "tiny", folder / "cache", COMPILATION, stack=JETPACK_6).ok
    opener = engines(folder)
    session = opener.open(settings(bundles), "tiny", folder / "plain.onnx")
    assert session.backend == "tensorrt"
    assert session.run({"x": X})["y"].shape[0] == 1
    assert opener.running_on() == {"tiny": "tensorrt"}
    session.close()
    session = opener.open(settings(bundles, backend="onnxruntime"), "tiny", folder / "plain.onnx")
    assert session.backend == "onnxruntime"
    assert "configuration asks" in opener.running_on()["tiny"]


def test_the_service_takes_engines_of_the_bundles_that_its_unit_builds_them_from(
    bundles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a configuration that is older than the key: an upgrade leaves that as it is."""
    units = Path(__file__).parents[2] / "systemd" / "units"
    service, builder = ((units / f"edge-assistant{name}.service").read_text("utf-8") for name in ("", "-engines"))
    [state] = re.findall(r"^StateDirectory=(\S+)$", service, re.MULTILINE)
    [built_from] = re.findall(r"^ExecStart=.* in (/\S+)/\*/;", builder, re.MULTILINE)
    there = tmp_path / "root" / built_from.lstrip("/")
    there.parent.mkdir(parents=True)
    bundles.rename(there)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "root" / "var" / "lib" / state))
    assert compile_bundle(there / "tiny", tmp_path / "cache", COMPILATION, stack=JETPACK_6).ok
    opener = engines(tmp_path)
    session = opener.open(InferenceConfig(), "tiny", tmp_path / "plain.onnx")
    assert opener.running_on() == {"tiny": "tensorrt"}
    session.close()


def test_a_machine_without_driver_is_told_of_once_for_all_networks(
    bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opener = Engines(NO_DRIVER)
    with caplog.at_level(logging.INFO, logger="assistant"):
        for name in ("tiny", "another", "third"):
            assert opener.open(settings(bundles), name, bundles.parent / "plain.onnx").backend == "onnxruntime"
    assert [record.message for record in caplog.records if "no-driver" in record.message] == [
        record.message for record in caplog.records
    ]
    assert len(caplog.records) == 1
    assert all("NVIDIA driver" in why for why in opener.running_on().values()) and len(opener.running_on()) == 3


def test_a_bundle_that_is_none_does_not_stop_the_assistant(bundles: Path, caplog: pytest.LogCaptureFixture) -> None:
    (bundles / "tiny" / MANIFEST_FILE).write_text("{}")
    session = Engines(NO_DRIVER).open(settings(bundles), "tiny", bundles.parent / "plain.onnx")
    assert session.backend == "onnxruntime" and "y" in session.run({"x": X})
    assert "its bundle cannot be used" in caplog.text


def test_a_bundle_that_cannot_be_read_does_not_stop_the_assistant(
    bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (bundles / "tiny" / MANIFEST_FILE).unlink()
    (bundles / "tiny" / MANIFEST_FILE).mkdir()
    session = Engines(NO_DRIVER).open(settings(bundles), "tiny", bundles.parent / "plain.onnx")
    assert session.backend == "onnxruntime" and "y" in session.run({"x": X})
    assert "cannot be read" in caplog.text


def test_a_model_that_nobody_takes_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot be loaded"):
        Engines(NO_DRIVER).open(settings(tmp_path / "none"), "tiny", tmp_path / "bad.onnx")


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_missing_engine_is_built_only_while_someone_is_there_for_it(bundles: Path) -> None:
    folder = bundles.parent
    opener = engines(folder)
    opener.open(settings(bundles), "tiny", folder / "plain.onnx").close()
    assert not (folder / "cache").exists()
    with opener.building():
        opener.open(settings(bundles), "tiny", folder / "plain.onnx").close()
        until(lambda: any((folder / "cache").rglob("choice.json")) or any((folder / "cache").rglob("*.engine")))
        until(lambda: opener.open(settings(bundles), "tiny", folder / "plain.onnx").backend == "tensorrt")


def test_an_engine_that_fails_at_work_is_told_of(bundles: Path, faults: Faults) -> None:
    folder = bundles.parent
    assert compile_bundle(bundles / "tiny", folder / "cache", COMPILATION, stack=JETPACK_6).ok
    graphless = fake_stack("GRAPHLESS", "10.3.0")  # so that every call goes through the fault
    fake_cuda("GRAPHLESS").supports_graphs = False
    opener = engines(folder, graphless)
    session = opener.open(settings(bundles), "tiny", folder / "plain.onnx")
    faults({"at": "execute", "do": "fail"})
    session.run({"x": X})
    assert session.backend == "onnxruntime"
    assert opener.running_on()["tiny"].startswith("onnxruntime: ")


@pytest.mark.parametrize("at", ["load", "execute"])
def test_an_engine_that_failed_is_tried_again_by_the_next_assistant(bundles: Path, faults: Faults, at: str) -> None:
    folder = bundles.parent
    assert compile_bundle(bundles / "tiny", folder / "cache", COMPILATION, stack=JETPACK_6).ok
    graphless = fake_stack("GRAPHLESS", "10.3.0")
    fake_cuda("GRAPHLESS").supports_graphs = False
    opener = engines(folder, graphless)

    def opened() -> OpenedSession:
        return opener.open(settings(bundles), "tiny", folder / "plain.onnx")

    with KEPT.keeping():
        if at == "load":
            faults({"at": "allocate", "do": "out-of-memory"})
        session = opened()
        if at == "execute":
            faults({"at": "execute", "do": "fail"})
        session.run({"x": X})
        assert session.backend == "onnxruntime"
        faults()
        again = opened()
        assert again.backend == "tensorrt" and opener.running_on() == {"tiny": "tensorrt"}
        assert opened() is again, "what works is kept"


def test_a_session_that_nobody_closes_gives_the_gpu_back(bundles: Path) -> None:
    folder, cuda = bundles.parent, fake_cuda("JETPACK_6")
    assert compile_bundle(bundles / "tiny", folder / "cache", COMPILATION, stack=JETPACK_6).ok
    before = cuda.leaks
    session = engines(folder).open(settings(bundles), "tiny", folder / "plain.onnx")
    assert cuda.leaks > before
    del session
    gc.collect()
    assert cuda.leaks == before


STORED = {
    "voice-activity": (MODEL, FILENAME),
    "object-detector": ("centernet", "centernet.onnx"),
    "face-detector": ("blazeface", "blazeface.onnx"),
    "face-emotion": ("face-emotion", "emotion.onnx"),
    "image-encoder": ("efficientnet-lite0", "efficientnet-lite0.onnx"),
}


@pytest.mark.models
@pytest.mark.parametrize("recipe", STORED)
def test_a_bundle_takes_and_gives_what_the_assistant_expects_of_the_stored_file(
    recipe: str, model_store: ModelStore, tmp_path: Path
) -> None:
    found = find_recipe(recipe)
    found.export(found.sources(model_store), tmp_path / "exported.onnx")
    exported = read_onnx(tmp_path / "exported.onnx").graph
    stored = read_onnx(model_store.file(*STORED[recipe]), static=False).graph if recipe != "voice-activity" else None
    if stored is None:  # whose own file has an opset that is not exported: its names are in its backend
        assert {item.name for item in exported.input} == {"input", "state"}
        assert {item.name for item in exported.output} == {"output", "stateN"}
        return
    assert [item.name for item in exported.input] == [item.name for item in stored.input]
    assert {item.name for item in exported.output} == {item.name for item in stored.output}
    assert shape_of(exported.input[0])[1:] == shape_of(stored.input[0])[1:]


@pytest.mark.models
def test_silero_hears_the_same_from_its_exported_network(model_store: ModelStore, tmp_path: Path) -> None:
    found = find_recipe("voice-activity")
    found.export(found.sources(model_store), tmp_path / "exported.onnx")
    own = SileroDetector.create(Config(), model_store)
    exported = SileroDetector(ENGINES.open(InferenceConfig(), "none", tmp_path / "exported.onnx"))
    rng = np.random.default_rng(0)
    for _ in range(20):
        block = rng.standard_normal(512).astype(np.float32) * 0.1
        assert exported.probability(block) == pytest.approx(own.probability(block), abs=1e-5)
