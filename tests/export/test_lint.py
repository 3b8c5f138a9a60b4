"""The lint: each known-bad graph is refused for its own reason and no other; good ones pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from assistant.models.store import ModelStore
from export.calibration import calibrate
from export.errors import ConversionError
from export.lint import INTERRUPTED, TARGETS, UNFINISHED, Finding, lint_model
from export.lint.rules import RULES
from export.lint.tensorrt_rtx import build_findings
from export.onnx_file import fix_sizes, write_onnx
from export.quantize import QuantizeOptions, emit
from tests.doubles.tiny_networks import samples, write_model, write_network


@pytest.fixture(autouse=True)
def own_rules_only(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What TensorRT-RTX says, where it is installed, is looked at by its own tests."""
    if "tensorrt_rtx" not in request.keywords:
        monkeypatch.setattr("export.lint.tensorrt_rtx.tensorrt_rtx_version", lambda: None)


@dataclass(frozen=True)
class Bad:
    """A graph from x (4 floats) to y, and the one finding that it deserves."""

    rule: str
    node: str
    message: str
    nodes: Sequence[NodeProto]
    weights: dict[str, NDArray[Any]]
    severity: str = "error"
    opset: int = 17
    shape: Sequence[int | str] = (4,)
    domains: Sequence[str] = ()
    input_type: int = TensorProto.FLOAT


def _node(op: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "bad", **attributes: Any) -> NodeProto:
    return helper.make_node(op, inputs, outputs, name, **attributes)


def _branch(name: str) -> onnx.GraphProto:
    output = helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])
    return helper.make_graph([_node("Relu", ["x"], [name], f"relu_{name}")], name, [], [output])


_SCALE: dict[str, NDArray[Any]] = {"scale": np.array(0.1, np.float32)}
_RELU = [_node("Relu", ["x"], ["y"], "relu")]

