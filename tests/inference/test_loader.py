"""Opening networks: every row of the table of failures, through `open_session`."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import psutil
import pytest

from assistant.errors import ModelError
from assistant.inference.engine_build import compile_bundle
from assistant.inference.engine_cache import EngineCache
from assistant.inference.engine_options import CompileOptions
from assistant.inference.fallback import EngineError, Fallback, FallbackReason
from assistant.inference.loader import RebuildRequest, SessionOptions, open_session
from assistant.inference.onnxruntime_session import CPU, OnnxRuntimeSession
from assistant.inference.opened_session import OpenedSession
from assistant.inference.rebuild import BackgroundRebuilds
from assistant.inference.stack import DeviceStack
from tests.doubles.networks import tiny_bundle, tiny_network
from tests.doubles.tensorrt_stack import JETPACK_6, JETPACK_7, NO_DRIVER, THOR, fake_cuda, fake_stack
from tests.inference.conftest import Faults

X = np.array([[0.5, -1.0, 2.0, 0.25]], np.float32)
OPTIONS = CompileOptions(precisions=("fp16",), runs=3)


class Device:
    """A compiled bundle, and what was said while it was opened."""

    def __init__(self, bundle: Path, cache: Path) -> None:
        self.bundle, self.cache = bundle, cache
        self.heard: list[Fallback] = []
        self.requests: list[RebuildRequest] = []

    def open(self, stack: DeviceStack = JETPACK_6, compilation: CompileOptions = OPTIONS) -> OpenedSession:
        options = SessionOptions(cache=self.cache, compilation=compilation)
        return open_session(
            self.bundle, options, stack=stack, on_fallback=self.heard.append, rebuild=self.requests.append
        )

    def falls_back(self, reason: FallbackReason, stack: DeviceStack = JETPACK_6) -> Fallback:
        """Open it; it must run on onnxruntime, give the right numbers, and say why."""
        session = self.open(stack)
        assert session.backend == "onnxruntime"
        assert session.reason is not None
        assert session.reason.reason is reason
        assert self.heard[-1] == session.reason
        assert session.reason.sentence
        expected = OnnxRuntimeSession(self.bundle / "fp32.onnx").run({"x": X})
        np.testing.assert_allclose(session.run({"x": X})["y"], expected["y"], rtol=1e-6)
        session.close()
        return session.reason

    @property
    def engine(self) -> Path:
        return next((self.cache / "tiny").glob("*.engine"))

    @property
    def quarantined(self) -> list[str]:
        return [path.read_text() for path in sorted(self.cache.glob("quarantine/*/reason.txt"))]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Device:
    folder = tmp_path_factory.mktemp("compiled")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    device = Device(tiny_bundle(folder / "bundle"), folder / "cache")
    assert compile_bundle(device.bundle, device.cache, OPTIONS, stack=JETPACK_6).ok
    patch.undo()
    return device


@pytest.fixture
def device(compiled: Device, tmp_path: Path) -> Device:
    """A private copy of it."""
    shutil.copytree(compiled.bundle, tmp_path / "bundle")
    shutil.copytree(compiled.cache, tmp_path / "cache")
    return Device(tmp_path / "bundle", tmp_path / "cache")


def test_runs_the_engine_that_was_chosen(device: Device) -> None:
    session = device.open()
    assert (session.backend, session.reason, session.fallbacks) == ("tensorrt", None, ())
    expected = OnnxRuntimeSession(device.bundle / "fp32.onnx").run({"x": X})
    np.testing.assert_allclose(session.run({"x": X})["y"], expected["y"], atol=2e-3)
    session.close()
    session.close()
    assert not device.heard
    assert not device.requests


def test_no_driver(device: Device) -> None:
    reason = device.falls_back(FallbackReason.NO_DRIVER, NO_DRIVER)
    assert "libcuda.so.1" in reason.sentence
    assert not device.requests
    assert not device.quarantined


def test_no_tensorrt(device: Device) -> None:
    def missing() -> None:
        raise EngineError(FallbackReason.NO_TENSORRT, "TensorRT cannot be imported.")

    stack = DeviceStack("", JETPACK_6.probe, missing, JETPACK_6.open_cuda)
    device.falls_back(FallbackReason.NO_TENSORRT, stack)


def test_no_engine_yet(tmp_path: Path) -> None:
    device = Device(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache")
    device.falls_back(FallbackReason.NOT_BUILT)
    assert [request.bundle for request in device.requests] == [device.bundle]
    assert not device.cache.exists()


def truncate(device: Device) -> None:
    device.engine.write_bytes(device.engine.read_bytes()[:-50])


def alter(device: Device) -> None:
    content = bytearray(device.engine.read_bytes())
    content[-1] ^= 1
    device.engine.write_bytes(content)


def remove(device: Device) -> None:
    device.engine.unlink()


def scribble_on_sidecar(device: Device) -> None:
    device.engine.with_suffix(".json").write_text('{"key": 1}')


def remove_sidecar(device: Device) -> None:
    device.engine.with_suffix(".json").unlink()


def scribble_on_choice(device: Device) -> None:
    (device.cache / "tiny" / "choice.json").write_text("not JSON")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, FallbackReason.HASH_MISMATCH),
        (alter, FallbackReason.HASH_MISMATCH),
        (remove, FallbackReason.HASH_MISMATCH),
        (scribble_on_sidecar, FallbackReason.SIDECAR_DAMAGED),
        (remove_sidecar, FallbackReason.SIDECAR_DAMAGED),
        (scribble_on_choice, FallbackReason.SIDECAR_DAMAGED),
    ],
)
def test_a_damaged_engine_is_quarantined_and_asked_for_again(
    damage: Callable[[Device], None], reason: FallbackReason, device: Device
) -> None:
    damage(device)
    device.falls_back(reason)
    assert len(device.requests) == 1
    assert device.requests[0].because.reason is reason
    assert f"code: {reason.value}" in device.quarantined[0]
    device.falls_back(FallbackReason.NOT_BUILT)


@pytest.mark.parametrize(
    ("stack", "reason", "words"),
    [
        (JETPACK_7, FallbackReason.VERSION_MISMATCH, "expected TensorRT 10.13.3.9, got 10.3.0"),
        (THOR, FallbackReason.GPU_MISMATCH, "expected GPU Thor, got Orin; compute capability 11.0, got 8.7"),
    ],
)
def test_another_version_or_gpu(stack: DeviceStack, reason: FallbackReason, words: str, device: Device) -> None:
    assert words in device.falls_back(reason, stack).sentence
    assert len(device.requests) == len(device.quarantined) == 1


def test_an_engine_that_tensorrt_refuses_is_quarantined_with_its_words(device: Device, faults: Faults) -> None:
    faults({"at": "deserialize", "do": "none"})
    reason = device.falls_back(FallbackReason.DESERIALIZE_FAILED)
    assert "Failed to load the plan" in reason.sentence
    assert "Failed to load the plan" in device.quarantined[0]
    assert len(device.requests) == 1


def test_a_gpu_without_room_is_not_the_engines_fault(device: Device, faults: Faults) -> None:
    for at, do in (("allocate", "out-of-memory"), ("context", "none")):
        faults({"at": at, "do": do})
        device.falls_back(FallbackReason.OUT_OF_MEMORY)
    assert not device.requests
    assert not device.quarantined
    assert fake_cuda("JETPACK_6").leaks == 0
    faults()
    session = device.open()
    assert session.backend == "tensorrt"
    session.close()


def test_a_gpu_that_breaks_while_an_engine_is_loaded_is_no_engines_fault(device: Device, faults: Faults) -> None:
    faults({"at": "wait", "do": "illegal-address"})
    try:
        assert "ILLEGAL_ADDRESS" in device.falls_back(FallbackReason.CUDA_FAILED).sentence
    finally:
        fake_cuda("JETPACK_6").begin_anew()
    assert not device.quarantined


def test_a_bundle_with_other_tensors_or_options_gets_new_engines(device: Device) -> None:
    session = device.open(compilation=CompileOptions(precisions=("int8-trt",)))
    assert session.reason is not None and session.reason.reason is FallbackReason.BUNDLE_CHANGED
    manifest = json.loads((device.bundle / "manifest.json").read_text())
    manifest["title"] = "Another"
    (device.bundle / "manifest.json").write_text(json.dumps(manifest))
    device.falls_back(FallbackReason.BUNDLE_CHANGED)
    assert len(device.requests) == 2
    assert not device.quarantined, "the old engine is sound"


def test_an_engine_with_other_tensors_than_promised(device: Device) -> None:
    manifest = json.loads((device.bundle / "manifest.json").read_text())
    manifest["outputs"][0]["shape"] = [1, 5]
    (device.bundle / "manifest.json").write_text(json.dumps(manifest))
    path = device.cache / "tiny" / "choice.json"
    choice = json.loads(path.read_text())
    choice["bundle_sha256"] = hashlib.sha256((device.bundle / "manifest.json").read_bytes()).hexdigest()
    path.write_text(json.dumps(choice))
    reason = device.falls_back(FallbackReason.CONTRACT_MISMATCH)
    assert "expected 'p' float32 [1, 3], 'y' float32 [1, 5], got 'p' float32 [1, 3], 'y' float32 [1, 3]" in (
        reason.sentence
    )
    assert len(device.quarantined) == 1


def test_a_compilation_that_found_no_engine_is_believed(tmp_path: Path, faults: Faults) -> None:
    device = Device(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache")
    faults({"at": "parse", "do": "refuse"})
    compile_bundle(device.bundle, device.cache, OPTIONS, stack=JETPACK_6)
    assert "Frobnicate" in device.falls_back(FallbackReason.BUILD_FAILED).sentence
    assert not device.requests, "it would fail again at every start"


def test_a_reason_that_only_a_later_version_knows_is_no_crash(device: Device) -> None:
    path = device.cache / "tiny" / "choice.json"
    choice = json.loads(path.read_text()) | {"winner": None, "engine": None, "reason_code": "tired"}
    path.write_text(json.dumps(choice))
    device.falls_back(FallbackReason.SIDECAR_DAMAGED)
    assert len(device.requests) == len(device.quarantined) == 1


def test_an_engine_that_was_published_meanwhile_is_not_put_away(device: Device) -> None:
    cache = EngineCache(device.cache)
    judged = cache.state("tiny")
    choice = cache.choice("tiny")
    assert choice is not None
    cache.publish_choice(choice)
    cache.quarantine("tiny", Fallback(FallbackReason.HASH_MISMATCH, "It was damaged."), judged)
    session = device.open()
    assert session.backend == "tensorrt" and not device.quarantined
    session.close()
    cache.quarantine("tiny", Fallback(FallbackReason.HASH_MISMATCH, "It was damaged."), cache.state("tiny"))
    cache.quarantine("tiny", Fallback(FallbackReason.HASH_MISMATCH, "It was damaged."), cache.state("tiny"))
    assert len(device.quarantined) == 1, "nothing is put away twice"


def test_the_quarantine_is_bounded(device: Device, compiled: Device) -> None:
    for _ in range(6):
        shutil.copytree(compiled.cache / "tiny", device.cache / "tiny", dirs_exist_ok=True)
        truncate(device)
        device.falls_back(FallbackReason.HASH_MISMATCH)
    assert len(device.quarantined) == 4


def test_an_engine_that_fails_at_work_is_replaced_and_the_call_repeated(device: Device, faults: Faults) -> None:
    graphless = fake_stack("GRAPHLESS", "10.3.0")
    fake_cuda("GRAPHLESS").supports_graphs = False
    session = device.open(graphless)
    assert session.backend == "tensorrt"
    faults({"at": "execute", "do": "fail"})
    outputs = session.run({"x": X})
    assert outputs["y"].sum() == pytest.approx(1.0)
    assert session.backend == "onnxruntime"
    assert session.reason is not None and session.reason.reason is FallbackReason.CUDA_FAILED
    assert "illegal memory access" in session.reason.sentence
    assert fake_cuda("GRAPHLESS").leaks == 0


def test_onnxruntime_by_configuration_touches_no_gpu(device: Device) -> None:
    def never() -> None:
        raise AssertionError

    options = SessionOptions(backend="onnxruntime", cache=device.cache)
    session = open_session(device.bundle, options, stack=DeviceStack("", never, never, never))  # type: ignore[arg-type]
    assert session.reason is not None and session.reason.reason is FallbackReason.CONFIGURED


def test_a_plain_file_runs_on_onnxruntime(tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "network.onnx")
    without, beside = (open_session(network, stack=stack) for stack in (NO_DRIVER, JETPACK_6))
    assert without.reason is not None and without.reason.reason is FallbackReason.NO_DRIVER
    assert beside.reason is not None and beside.reason.reason is FallbackReason.NO_BUNDLE
    np.testing.assert_array_equal(without.run({"x": X})["y"], OnnxRuntimeSession(network).run({"x": X})["y"])


def test_a_dropped_provider_is_named_and_the_next_one_used(tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "network.onnx")
    options = SessionOptions(providers=("CUDAExecutionProvider", CPU))
    session = open_session(network, options, stack=NO_DRIVER)
    assert [step.reason for step in session.fallbacks] == [FallbackReason.NO_DRIVER, FallbackReason.PROVIDER_DROPPED]
    assert "CUDAExecutionProvider" in session.fallbacks[1].sentence
    assert session.run({"x": X})["y"].shape == (1, 3)
    with pytest.raises(EngineError, match="has no CUDAExecutionProvider here"):
        OnnxRuntimeSession(network, providers=("CUDAExecutionProvider",))


def test_a_provider_that_is_dropped_while_it_loads_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the GPU package is installed and its libraries are not: onnxruntime lists it and then does without."""
    network = tiny_network(tmp_path / "network.onnx")
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", CPU])
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(EngineError, match="has no CUDAExecutionProvider here") as caught,
    ):
        OnnxRuntimeSession(network, providers=("CUDAExecutionProvider", CPU))
    assert caught.value.reason is FallbackReason.PROVIDER_DROPPED


