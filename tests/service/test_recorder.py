"""The flight recorder: what was heard and seen can be written, and replayed to the same end; else nothing is kept."""

from __future__ import annotations

import asyncio
import gc
import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant import asr
from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.control.protocol import Dump, DumpResult, Status, StatusResult
from assistant.errors import ConfigError, ControlError
from assistant.events import AudioFrame, IntentRecognized, Transcript
from assistant.models.store import ModelStore
from assistant.ports import Recognition
from assistant.script import load_script
from assistant.vision.pictures import write_picture
from tests.doubles.command import NEUTRAL, typed
from tests.doubles.house import House
from tests.doubles.living import HangableLoop, until
from tests.doubles.sound_devices import Room
from tests.doubles.vision import flat_picture

RATE_HZ = 16_000
SAYS = {
    1.0: "Hey Jarvis, what do you see?",
    1.5: "Hey Jarvis, what can you do?",
    2.0: "Hey Jarvis, turn it up.",
}
"""How long it takes to say what."""


class Lengths:
    """A recogniser that knows sentences by how long they are loud."""

    languages = frozenset({"en", "zh"})
    streams_partials = False

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Lengths:
        return cls()

    def open(self, language: str | None) -> _Length:
        return _Length()

    def close(self) -> None:
        """Nothing to free."""


class _Length:
    def __init__(self) -> None:
        self._samples: list[np.ndarray] = []

    def accept(self, samples: np.ndarray) -> str | None:
        self._samples.append(samples.copy())
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        loud = np.flatnonzero(np.abs(np.concatenate(self._samples)) > 0.2)
        seconds = round((loud[-1] - loud[0]) / RATE_HZ, 1) if len(loud) else 0.0
        return Recognition(SAYS.get(seconds, ""), "en", 0.9)


