"""Files that PyTorch writes: weights are named, TorchScript is converted, and nothing is ever unpickled."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import AssistantError, ConfigError
from export.importing import import_source
from export.reference import exact_network
from tests.doubles.checkpoints import refused


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.path,)


def test_pickles_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert "Nothing is unpickled" in refused(tmp_path / "model.pt", tmp_path).message
    assert not (tmp_path / "exploded").exists()


def test_a_bare_state_dict_says_what_it_holds(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="only torch writes its own files")
    torch.save({"conv.weight": torch.zeros(2, 2)}, tmp_path / "model.pth")
    error = refused(tmp_path / "model.pth", tmp_path)
    assert "1 tensors, the first 'conv.weight'" in error.message and "config.json" in str(error.remedy)


def test_a_truncated_torch_file_is_not_taken_for_one_with_more_than_weights(tmp_path: Path) -> None:
    whole = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    (tmp_path / "model.bin").write_bytes(whole[:-5])
    error = refused(tmp_path / "model.bin", tmp_path)
    assert "model.bin is no PyTorch checkpoint of plain tensors: " in error.message
    assert "more in it than weights" not in error.message and "copy it again" in str(error.remedy)


def test_a_torch_export_archive_is_refused_for_it_would_be_unpickled(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.pt2", "w") as archive:
        archive.writestr("model/models/model.json", "{}")
    assert "torch.export archive" in refused(tmp_path / "model.pt2", tmp_path).message


def write_torchscript_names(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/code/__torch__.py", "")
        archive.writestr("model/constants.pkl", pickle.dumps(Bomb(path.parent / "exploded")))
    return path


def test_torchscript_asks_for_the_shape_of_its_inputs(tmp_path: Path) -> None:
    assert "--input 1x3x224x224" in str(refused(write_torchscript_names(tmp_path / "model.pt"), tmp_path).remedy)
    with pytest.raises(ConfigError, match="'1,3' is no shape"):
        import_source(tmp_path / "model.pt", None, tmp_path / "recipes", ["1,3"])


def test_damaged_torchscript_is_one_clear_error_and_runs_nothing(tmp_path: Path) -> None:
    path = write_torchscript_names(tmp_path / "model.pt")
    with pytest.raises(AssistantError, match="torch"):  # cannot convert it, or is not installed
        import_source(path, None, tmp_path / "recipes", ["1x3x16x16"])
    assert not (tmp_path / "exploded").exists() and not (tmp_path / "recipes").exists()


def test_torchscript_becomes_the_same_network(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")
    layers = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 5)
    network = torch.nn.Sequential(*layers).eval()
    picture = torch.randn(1, 3, 16, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what many files are
        torch.jit.trace(network, picture).save(str(tmp_path / "model.pt"))
    folder = import_source(tmp_path / "model.pt", None, tmp_path / "recipes", ["1x3x16x16"])
    (found,) = exact_network(folder / "model.onnx")({"input_0": picture.numpy()}).values()
    np.testing.assert_allclose(found, network(picture).detach().numpy(), atol=1e-5)


def write_torchscript(path: Path, module: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("torch").jit.script(module).save(str(path))
    return path


def test_torchscript_that_becomes_another_network_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Noisy(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            return x, x + torch.rand_like(x)

    path = write_torchscript(tmp_path / "model.pt", Noisy())
    with pytest.raises(AssistantError, match=r"computes something else: on one random input output 1 differs\."):
        import_source(path, None, tmp_path / "recipes", ["1x4"])
    assert not (tmp_path / "recipes").exists()


def test_torchscript_may_change_its_input_and_take_it_for_indices(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class InPlace(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = torch.nn.Embedding(3, 2)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.table(x.long()), x.mul_(2.0).add_(1.0)

    path = write_torchscript(tmp_path / "model.pt", InPlace())
    folder = import_source(path, None, tmp_path / "recipes", ["1x4"])
    _, doubled = exact_network(folder / "model.onnx")({"input_0": np.ones((1, 4), np.float32)}).values()
    np.testing.assert_array_equal(doubled, np.full((1, 4), 3, np.float32))


def test_torchscript_may_answer_with_numbers_and_with_nothing(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Varied(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            # type: (Tensor) -> Tuple[Tensor, Optional[Tensor], int]
            return x + 1.0, None, 3

    path = write_torchscript(tmp_path / "model.pt", Varied())
    folder = import_source(path, None, tmp_path / "recipes", ["1x4"])
    found = exact_network(folder / "model.onnx")({"input_0": np.zeros((1, 4), np.float32)})
    assert [array.tolist() for array in found.values()] == [[[1.0] * 4], 3]


def test_torchscript_that_refuses_random_numbers_was_converted_and_cannot_be_compared(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch converts TorchScript, and is an extra")

    class Zeros(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x):  # type: ignore[no-untyped-def]
            assert bool(x.sum() == 0), "not zero"
            return x + 1.0

    path = write_torchscript(tmp_path / "model.pt", Zeros())
    with pytest.raises(AssistantError, match=r"does not run on random numbers from 0 to 1: .*not zero"):
        import_source(path, None, tmp_path / "recipes", ["1x4"])