BAD: dict[str, Bad] = {
    "opset too new": Bad("opset", "", "Opset 23.* reads 9 to 20", _RELU, {}, opset=23),
    "opset old": Bad("opset", "", "Opset 13 is older", _RELU, {}, severity="warning", opset=13),
    "onnxruntime's operator": Bad(
        "foreign-domain",
        "bad",
        "com.microsoft::FastGelu",
        [_node("FastGelu", ["x"], ["y"], domain="com.microsoft")],
        {},
        domains=("com.microsoft",),
    ),
    "operator that TensorRT lacks": Bad(
        "operator", "bad", "has no Det", [_node("Det", ["x"], ["y"])], {}, shape=(2, 2)
    ),
    "operator of a later TensorRT": Bad(
        "operator",
        "bad",
        r"TensorRT 10.3 has no HannWindow \(10.4 is the first\)",
        [_node("HannWindow", ["size"], ["window"]), _node("Mul", ["x", "window"], ["y"], "mul")],
        {"size": np.array(4, np.int64)},
    ),
    "zero point": Bad(
        "zero-point",
        "bad",
        "DequantizeLinear with zero points up to 3",
        [
            _node("DequantizeLinear", ["w", "scale", "zero"], ["v"]),
            _node("Add", ["x", "v"], ["y"], "add"),
        ],
        {**_SCALE, "w": np.ones(4, np.int8), "zero": np.array(3, np.int8)},
    ),
    "quantized bias": Bad(
        "int32-dequantize",
        "bad",
        r"DequantizeLinear of INT32 \('bias'",
        [_node("DequantizeLinear", ["bias", "scale"], ["v"]), _node("Add", ["x", "v"], ["y"], "add")],
        {**_SCALE, "bias": np.ones(4, np.int32)},
    ),
    "unsigned activation": Bad(
        "tensor-type",
        "bad",
        "'q' of QuantizeLinear is UINT8",
        [
            _node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            _node("DequantizeLinear", ["q", "scale", "zero"], ["y"], "dequantize"),
        ],
        {**_SCALE, "zero": np.array(0, np.uint8)},
    ),
    "integers in a float operator": Bad(
        "tensor-type",
        "bad",
        "Clip of INT64",
        [
            _node("Cast", ["x"], ["i"], "to_integer", to=TensorProto.INT64),
            _node("Clip", ["i"], ["c"]),
            _node("Cast", ["c"], ["y"], "to_float", to=TensorProto.FLOAT),
        ],
        {},
    ),
    "16-bit integers": Bad(
        "tensor-type",
        "bad",
        "INT16, which TensorRT 10.3 lacks",
        [_node("Cast", ["x"], ["i"], to=TensorProto.INT16), _node("Cast", ["i"], ["y"], "back", to=TensorProto.FLOAT)],
        {},
    ),
    "double": Bad(
        "tensor-type",
        "bad",
        "is DOUBLE",
        [_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), _node("Cast", ["d"], ["y"], "back", to=TensorProto.FLOAT)],
        {},
        severity="warning",
    ),
    "bfloat16": Bad(
        "tensor-type",
        "bad",
        "is BFLOAT16",
        [_node("Cast", ["x"], ["b"], to=TensorProto.BFLOAT16), _node("Cast", ["b"], ["y"], "up", to=TensorProto.FLOAT)],
        {},
        severity="warning",
    ),
    "dynamic axis": Bad("dynamic-axis", "x", r"axis 0 \('batch'\)", _RELU, {}, shape=("batch", 4)),
    "axis of size -1": Bad("dynamic-axis", "x", r"axis 0 \('\?'\)", _RELU, {}, shape=(-1, 4)),
    "control flow": Bad(
        "control-flow",
        "bad",
        "If: TensorRT 10.3",
        [_node("If", ["condition"], ["y"], then_branch=_branch("a"), else_branch=_branch("b"))],
        {"condition": np.array(True)},
        severity="warning",
    ),
    "NaN weight": Bad(
        "constant-values",
        "w",
        "'w' holds NaN",
        [_node("Mul", ["x", "w"], ["y"], "mul")],
        {"w": np.array([1, np.nan], np.float32)},
        shape=(2,),
    ),
    "infinite mask": Bad(
        "constant-values",
        "w",
        "'w' holds infinity",
        [_node("Add", ["x", "w"], ["y"], "add")],
        {"w": np.array([0, -np.inf], np.float32)},
        severity="warning",
        shape=(2,),
    ),
    "cubic resize": Bad(
        "restriction",
        "bad",
        "mode 'cubic'",
        [_node("Resize", ["x", "", "scales"], ["y"], mode="cubic")],
        {"scales": np.array([1, 1, 2, 2], np.float32)},
        shape=(1, 1, 4, 4),
    ),
    "large K": Bad(
        "restriction",
        "bad",
        "K = 4000",
        [_node("TopK", ["x", "k"], ["y", "i"])],
        {"k": np.array([4000], np.int64)},
        shape=(5000,),
    ),
    "indices of pooling": Bad(
        "restriction",
        "bad",
        "the output Indices",
        [_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])],
        {},
        shape=(1, 1, 4, 4),
    ),
}


def _lint(bad: Bad, folder: Path, target: str = "jetpack6") -> list[Finding]:
    path = write_model(
        folder / "bad.onnx",
        bad.nodes,
        bad.weights,
        inputs={"x": bad.shape},
        outputs={"y": [None] * len(bad.shape)},
        opset=bad.opset,
        domains=bad.domains,
    )
    return lint_model(path, target)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_graph_is_refused_for_its_own_reason(tmp_path: Path, case: str) -> None:
    bad = BAD[case]
    (finding,) = _lint(bad, tmp_path)
    assert (finding.rule, finding.node, finding.severity) == (bad.rule, bad.node, bad.severity)
    assert re.search(bad.message, finding.message)
    assert finding.remedy


def test_every_rule_has_a_bad_graph() -> None:
    covered = {bad.rule.replace("-", "_") for bad in BAD.values()} | {"ir_version"}
    aliases = {"restrictions": "restriction"}
    assert {aliases.get(rule.__name__, rule.__name__) for rule in RULES} == covered


def test_a_file_format_that_is_too_new_is_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path / "n.onnx")
    model = onnx.load(path)
    model.ir_version = 12
    path.write_bytes(model.SerializeToString())
    assert [finding.rule for finding in lint_model(path, "jetpack6")] == ["ir-version"]
    assert lint_model(path, "tensorrt11") == []


