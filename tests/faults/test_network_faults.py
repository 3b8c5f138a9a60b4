"""Recogniser and voice raise, hang and die; the disk is full and the wall clock jumps."""

from __future__ import annotations

import errno
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import anyio
import numpy as np
import psutil
import pytest

from assistant.app import Assistant
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.dialogue import INTERPRETERS
from assistant.events import PlaybackFinished, PlaybackStarted, ReplyChunk, SpeechEnded, TurnFinished
from assistant.models.store import ModelStore
from assistant.ports import Intent
from assistant.telemetry.events_file import EventsFile
from tests.doubles.conversation import interpreter
from tests.doubles.living import FRAMES, TASKS, TIME, Living, Words, hang, held, until
from tests.doubles.slow import Slowness
from tests.doubles.synthesizers import LOG_VARIABLE

RECOVERS_S = 5.0


@pytest.fixture
def slowness(living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slowness:
    """That of a recogniser in a process of its own."""
    living.configure("asr", backend="slow")
    return Slowness(tmp_path, monkeypatch)


def test_what_a_recogniser_raised_on_is_asked_once_more(living: Living) -> None:
    living.says(RuntimeError("the network broke"), TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)
        assert "recognizer process" not in assistant.health().unavailable

    said = living.live(script)
    assert [text.startswith("It's") for text in said] == [True], said
    assert ["the network broke" in failure.error for failure in living.failures("recognizer process")] == [True]


def test_whose_words_were_lost_over_a_reply_is_told_after_it(living: Living) -> None:
    """Though the next are understood by then."""
    broken = RuntimeError("the network broke")
    living.says("Hey Jarvis, what can you do?", broken, broken)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        while not living.log.of(PlaybackStarted):  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)
        living.room.say(anyio.current_time() + 0.2)
        await until(20.0)
        assert assistant.turns.lost == 1

    said = living.live(script)
    assert said[0].startswith("I can tell you") and len(said[0]) > 100, "the reply goes on"
    assert said[1:] == ["Sorry, I can't understand speech right now.", "I can understand you again."]


def test_whoever_breaks_off_that_it_does_not_understand_is_not_told_that_it_does_again(living: Living) -> None:
    """They know, for they were answered."""
    broken = RuntimeError("the network broke")
    living.says(broken, broken, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        while not living.log.of(PlaybackStarted):  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)
        living.room.say(anyio.current_time() + 0.2)
        await until(20.0)
        assert "recognizer" not in assistant.health().unavailable

    said = living.live(script)
    assert len(said) == 2, said
    assert not living.log.of(PlaybackFinished)[0].completed
    assert said[1].startswith("It's")


class Muddled:
    """Understands nothing, and says so, while `broken`."""

    broken: ClassVar[bool] = False

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Muddled:
        return cls()

    def interpret(self, text: str, language: str) -> Intent | None:
        if self.broken:
            raise RuntimeError("no grammar")
        return interpreter().interpret(text, language)

    def begins(self, text: str, language: str) -> bool:
        return interpreter().begins(text, language)


def test_an_interpreter_that_raises_is_told_by_its_own_name(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INTERPRETERS, "hassil", f"{__name__}:Muddled")
    living.configure("wake", follow_up_s=60.0)
    living.says(TIME, *["Okay."] * 3)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)
        monkeypatch.setattr(Muddled, "broken", True)
        living.room.say(9.0)  # which needs no wake phrase, and may be a request
        living.room.say(15.0)
        await until(20.0)
        failure = assistant.health().last_failures["interpreter"]
        assert "no grammar" in failure.reason and failure.ago_s < 5.0, "the last"
        monkeypatch.setattr(Muddled, "broken", False)
        living.room.say(21.0)
        await until(25.0)
        assert not assistant.health().last_failures and assistant.turns.lost == 0, "though nothing was asked"

    said = living.live(script)
    assert [text.startswith("It's") for text in said] == [True], said
    assert not living.failures("recognizer") and len(living.recoveries("interpreter")) == 1


def test_a_recogniser_is_left_alone_for_as_long_as_it_may_take_and_little_is_kept_meanwhile(living: Living) -> None:
    """Also while nothing that is heard reaches it any more."""
    living.configure("asr", timeout_s=300.0)
    kept: list[tuple[int, int]] = []

    async def script(assistant: Assistant) -> None:
        living.says(hang(until_s=250.0))
        for at_s in range(2, 240, 3):
            living.room.say(float(at_s))
        for at_s in (30.0, 90.0, 150.0, 249.0):
            await until(at_s)
            kept.append(held())
            health = assistant.health()
            assert health.ok and not health.hears and "taken by the recogniser" in health.reason
        assert living.dropped > 200.0 / 0.032, "what nobody takes is counted"
        living.says(*[TIME] * 4)
        await until(250.0 + RECOVERS_S)
        assert assistant.health().hears and not assistant.health().hung
        assert len(living.heard) == len(living.log.of(SpeechEnded)) - 1, "nothing waits any more; one was silence"
        living.room.say(250.0 + RECOVERS_S)
        await until(250.0 + RECOVERS_S + 5.0)

    assert living.live(script)[-1].startswith("It's")
    assert living.log.of(PlaybackStarted)[-1].at_s > 250.0 + RECOVERS_S
    assert all(frames < FRAMES and tasks <= TASKS for frames, tasks in kept), kept


