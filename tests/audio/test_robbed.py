"""The live assistant on real PortAudio loses its sound server, or its microphone alone, in the middle of something."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path

import anyio
import psutil
import pytest

from assistant.audio import echo_memory, microphone
from assistant.audio.echo_memory import EchoMemory
from assistant.audio.listener import Listener
from assistant.audio.microphone import Microphone
from assistant.audio.speaker import Speaker
from assistant.clock import LoopClock
from assistant.common import Common
from assistant.config import Config
from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from assistant.events import StageFailed, StageRecovered
from assistant.models.store import ModelStore
from bench.virtual_sound import VirtualSound
from tests.doubles.command import Running, wait_until
from tests.doubles.conversation import EventLog
from tests.doubles.events_file import events_of, lost_frames, of_turns, say_until
from tests.doubles.house import until_it_is
from tests.doubles.live_sound import EVENTS, HELP, SOCKET, TIME, recording, replies
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]
_MID_WORD_S = 1.3
"""Of "Hey Jarvis, what time is it?" in the person's voice."""


@contextmanager
def mid_word(sound: VirtualSound, words: Path) -> Iterator[None]:
    """Inside, somebody is in the middle of these words, and has said them at the end."""

    def speak() -> None:
        with suppress(subprocess.CalledProcessError):  # the server may go meanwhile
            sound.speak(words)

    speaking = threading.Thread(target=speak)
    with recording(sound, "mic") as microphone:
        since_s = time.monotonic()
        speaking.start()
        wait_until(lambda: len(microphone.loud_at(since_s)) > 100 * _MID_WORD_S, "Somebody speaks")
    try:
        yield
    finally:
        speaking.join()


def understood(folder: Path) -> list[str]:
    """What was said to it."""
    return [event["text"] for event in of_turns(folder / EVENTS, "Transcript") if event["is_final"]]


def hears(socket: Path) -> bool:
    """Whether sound comes through its microphone now."""
    return ask_at([socket], Status(), StatusResult, timeout_s=60).health.hears


async def _listen(listener: Listener) -> None:
    async with aclosing(listener.events()) as events:
        async for _ in events:
            pass


def test_a_reply_that_loses_the_sound_server_is_cut_and_the_next_is_heard(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    with recording(sound) as speaker:
        since_s = time.monotonic()
        sound.speak(spoken(HELP))
        wait_until(lambda: len(speaker.loud_at(since_s)) > 50, "The long reply plays")
        sound.stop()
    wait_until(lambda: replies(tmp_path), "The reply is given up")
    [cut] = replies(tmp_path)
    assert cut["completed"] is False
    said, begun = str(cut["text"]), str(cut["begun"])
    assert said.endswith("…") and begun.startswith(said[:-1]), "no more is claimed than was said"
    assert "speaker" in {event["stage"] for event in events_of(tmp_path / EVENTS, "StageFailed")}

    sound.start()
    live.wait_for("microphone: works again")
    live.wait_for("speaker: works again")
    with recording(sound) as speaker:
        say_until(
            lambda: len(replies(tmp_path)) > 1, "It answers", lambda: sound.speak(spoken(TIME)), tmp_path / SOCKET
        )
        assert speaker.loud_at(of_turns(tmp_path / EVENTS, "PlaybackStarted")[-1]["at_s"])
    assert replies(tmp_path)[-1]["completed"] is True
    assert live.alive and "Traceback" not in live.output


def test_what_is_said_until_the_microphone_or_the_sound_server_goes_is_understood(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    def without_the_microphone() -> None:
        with mid_word(sound, spoken(TIME)):
            sound.pull_microphone()
        sound.plug_microphone()

    def without_the_server() -> None:
        with mid_word(sound, spoken(TIME)):
            sound.stop()
        sound.start()

    for rob in (without_the_microphone, without_the_server):
        before, lost = len(understood(tmp_path)), lost_frames(tmp_path / SOCKET)
        say_until(lambda before=before: len(understood(tmp_path)) > before, "It understands", rob, tmp_path / SOCKET)
        assert "what" in understood(tmp_path)[-1].lower() or lost_frames(tmp_path / SOCKET) > lost
        wait_until(lambda: hears(tmp_path / SOCKET), "It hears again")
    assert live.alive and "Traceback" not in live.output


def is_subscribed() -> bool:
    """Whether a child of this process waits for what the sound server tells by itself."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "subscribe" in child.cmdline():
                return True
    return False


def test_what_the_sound_server_puts_in_the_place_of_a_device_is_noticed_when_it_says_so(
    devices: None, sound: VirtualSound, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody looks in the time of the test."""
    for module in (microphone, echo_memory):
        monkeypatch.setattr(module, "_LOOK_EVERY_S", 3600.0)
    log = EventLog()

    async def main() -> None:
        config = Config.model_validate({"vad": {"backend": "energy"}})
        common, source = Common.create(config, LoopClock(), log.on_event), Microphone(config.audio)
        echoes = EchoMemory(tmp_path, source, Speaker(config.audio))
        listener = Listener.create(common, ModelStore(), source, streaming=False, echoes=echoes)

        async with anyio.create_task_group() as group:
            group.start_soon(_listen, listener)
            group.start_soon(echoes.run)
            await until_it_is(lambda: listener.hearing.proven)
            for sink in ("mic", "speaker") * 5:  # on a busy machine nobody may listen yet to what the server tells
                sound.choose_speaker(sink)
                with anyio.move_on_after(6.0):
                    await until_it_is(lambda: echoes.guard.forgotten > 0)
                    break
            assert echoes.guard.forgotten, "the way to another speaker is another"

            sound.pull_microphone()
            await until_it_is(lambda: "no microphone" in listener.hearing.state()[1])
            sound.plug_microphone()
            await until_it_is(lambda: listener.hearing.state()[0])

            await until_it_is(is_subscribed)
            await listener.pause()
            await until_it_is(lambda: not is_subscribed())
            group.cancel_scope.cancel()
        await source.close()

    try:
        anyio.run(main)
    finally:
        sound.choose_speaker("speaker")
    for kind in (StageFailed, StageRecovered):
        assert "microphone" in {event.stage for event in log.of(kind)}, "it is told"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # with which the library lets it go
def test_a_failure_in_the_callback_of_the_microphone_is_told_and_it_hears_again(
    devices: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PortAudio stops for good after it, without a word to whoever waits for sound."""
    log = EventLog()

    def fail_once(*_: object) -> None:
        monkeypatch.undo()
        raise MemoryError("There is no room for a block.")

    async def main() -> None:
        config = Config.model_validate({"vad": {"backend": "energy"}})
        common, microphone = Common.create(config, LoopClock(), log.on_event), Microphone(config.audio)
        listener = Listener.create(common, ModelStore(), microphone, streaming=False)

        async with anyio.create_task_group() as group:
            group.start_soon(_listen, listener)
            await until_it_is(lambda: listener.hearing.proven)
            log.events.clear()
            monkeypatch.setattr("assistant.audio.microphone.AudioFrame", fail_once)
            await until_it_is(lambda: bool(log.of(StageRecovered)))
            group.cancel_scope.cancel()
        await microphone.close()

    anyio.run(main)
    assert {event.stage for event in log.of(StageFailed)} == {"microphone"}
    assert {event.stage for event in log.of(StageRecovered)} == {"microphone"}