def test_targets_differ(tmp_path: Path) -> None:
    assert _lint(BAD["opset too new"], tmp_path, "tensorrt11") == []
    assert _lint(BAD["operator of a later TensorRT"], tmp_path, "jetpack7") == []


@pytest.mark.parametrize("target", TARGETS)
def test_what_we_emit_for_tensorrt_passes_and_onnxruntimes_int8_does_not(tmp_path: Path, target: str) -> None:
    network = write_network(tmp_path / "n.onnx")
    calibrate(network, samples(4), "minmax", tmp_path / "c.npz")
    found = {}
    for precision in ("fp32", "fp16", "int8-trt", "int8-ort"):
        emit(network, tmp_path / "c.npz", precision, QuantizeOptions(), tmp_path / "m.onnx")
        found[precision] = {finding.rule for finding in lint_model(tmp_path / "m.onnx", target)}
    assert found["fp32"] == found["fp16"] == found["int8-trt"] == set()
    assert found["int8-ort"] == {"tensor-type", "zero-point", "int32-dequantize"}


def test_constants_inside_branches_are_looked_at(tmp_path: Path) -> None:
    branch = _branch("a")
    branch.node[0].op_type = "Add"
    branch.node[0].input.append("inner")
    branch.initializer.append(numpy_helper.from_array(np.array([np.nan], np.float32), "inner"))
    nodes = [_node("If", ["condition"], ["y"], then_branch=branch, else_branch=_branch("b"))]
    findings = _lint(Bad("", "", "", nodes, {"condition": np.array(True)}), tmp_path)
    assert [(finding.rule, finding.node) for finding in findings] == [
        ("constant-values", "inner"),
        ("control-flow", "bad"),
    ]


def test_an_operator_of_a_domain_that_the_file_does_not_import_is_one_clear_error(tmp_path: Path) -> None:
    nodes = [_node("FastGelu", ["x"], ["y"], domain="com.microsoft")]
    path = write_model(tmp_path / "n.onnx", nodes, {}, inputs={"x": [4]}, outputs={"y": [4]})
    with pytest.raises(ConversionError, match=r"n\.onnx is not an ONNX model that can be read: .*com\.microsoft"):
        lint_model(path, "jetpack6")


@pytest.mark.parametrize("value", [{"value_int": 0}, {"value_ints": [0]}])
@pytest.mark.parametrize("axes", ["axes", "same"])
def test_axes_are_constant_however_they_are_written(tmp_path: Path, value: dict[str, Any], axes: str) -> None:
    nodes = [
        _node("Constant", [], ["axes"], "axes", **value),
        _node("Identity", ["axes"], ["same"], "same"),
        _node("ReduceSum", ["x", axes], ["y"], "sum"),
    ]
    assert _lint(Bad("", "", "", nodes, {}, shape=(2, 2)), tmp_path) == []


def test_axes_that_are_computed_are_refused(tmp_path: Path) -> None:
    nodes = [
        _node("Shape", ["x"], ["axes"], "shape", start=0, end=1),
        _node("ReduceSum", ["x", "axes"], ["y"], "sum"),
    ]
    (finding,) = _lint(Bad("", "", "", nodes, {}), tmp_path)
    assert "ReduceSum with axes that are computed" in finding.message


def test_what_is_not_onnx_and_unknown_targets_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("a poem")
    with pytest.raises(ConversionError, match=r"text\.onnx is not an ONNX model"):
        lint_model(text, "jetpack6")
    with pytest.raises(ConversionError, match="jetpack6, jetpack7, tensorrt11"):
        lint_model(text, "jetpack5")


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "file", "rules"),
    [
        ("centernet", "centernet.onnx", set()),
        ("blazeface", "blazeface.onnx", set()),
        ("efficientnet-lite0", "efficientnet-lite0.onnx", set()),
        ("face-emotion", "emotion.onnx", set()),
        ("silero-vad", "silero_vad_16k_op15.onnx", {"control-flow", "dynamic-axis", "opset"}),
    ],
)
def test_real_networks(model_store: ModelStore, tmp_path: Path, name: str, file: str, rules: set[str]) -> None:
    model = fix_sizes(onnx.load(model_store.file(name, file)), {"N": 1})
    write_onnx(model, tmp_path / file)
    assert {finding.rule for finding in lint_model(tmp_path / file, "jetpack6")} == rules


