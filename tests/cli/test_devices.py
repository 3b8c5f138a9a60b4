"""`assistant devices` says what to write into the configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assistant.commands import devices
from assistant.settings import load_config
from assistant.vision import video4linux
from tests.doubles.command import typed
from tests.doubles.sound_devices import Card, Room, SoundCards
from tests.doubles.video4linux import Kernel


def test_each_setting_may_be_pasted_into_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    sound, kernel = SoundCards(tmp_path / "cards"), Kernel(tmp_path)
    sound.plug(Card("Speaker"))
    sound.plug(Card("Webcam", Room()))
    sound.begin()
    kernel.plug(2)
    monkeypatch.setitem(sys.modules, "sounddevice", sound)
    monkeypatch.setattr(devices, "cameras", lambda: video4linux.cameras(kernel.sysfs))
    code, printed = typed("devices", env={"COLUMNS": "200", "PATH": ""}, capture=capfd)
    assert code == 0, printed
    settings = [cell.strip() for line in printed.splitlines() for cell in line.split("│") if " = " in cell]
    configuration = tmp_path / "assistant.toml"
    configuration.write_text("\n".join(settings), encoding="utf-8")
    config = load_config(configuration, {})
    assert (config.audio.output, config.audio.input, config.vision.camera) == ("0", "1", "/dev/video2")
