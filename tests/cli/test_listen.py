"""`assistant listen` gives back what it holds, however it ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import anyio
import numpy as np
import pytest
import soundfile

from assistant import asr
from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.errors import DeviceError, StageError
from assistant.models.store import ModelStore
from tests.doubles.command import typed
from tests.doubles.living import HangableLoop, Living, until
from tests.doubles.sound_devices import SoundCards, sound_thread
from tests.doubles.speech_like import speech_like


class Deaf:
    """A recogniser that fails on whatever it hears."""

    languages = frozenset({"en"})
    streams_partials = False
    closed: ClassVar[int] = 0

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Deaf:
        return cls()

    def open(self, language: str | None) -> Deaf:
        raise StageError("The recogniser is deaf.")

    def close(self) -> None:
        type(self).closed += 1


@pytest.mark.parametrize(
    ("from_file", "error", "told"), [(True, StageError, "is deaf"), (False, DeviceError, "microphone")]
)
def test_the_recogniser_is_closed_when_it_fails_and_when_no_microphone_opens(
    from_file: bool,
    error: type[StageError | DeviceError],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", SoundCards(tmp_path / "cards"))
    monkeypatch.setitem(RECOGNIZERS, "deaf", f"{__name__}:Deaf")
    monkeypatch.setattr(asr, "IN_THIS_PROCESS", {"deaf"})
    monkeypatch.setattr(Deaf, "closed", 0)
    configuration, recording = tmp_path / "mine.toml", tmp_path / "said.wav"
    configuration.write_text(
        'asr.backend = "deaf"\nasr.language = "en"\nvad.backend = "energy"\naudio.input = "no such microphone"\n'
    )
    silence = np.zeros(16_000, np.float32)
    soundfile.write(recording, np.concatenate([silence, speech_like(), silence, silence]), 16_000)
    said = ["--audio", recording] if from_file else []
    with sound_thread():
        code, printed = typed("listen", *said, "--config", configuration, env={}, capture=capfd)
    assert code == error.exit_code
    assert told in printed
    assert Deaf.closed == 1


def test_live_it_goes_on_through_a_lost_microphone_and_a_failing_recogniser(
    leaves_nothing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    living = Living(tmp_path, monkeypatch)
    living.says(StageError("The recogniser is deaf."), StageError("The recogniser is deaf."), "Good morning.")
    configuration = tmp_path / "mine.toml"
    configuration.write_text('asr.backend = "words"\nvad.backend = "loudness"\nwake.first_stage = "vad"\n')

    async def script() -> None:
        living.room.say(2.0)
        await until(8.0)
        living.sound.pull(living.microphone)
        await until(14.0)
        living.sound.plug(living.microphone)
        await until(20.0)
        living.room.say(20.0)
        await until(26.0)

    run = anyio.run

    def run_while_the_script_lasts(listen: Callable[..., Awaitable[int]], *arguments: object) -> None:
        async def main() -> None:
            living.sound.loop = asyncio.get_running_loop()
            async with anyio.create_task_group() as group:
                group.start_soon(listen, *arguments)
                await script()
                group.cancel_scope.cancel()

        run(main, backend_options={"loop_factory": HangableLoop})

    monkeypatch.setattr(anyio, "run", run_while_the_script_lasts)
    with living.sound_library():
        code, printed = typed("listen", "--config", configuration, env={"COLUMNS": "200"}, capture=capfd)
    assert code == 0, printed
    assert printed.count("recognizer: What was said") == printed.count("given up: The recogniser is deaf.") == 1
    assert "recognizer: works again" in printed and "[en] Good morning." in printed
    assert "microphone: " in printed and "microphone: works again" in printed
    assert "StageFailed(" not in printed and "StageRecovered(" not in printed