class TestChild:
    """The child process of TensorRT-RTX, through workers that misbehave."""

    @pytest.fixture
    def worker(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
        monkeypatch.setattr("export.lint.tensorrt_rtx.tensorrt_rtx_version", lambda: "1.7")
        monkeypatch.syspath_prepend(str(tmp_path))

        def write(source: str) -> str:
            (tmp_path / "m.onnx").write_bytes(source.encode())
            (tmp_path / "misbehaving_worker.py").write_text(source)
            return "misbehaving_worker"

        return write

    def test_a_crash_is_a_finding(self, worker: Callable[[str], str], tmp_path: Path) -> None:
        name = worker("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
        (finding,) = build_findings(tmp_path / "m.onnx", worker=name)
        assert (finding.severity, finding.rule) == ("error", UNFINISHED)
        assert finding.message.startswith("TensorRT-RTX 1.7 parser, not Orin: it died (SIGSEGV)")

    @pytest.mark.parametrize(
        "source",
        [
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            "import os, sys; print('std::bad_alloc', file=sys.stderr); sys.stderr.flush(); os.abort()",
            "raise MemoryError",
            'print(\'{"problems": [{"node": "", "message": "Error Code 2: OutOfMemory"}]}\')',
        ],
        ids=["killed", "ended", "no memory in C++", "no memory in Python", "no memory, said by the builder"],
    )
    def test_a_machine_without_memory_is_not_the_files_fault(
        self, worker: Callable[[str], str], tmp_path: Path, source: str
    ) -> None:
        (finding,) = build_findings(tmp_path / "m.onnx", worker=worker(source))
        assert (finding.severity, finding.rule) == ("warning", INTERRUPTED)

    @pytest.mark.parametrize(
        ("source", "how"),
        [
            ("import no_such_module", "exit status 1"),
            ("None.parse", "exit status 1"),
            ("print('done')", "exit status 0"),
        ],
    )
    def test_a_failure_of_the_child_is_no_busy_machine(
        self, worker: Callable[[str], str], tmp_path: Path, source: str, how: str
    ) -> None:
        (finding,) = build_findings(tmp_path / "m.onnx", worker=worker(source))
        assert (finding.severity, finding.rule) == ("error", UNFINISHED)
        assert finding.message.endswith(f"it died ({how}).") and "python -m export.lint.rtx_worker" in finding.remedy

    def test_a_hang_is_ended(self, worker: Callable[[str], str], tmp_path: Path) -> None:
        (finding,) = build_findings(tmp_path / "m.onnx", worker=worker("import time; time.sleep(60)"), timeout_s=0.3)
        assert (finding.severity, finding.rule) == ("warning", UNFINISHED)
        assert "had not finished after 0.3 s" in finding.message

    def test_what_it_reports_is_a_finding(self, worker: Callable[[str], str], tmp_path: Path) -> None:
        name = worker('print(\'noise\'); print(\'{"problems": [{"node": "conv", "message": "no such type"}]}\')')
        (finding,) = build_findings(tmp_path / "m.onnx", worker=name)
        assert (finding.node, "no such type" in finding.message) == ("conv", True)


@pytest.mark.tensorrt_rtx
class TestTensorRTRTX:
    """The real parser, where the extra `tensorrt-check` is installed."""

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        pytest.importorskip("tensorrt_rtx", reason="needs the extra tensorrt-check")

    @pytest.mark.parametrize("precision", ["fp32", "fp16", "int8-trt"])
    def test_it_builds_what_we_emit(self, tmp_path: Path, precision: Any) -> None:
        network = write_network(tmp_path / "n.onnx")
        calibrate(network, samples(4), "minmax", tmp_path / "c.npz")
        emit(network, tmp_path / "c.npz", precision, QuantizeOptions(), tmp_path / "m.onnx")
        assert build_findings(tmp_path / "m.onnx") == []

    @pytest.mark.parametrize("case", ["quantized bias", "onnxruntime's operator", "dynamic axis"])
    def test_it_refuses_what_our_rules_refuse(self, tmp_path: Path, case: str) -> None:
        assert {"tensorrt-rtx", BAD[case].rule} <= {finding.rule for finding in _lint(BAD[case], tmp_path)}
