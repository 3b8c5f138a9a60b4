"""The double has what each version of TensorRT has, and nothing else."""

from __future__ import annotations

import pytest

from tests.doubles.cuda import FakeCuda
from tests.doubles.tensorrt_module import VERSIONS, tensorrt_module


@pytest.mark.parametrize("version", VERSIONS)
def test_members_that_a_version_lacks_cannot_be_touched(version: str) -> None:
    module = tensorrt_module(version, FakeCuda(), "8.7")
    config = module.IBuilderConfig()
    precision_flags = version != "11.4.0"
    assert hasattr(module.BuilderFlag, "FP16") == precision_flags
    assert hasattr(module.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH") == precision_flags
    assert module.NetworkDefinitionCreationFlag.STRONGLY_TYPED.name == "STRONGLY_TYPED"
    assert hasattr(module.OnnxParser, "supports_model") == precision_flags
    assert hasattr(module.ICudaEngine, "device_memory_size") == precision_flags
    assert hasattr(module.DataType, "FP4") == (version != "10.3.0")
    assert module.DataType.FLOAT.name == "FLOAT"
    with pytest.raises(AttributeError, match=f"TensorRT {version} has no member 'max_workspace_size'"):
        config.max_workspace_size = 1
    with pytest.raises(AttributeError, match="has no member 'num_bindings'"):
        module.IExecutionContext.__new__(module.IExecutionContext).num_bindings  # noqa: B018 - the touch is the test
    if precision_flags:
        config.int8_calibrator = None
    else:
        with pytest.raises(AttributeError, match="int8_calibrator"):
            config.int8_calibrator = None


def test_a_member_that_nobody_needed_yet_says_so() -> None:
    config = tensorrt_module("10.3.0", FakeCuda(), "8.7").IBuilderConfig()
    with pytest.raises(NotImplementedError, match=r"IBuilderConfig\.reset"):
        config.reset()