def test_a_model_that_onnxruntime_refuses_too_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"network\.onnx"):
        open_session(tmp_path / "network.onnx", stack=NO_DRIVER)
    with pytest.raises(ModelError, match=r"manifest\.json"):
        open_session(tmp_path, stack=JETPACK_6)


def test_a_misfit_is_rebuilt_in_the_background_and_used_from_the_next_start_on(device: Device) -> None:
    rebuilds = BackgroundRebuilds()
    options = SessionOptions(cache=device.cache, compilation=OPTIONS)
    try:
        first = open_session(device.bundle, options, stack=JETPACK_7, rebuild=rebuilds)
        assert first.backend == "onnxruntime"
        rebuilds.wait()
        second = open_session(device.bundle, options, stack=JETPACK_7, rebuild=rebuilds)
        assert second.backend == "tensorrt"
        second.close()
    finally:
        rebuilds.close()
        rebuilds.close()


def goes_first_without_memory(process: psutil.Process) -> bool:
    """What a child makes sure of before it begins to build."""
    try:
        return Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "1000"
    except OSError:
        return False


def test_a_background_build_dies_with_its_owner(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "build", "do": "hang"})
    device = Device(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache")
    rebuilds = BackgroundRebuilds()
    request = RebuildRequest(
        device.bundle, device.cache, OPTIONS, JETPACK_6, Fallback(FallbackReason.NOT_BUILT, "It is not there.")
    )
    me, deadline = psutil.Process(), time.monotonic() + 60
    others = me.children(recursive=True)
    rebuilds(request)

    def builders() -> list[psutil.Process]:
        return [child for child in me.children(recursive=True) if child not in others]

    while not (len(builders()) == 2 and any(map(goes_first_without_memory, builders()))):
        assert time.monotonic() < deadline, "no build began"
        time.sleep(0.05)
    children = builders()
    rebuilds.close()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
