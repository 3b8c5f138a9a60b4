"""The doctor on real PortAudio: a virtual microphone that is silent, and one into which someone plays."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.config import Config
from assistant.doctor import TOPICS
from assistant.doctor.check import Check, Patient
from assistant.doctor.examination import examine_all
from bench.virtual_sound import VirtualSound
from tests.doubles.command import wait_until

pytestmark = pytest.mark.pulse


def examined() -> dict[str, Check]:
    topics = {name: TOPICS[name] for name in ("sound", "sound stack")}
    return {check.name: check for _, checks in examine_all(Patient(Config()), topics) for check in checks}


@pytest.mark.skipif(bool(VirtualSound.missing()), reason=f"needs {', '.join(VirtualSound.missing())}")
def test_the_level_of_the_microphone_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, 0.1 * np.sin(np.arange(300 * 16_000) * 0.2), 16_000)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    with VirtualSound() as sound:
        for name, value in sound.env.items():
            monkeypatch.setenv(name, value)
        silent = examined()
        assert silent["microphone"].ok
        assert silent["speaker"].ok
        assert silent["sound server"].ok
        assert "silence to the last bit" in silent["level"].found
        assert not silent["level"].needed
        microphone = sound.tap("mic")
        with subprocess.Popen(["paplay", "--device=mic", tone]) as player:
            try:
                wait_until(microphone.loud_at, "The tone is there")
                for _ in range(3):  # on a busy machine sound may be lost, which is found too
                    heard = examined()["level"]
                    if heard.ok:
                        break
            finally:
                player.terminate()
                microphone.close()
        assert heard.ok, heard
        assert "peak -20 dB" in heard.found
