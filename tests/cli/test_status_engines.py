"""`assistant status` says what the networks run on, each reason once."""

from __future__ import annotations

import pytest

from assistant.commands.status import show_status
from assistant.control.protocol import HealthState, StatusResult

NO_DRIVER = "onnxruntime: There is no NVIDIA driver."


@pytest.mark.parametrize(
    ("networks", "line"),
    [
        ({"a": NO_DRIVER, "b": NO_DRIVER}, f"0 of 2 networks on TensorRT; {NO_DRIVER}"),
        ({"a": "tensorrt", "b": "tensorrt"}, "2 of 2 networks on TensorRT"),
    ],
)
def test_reasons_are_said_once(
    networks: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = StatusResult(
        pid=1,
        state="running",
        uptime_s=1.0,
        health=HealthState(ok=True, hears=True, reason="", muted=False, unavailable={}),
        volume=1.0,
        config_file=None,
        config_error="",
        versions={},
        latency={},
        networks=networks,
        dropped={},
    )
    monkeypatch.setattr("assistant.commands.status.ask", lambda *_: status)
    assert show_status(None, as_json=False) == 0
    assert f"engines  {line}\n" in capsys.readouterr().out