def test_a_recogniser_that_hangs_is_told_and_understands_when_it_comes_back(living: Living) -> None:
    living.configure("asr", timeout_s=3.0)

    async def script(assistant: Assistant) -> None:
        living.says(hang(until_s=20.0), TIME)
        living.room.say(2.0)
        await until(14.0)
        assert "recognizer" in assistant.health().unavailable
        assert assistant.health().hung == ("recogniser",)
        assert not assistant.health().ok, "if it never came back, only a restart would help"
        await until(20.0 + 1.0)
        assert assistant.health().ok
        living.room.say(22.0)
        await until(30.0)

    said = living.live(script)
    assert any(text.startswith("It's") for text in said)


@pytest.mark.parametrize("engine", ["Segfaulting", "Hanging", "Buggy", "Refusing"])
def test_a_voice_that_fails_is_replaced_in_the_middle_of_the_conversation(living: Living, engine: str) -> None:
    living.configure("tts", en=engine, timeout_s=12.0)  # real ones: a child that works starts within them
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(12.0)

    assert living.live(script)[0].startswith("It's"), "the fallback says the whole sentence"
    assert living.log.of(PlaybackFinished)[0].completed
    assert living.failures("voice")


def test_a_voice_that_speaks_again_does_not_speak_for_the_other_one(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "log"))
    living.configure("tts", en="Buggy", zh="CrashingOnce")
    # What no minute that passes between preparing and answering changes.
    living.says("Hey Jarvis, what is your name?", "你好贾维斯，你叫什么名字？", "你好贾维斯，你叫什么名字？")

    async def script(assistant: Assistant) -> None:
        for at_s in (2.0, 8.0, 14.0):
            living.room.say(at_s)
        await until(20.0)
        assert "voice" in assistant.health().unavailable

    living.live(script)
    assert ["KeyError" in failure.error for failure in living.failures("voice")] == [True, False]


@pytest.mark.parametrize(
    ("engine", "asked_s", "gone_s"),
    [("Unloadable", 8.0, 75.0), ("Moody", 20.0, 23.0), ("Dying", 8.0, 12.0), ("Stuck", 2.0, 6.0)],
)
def test_a_voice_that_was_left_alone_is_back_soon_after_the_cause_is_gone(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, asked_s: float, gone_s: float
) -> None:
    """However long it failed, and however often where nobody else had heard it."""
    cause = tmp_path / "cause"
    cause.touch()
    monkeypatch.setenv(LOG_VARIABLE, str(cause))
    living.configure("tts", en=engine, zh=engine)
    living.says(*[TIME] * 5)

    async def script(assistant: Assistant) -> None:
        for at_s in np.arange(2.0, asked_s + 1.0, 6.0):
            living.room.say(at_s)
        await until(gone_s)
        assert "voice" in assistant.health().unavailable
        own = psutil.Process()
        nices = [child.nice() for child in own.children() if child.pid != assistant._voices.pid]
        yields = [min(own.nice() + 10, 19)]
        assert nices == (yields if engine == "Unloadable" else []), "being tried is in nobody's way"
        cause.unlink()
        await until(gone_s + RECOVERS_S)
        assert "voice" not in assistant.health().unavailable
        assert pitch_hz(living, 2.0, gone_s) == 880, "the fallback's"
        living.room.say(gone_s + RECOVERS_S)
        await until(gone_s + RECOVERS_S + 6.0)
        assert pitch_hz(living, gone_s + RECOVERS_S, anyio.current_time()) == 440

    told = living.live(script)
    assert all(text.startswith("It's") for text in told)
    assert all(failure.at_s < gone_s for failure in living.failures("voice"))


def pitch_hz(living: Living, since_s: float, until_s: float) -> int:
    """Of what the speaker played, to the next 20 Hz."""
    sound = np.concatenate([block for at_s, block in living.speaker.played if since_s <= at_s < until_s])
    return 20 * round(np.argmax(np.abs(np.fft.rfft(sound))) * 24_000 / sound.size / 20)