@pytest.fixture
def house(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """It looks at a bright picture for 5 s, then at a dark one, and so on."""
    house.with_doubles()
    monkeypatch.setitem(RECOGNIZERS, "lengths", f"{__name__}:Lengths")
    monkeypatch.setattr(asr, "IN_THIS_PROCESS", {"lengths"})
    for name, level in (("1.png", 240), ("2.png", 20)):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        write_picture(tmp_path / "pictures" / name, flat_picture(level))
    house.configure("asr", backend="lengths")
    house.configure("vision", camera=str(tmp_path / "pictures"), detector="dogs", faces="nobody", tagger="none")
    house.configure("recorder", seconds=60)
    return house


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def dump(house: House) -> DumpResult:
    dumped = await house.answers(Dump())
    assert isinstance(dumped, DumpResult)
    return dumped


def heard(events: Sequence[dict[str, Any]]) -> list[tuple[str, Any]]:
    """What was understood, and what was meant by it, in order."""
    finals = [e for e in events if e["event"] in ("Transcript", "IntentRecognized") and e.get("is_final", True)]
    return [(e["event"], e.get("text", e.get("intent"))) for e in finals]


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def said(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "PlaybackFinished"]


def frames_in_memory() -> int:
    gc.collect()
    return sum(isinstance(item, AudioFrame) for item in gc.get_objects())


def config_file(house: House, path: Path) -> Path:
    """The configuration of the house, as a person would have written it."""
    lines = []
    for section, values in house.on_disk.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(str(v) if isinstance(v, Path) else v)}" for key, v in values.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_conversation_is_replayed_to_the_same_words_intents_and_sights(
    house: House, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second request is spoken over a reply; what is seen differs between the first and the last."""
    folder = tmp_path / "state" / "recording"

    async def script() -> None:
        begins_s = now_s()
        for after_s, seconds in ((2.0, 1.0), (5.5, 1.5), (8.3, 2.0), (16.5, 1.0)):
            house.living.room.say(begins_s + after_s, seconds)
        await until(begins_s + 24.0)
        dumped = await dump(house)
        assert dumped.folder == str(folder)
        assert dumped.sound_s == pytest.approx(24.0, abs=1.0)
        assert 20 <= dumped.pictures <= 2 * 24

    house.live(script, HangableLoop)
    events = events_of(folder)
    requests = [SAYS[seconds].removeprefix("Hey Jarvis, ") for seconds in (1.0, 1.5, 2.0, 1.0)]
    assert [text for kind, text in heard(events) if kind == "Transcript"] == requests
    log = house.living.log
    assert len(heard(events)) == len(log.of(IntentRecognized)) + sum(e.is_final for e in log.of(Transcript)) == 8
    assert any(event["event"] == "Interruption" for event in events)
    assert "dog" in said(events)[0] and "dog" not in said(events)[-1]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}

    config = config_file(house, tmp_path / "assistant.toml")
    replays = []
    for name in ("first", "second"):
        arguments = ("replay", "--script", folder / "replay.toml", "--out", tmp_path / name, "--config", config)
        code, printed = typed(*arguments, env=NEUTRAL, capture=capfd)
        assert code == 0, printed
        replays.append([{k: v for k, v in e.items() if k != "compute_s"} for e in events_of(tmp_path / name)])
    assert heard(replays[0]) == heard(events)
    assert said(replays[0]) == said(events)
    assert replays[1] == replays[0]


def test_where_the_microphone_was_lost_there_is_silence(house: House, tmp_path: Path) -> None:
    async def script() -> None:
        begins_s = now_s()
        house.living.room.say(begins_s + 1.0)
        await until(begins_s + 3.0)
        house.living.sound.pull(house.microphone)
        await until(begins_s + 8.0)
        house.living.sound.plug(house.microphone)
        house.living.room.say(begins_s + 20.0)
        house.microphone.held_up = False
        await until(begins_s + 21.5)
        house.microphone.held_up = True
        await until(begins_s + 22.0)
        house.microphone.held_up = False
        house.living.room.say(begins_s + 24.0)
        await until(begins_s + 26.0)
        await dump(house)

    house.live(script, HangableLoop)
    sound, rate_hz = soundfile.read(tmp_path / "state" / "recording" / "audio.wav")
    loud_s = np.flatnonzero(np.abs(sound) > 0.2) / rate_hz
    begun_s = loud_s[np.flatnonzero(np.diff(loud_s, prepend=-1.0) > 0.1)]
    assert np.diff(begun_s) == pytest.approx([19.0, 4.0], abs=0.1)


def test_pictures_are_dated_from_the_beginning_of_what_is_kept(house: House, tmp_path: Path) -> None:
    """A machine that has been up for days counts from its start."""
    house.configure("recorder", seconds=10)

    async def script() -> None:
        await until(now_s() + 40.0)
        await dump(house)

    house.live(script, HangableLoop)
    shown_s = [picture.at_s for picture in load_script(tmp_path / "state" / "recording" / "replay.toml").pictures]
    assert len(shown_s) > 5
    assert min(shown_s) < 2.0 and 8.0 < max(shown_s) <= 10.0


def test_a_room_that_is_quieter_than_a_step_of_16_bits_is_no_silence(house: House, tmp_path: Path) -> None:
    """A replay would take it for a dead microphone."""
    house.microphone.sound = Room(noise=1e-6)

    async def script() -> None:
        await until(now_s() + 2.0)
        await dump(house)

    house.live(script, HangableLoop)
    sound, _ = soundfile.read(tmp_path / "state" / "recording" / "audio.wav")
    assert np.abs(sound).max() == pytest.approx(1e-6)


@pytest.mark.parametrize("seconds", [None, 0, 10])
def test_no_more_is_kept_than_was_asked_for(house: House, tmp_path: Path, seconds: int | None) -> None:
    """Whoever asks for nothing has nothing kept."""
    del house.on_disk["recorder"]
    if seconds is not None:
        house.configure("recorder", seconds=seconds)

    async def script() -> None:
        await until(now_s() + 30.0)
        kept_s = frames_in_memory() * 512 / RATE_HZ
        status = await house.answers(Status())
        assert isinstance(status, StatusResult)
        assert status.recorder_s == (seconds or 0)
        if seconds:
            assert kept_s == pytest.approx(seconds, abs=2.0)
            assert (await dump(house)).sound_s == pytest.approx(seconds, abs=0.1)
        else:
            assert kept_s < 2.0
            with pytest.raises(ControlError, match="recorder is off") as caught:
                await dump(house)
            assert "recorder.seconds" in (caught.value.remedy or "")

    house.live(script, HangableLoop)
    assert (tmp_path / "state" / "recording").exists() == bool(seconds)


def test_muting_and_a_reload_forget_it(house: House, tmp_path: Path) -> None:
    async def script() -> None:
        await until(now_s() + 20.0)
        assert frames_in_memory() > 500
        await house.controls.mute()
        assert frames_in_memory() < 100
        with pytest.raises(ControlError, match="is muted"):
            await dump(house)
        await house.controls.unmute()
        await until(now_s() + 10.0)
        assert (await dump(house)).sound_s < 11.0
        kinds = [event.get("kind") for event in events_of(tmp_path / "state" / "recording")]
        assert "unmuted" in kinds and "muted" not in kinds
        house.configure("wake", follow_up_s=1.0)
        assert (await house.service.reload()).restarted
        await until(now_s() + 5.0)
        assert (await dump(house)).sound_s < 6.0

    house.live(script, HangableLoop)


def test_where_it_cannot_be_written_is_told_and_nothing_is_left(house: House, tmp_path: Path) -> None:
    in_the_way = tmp_path / "state" / "recording"

    async def script() -> None:
        await until(now_s() + 2.0)
        in_the_way.write_text("somebody's")
        with pytest.raises(ConfigError, match=r"recording cannot be written to .*: Not a directory") as caught:
            await dump(house)
        assert "state.dir" in (caught.value.remedy or "")
        in_the_way.unlink()
        assert (await dump(house)).sound_s > 1.0

    house.live(script, HangableLoop)
