"""Checkpoints in both of torch's formats, written by the test without torch, and what must be refused."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from export.errors import ConversionError
from export.onnx_from_efficientnet import convert_file
from export.torch_checkpoint import read_state_dict


class Stored:
    """What a tensor's pickle names instead of carrying it."""

    def __init__(self, key, storage_type):
        self.key = key
        self.storage_type = storage_type


class Rebuilt:
    """Pickles as torch pickles a tensor."""

    def __init__(self, rebuild, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())
        self.rebuild = rebuild

    def __reduce__(self):
        return self.rebuild, self.arguments


class TorchPickler(pickle.Pickler):
    def persistent_id(self, obj):
        return ("storage", obj.storage_type, obj.key, "cpu", 0, None) if isinstance(obj, Stored) else None


STORED = {
    "Double": np.float64,
    "Float": np.float32,
    "Half": np.float16,
    "BFloat16": np.uint16,
    "Long": np.int64,
    "Int": np.int32,
    "Short": np.int16,
    "Char": np.int8,
    "Byte": np.uint8,
    "Bool": np.bool_,
}
"""What torch calls each type → how its numbers lie in the file."""


@pytest.fixture
def torch(monkeypatch):
    """Just enough of torch for pickle to find the names that it writes."""
    torch_module, utils_module = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        raise AssertionError("only its name is pickled")

    storages = [(torch_module, type(f"{kind}Storage", (), {})) for kind in STORED]
    for module, thing in ((utils_module, _rebuild_tensor_v2), *storages):
        thing.__module__, thing.__qualname__ = module.__name__, thing.__name__
        setattr(module, thing.__name__, thing)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    torch_module._utils = utils_module
    return torch_module


def dumped(*things):
    stream = io.BytesIO()
    for thing in things:
        TorchPickler(stream, protocol=2).dump(thing)
    return stream.getvalue()


def state(torch, key="0", *, kind="Float", offset=0, shape=(2, 3), strides=(1, 2)):
    storage = Stored(key, getattr(torch, f"{kind}Storage"))
    return OrderedDict(weight=Rebuilt(torch._utils._rebuild_tensor_v2, storage, offset, shape, strides))


def legacy(state_dict, values):
    block = struct.pack("<q", values.size) + values.tobytes()
    return dumped(0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, state_dict, ["0"]) + block


def zipped(state_dict, values):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", dumped(state_dict))
        archive.writestr("archive/data/0", values.tobytes())
    return stream.getvalue()


VALUES = np.arange(6, dtype=np.float32)


@pytest.mark.parametrize("write", [legacy, zipped])
def test_tensor_with_strides_is_read(tmp_path, torch, write):
    (tmp_path / "model.pth").write_bytes(write(state(torch), VALUES))
    weights = read_state_dict(tmp_path / "model.pth")
    assert weights["weight"].tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize("write", [legacy, zipped])
@pytest.mark.parametrize("kind", STORED)
def test_every_type_of_number_is_read(tmp_path, torch, write, kind):
    # GPT-2's own checkpoint holds its attention mask as bytes, later ones as truth values.
    values = np.array([0, 1, 1, 0, 1, 0], STORED[kind])
    bits = values * 0x3F80 if kind == "BFloat16" else values  # 1.0
    (tmp_path / "model.pth").write_bytes(write(state(torch, kind=kind), bits.astype(STORED[kind])))
    weight = read_state_dict(tmp_path / "model.pth")["weight"]
    assert weight.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert weight.dtype == (np.float32 if kind == "BFloat16" else STORED[kind])


def refused(path):
    with pytest.raises(ConversionError) as caught:
        convert_file(path, path.with_suffix(".onnx"))
    assert not path.with_suffix(".onnx").exists()
    return str(caught.value)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("write", [legacy, zipped])
def test_pickle_that_calls_something_is_refused_unread(tmp_path, torch, write):
    (tmp_path / "model.pth").write_bytes(write({"weight": Attack(tmp_path / "owned")}, VALUES))
    assert "io.open" in refused(tmp_path / "model.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("write", [legacy, zipped])
@pytest.mark.parametrize("view", [{"offset": 1}, {"shape": (4, 3)}, {"strides": (1, 1000000)}, {"offset": -1}])
def test_tensor_beyond_its_storage_is_refused(tmp_path, torch, write, view):
    (tmp_path / "model.pth").write_bytes(write(state(torch, **view), VALUES))
    assert "'weight' reaches beyond" in refused(tmp_path / "model.pth")


def test_cut_off_checkpoint_is_refused(tmp_path, torch):
    whole = legacy(state(torch), VALUES)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "model.pth").write_bytes(whole[:length])
        assert "model.pth" in refused(tmp_path / "model.pth") or "cut off" in refused(tmp_path / "model.pth")


def test_other_content_is_refused(tmp_path, torch):
    for content in (b"hello", dumped("text"), zipped([1, 2], VALUES), legacy({"weight": 3}, VALUES)):
        (tmp_path / "model.pth").write_bytes(content)
        assert "is no PyTorch checkpoint of plain tensors" in refused(tmp_path / "model.pth")


def test_checkpoint_of_another_network_is_refused(tmp_path, torch):
    (tmp_path / "model.pth").write_bytes(legacy(state(torch), VALUES))
    assert "another network" in refused(tmp_path / "model.pth")


def test_missing_file(tmp_path):
    assert "cannot be read" in refused(tmp_path / "model.pth")