def test_a_voice_is_tried_where_a_sandbox_forbids_to_yield_to_others(
    living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause = tmp_path / "cause"
    cause.touch()
    monkeypatch.setenv(LOG_VARIABLE, str(cause))
    monkeypatch.setattr(os, "setpriority", forbidden)
    living.configure("tts", en="Unloadable")
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        for at_s in (2.0, 8.0):
            living.room.say(at_s)
        await until(20.0)
        cause.unlink()
        await until(20.0 + RECOVERS_S)
        assert "voice" not in assistant.health().unavailable

    living.live(script)


def forbidden(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_a_voice_whose_process_is_killed_speaks_again(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)
        pid = assistant._voices.pid
        assert pid is not None
        kill(pid)
        await until(8.0 + RECOVERS_S)
        assert assistant._voices.pid not in (None, pid), "it is there before it is needed"
        assert "voice" not in assistant.health().unavailable
        living.room.say(14.0)
        await until(21.0)

    said = living.live(script)
    assert len(said) == 2 and all(text.startswith("It's") for text in said)
    assert [event.completed for event in living.log.of(PlaybackFinished)] == [True, True]
    assert ["SIGKILL" in failure.error for failure in living.failures("voice")] == [True]


def kill(pid: int) -> None:
    """Return once the process has ended, which takes no virtual time."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_without_any_voice_the_answer_is_shown_and_not_taken_for_said(living: Living) -> None:
    living.configure("tts", en="Buggy", fallback="none")
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(12.0)
        assert assistant.health().hears
        assert "voice" in assistant.health().unavailable
        assert "phoneme" in assistant.health().last_failures["synthesizer"].reason

    living.live(script)
    [finished] = living.log.of(PlaybackFinished)
    assert not finished.completed and finished.text == ""
    assert not living.log.of(PlaybackStarted)


@pytest.mark.parametrize(("sentence_s", "again"), [(4.0, 0.4), (12.0, 0.1)])
def test_a_recogniser_three_times_slower_than_speech_for_ten_minutes(
    living: Living, slowness: Slowness, sentence_s: float, again: float
) -> None:
    """`again` is how much of the speech's own time it takes once the cause is gone."""
    kept: list[tuple[int, int]] = []

    async def script(assistant: Assistant) -> None:
        Words.real_time_factor = 3.0
        for begins_s in np.arange(1.0, 600.0 - sentence_s, sentence_s + 2.0):
            living.room.say(begins_s, sentence_s)
        for minute in range(1, 11):
            await until(60.0 * minute)
            kept.append(held())
            assert assistant.health().ok, "slow is not broken: no restart would help"
        Words.real_time_factor = again
        await until(600.0 + RECOVERS_S)
        assert assistant.health().hears and not assistant.health().hung
        assert "overload" not in assistant.health().unavailable
        assert len(living.heard) == len(living.log.of(SpeechEnded)), "nothing waits any more"
        assert living.dropped > 60.0 / 0.032
        living.room.say(600.0 + RECOVERS_S, 1.0)
        await until(650.0)

    with slowness:
        said = living.live(script)
    assert any(606.0 < event.at_s < 608.0 for event in living.log.of(PlaybackStarted)), "it answers at once again"
    assert 1 <= said.count("I can't keep up right now, so I may miss what you say.") <= 3
    # Anybody may speak over either: a failure that was heard to its end is taken back by a recovery that is begun.
    finished = living.log.of(PlaybackFinished)
    told = [event.turn_id for event in finished if event.completed and "can't keep up" in event.text]
    taken_back = [event.turn_id for event in living.log.of(ReplyChunk) if event.text == "I can keep up again."]
    assert taken_back[-1] > told[-1], (told, taken_back)
    assert len(taken_back) <= 3, "not whenever nobody speaks"
    assert len(living.heard) == len(living.log.of(SpeechEnded)) > 25, "nothing that reached it whole is lost"
    assert not living.failures("recognizer") and not living.failures("microphone")
    assert "too slow" in living.failures("overload")[0].error
    frames, tasks = zip(*kept, strict=True)
    assert max(frames) < FRAMES, frames
    assert max(tasks) <= TASKS, tasks
    assert max(slowness.streams) <= 2, "its process forgets what was answered"


def test_a_full_disk_costs_the_events_file_and_nothing_else(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    events = EventsFile(Path("/dev/full"), append=True)
    living.observers.append(events)
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)

    assert living.live(script)[0].startswith("It's")
    events.close()
    assert events.lost > 0
    assert [record.getMessage() for record in caplog.records if "Events are being lost" in record.getMessage()]


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_wall_clock_that_jumps_moves_no_timer_and_no_latency(living: Living, step: timedelta) -> None:
    class Jumping(LoopClock):
        def wall(self) -> datetime:
            now = datetime(2026, 3, 3, 17, 10).astimezone() + timedelta(seconds=self.monotonic_s())
            return now + step if self.monotonic_s() > 20.0 else now

    living.clock = Jumping()
    living.says("Hey Jarvis, set a timer for one minute.", TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(25.0)
        living.room.say(25.0)
        await until(70.0)

    said = living.live(script)
    hour = {timedelta(hours=1): "six", timedelta(hours=-1): "four"}[step]
    assert hour in said[1], "the time of day is the wall's"
    rang = [event for event in living.log.of(PlaybackFinished) if "timer is done" in event.text]
    assert len(rang) == 1
    assert 60.0 < living.log.of(PlaybackStarted)[2].at_s < 70.0, "a minute is a minute"
    assert all(event.at_s < 71.0 for event in living.log.of(TurnFinished))
