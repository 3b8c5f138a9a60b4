"""A recogniser's process as a transcriber uses it: every sample once, all anew after a death, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant import asr
from assistant.asr.loading import load_recognizer, recognizer_process
from assistant.asr.process import RecognizerProcess
from assistant.asr.transcriber import Transcriber
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.errors import ConfigError, StageError
from assistant.events import Utterance
from assistant.models.store import ModelStore
from tests.doubles.fated import HEARD, Fates

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
MODELS = ModelStore(Path("/nonexistent"))


@pytest.fixture(autouse=True)
def fates(leaves_nothing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fates]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("Fated", "Counting", "Crowded", "Streaming"):
        monkeypatch.setitem(asr.RECOGNIZERS, name, f"tests.doubles.fated:{name}")
    yield Fates(tmp_path / "fates", monkeypatch)


def with_process(
    backend: str, use: Callable[[Transcriber, RecognizerProcess], Awaitable[None]], timeout_s: float = WAIT_S
) -> None:
    async def run() -> None:
        config = Config.model_validate({"asr": {"backend": backend, "timeout_s": timeout_s}})
        process = recognizer_process(config, MODELS)
        assert process is not None
        transcriber = Transcriber(load_recognizer(config, MODELS, process), LoopClock(), config.asr)
        try:
            await use(transcriber, process)
        finally:
            transcriber.close()
            await process.close()
            await process.close()
        assert process.pid is None

    asyncio.run(asyncio.wait_for(run(), 2 * WAIT_S))


def said(seconds: float, started_at_s: float = 1.0) -> Utterance:
    samples = np.full(int(16_000 * seconds), 0.5, np.float32)
    return Utterance(started_at_s + seconds, samples, 16_000, started_at_s, started_at_s + seconds)


def kill(process: RecognizerProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: process.pid is None)


def test_the_event_loop_turns_while_it_recognises(fates: Fates) -> None:
    """It hangs, and is killed by what else the loop has to do; held, the loop would go on when it is given up."""
    fates.hearing("hang")

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        pid, recognizing = process.pid, asyncio.create_task(transcriber.recognize(said(1.0)))
        while not fates.count("hear"):  # noqa: ASYNC110 (another process counts)
            await asyncio.sleep(0.01)
        assert process.pid == pid, "the loop stood still"
        kill(process)
        assert (await recognizing).recognition.text == HEARD

    with_process("Fated", use)


def test_each_sample_goes_there_once_and_in_as_few_parts_as_there_are_questions() -> None:
    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        assert (await transcriber.recognize(said(1.0))).recognition.text == "16000 in 1"
        assert (await transcriber.recognize(said(1.0))).recognition.text == "16000 in 1"
        assert (await transcriber.recognize(said(2.5))).recognition.text == "40000 in 2"
        assert (await transcriber.recognize(said(60.0, 9.0))).recognition.text == "960000 in 1"

    with_process("Counting", use)


def test_it_keeps_no_utterance_that_is_over() -> None:
    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        for number in range(1, 6):
            heard = await transcriber.recognize(said(0.1, float(number)))
        assert heard.recognition.text == "1 utterances"

    with_process("Crowded", use)


@pytest.mark.parametrize(
    ("fate", "timeout_s"), [("SIGKILL", 600.0), ("SIGSEGV", 600.0), ("hang", 600.0), ("spin", 3.0)]
)
def test_what_a_process_died_or_hung_on_is_recognised_by_the_next(fates: Fates, fate: str, timeout_s: float) -> None:
    """One that does nothing is found out long before its time is over."""
    fates.hearing(fate)

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        pid = process.pid
        assert (await transcriber.recognize(said(1.0))).recognition.text == HEARD
        assert process.pid != pid and fates.count("hear") == 2

    with_process("Fated", use, timeout_s=timeout_s)


def test_one_that_streams_hears_all_anew_when_its_process_was_replaced() -> None:
    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        assert [await transcriber.partial(said(0.2 * part)) for part in (1, 2)] == ["3200", "6400"]
        kill(process)
        assert [await transcriber.partial(said(0.2 * part)) for part in (3, 4)] == ["9600", "12800"]
        kill(process)
        assert (await transcriber.recognize(said(1.0))).recognition.text == "16000 in 1"

    with_process("Streaming", use)


def test_why_it_was_given_up_is_known_before_it_is(fates: Fates) -> None:
    """Whoever looks after it may find it dead before its asker hears why."""
    fates.hearing("spin")

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        request = {"kind": "hear", "stream": 1, "language": None, "wants": "result", "over_reply": False, "ended": []}
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(process.ask, request, b"", 1.0)
            wait_until(lambda: process.pid is None, every_s=0.0)
            assert "delivered nothing for 1 s" in process.failure.message
            with pytest.raises(StageError, match="delivered nothing"):
                asking.result()

    with_process("Fated", use)


def test_what_lies_in_the_current_folder_is_taken_for_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("queue", "numpy", "assistant"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('This is not the library.')")
    monkeypatch.chdir(tmp_path)

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        assert process.pid is not None and psutil.Process(process.pid).cwd() == str(tmp_path)
        assert (await transcriber.recognize(said(1.0))).recognition.text == HEARD

    with_process("Fated", use)


def test_it_can_be_closed_while_it_hangs(fates: Fates) -> None:
    fates.hearing("hang")

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        asking = asyncio.create_task(transcriber.recognize(said(1.0)))
        await until_it_is_asked(fates)
        await process.close()
        with pytest.raises(StageError):
            await asking

    with_process("Fated", use, timeout_s=600.0)


def test_one_that_hangs_for_an_assistant_that_has_ended_does_not_keep_the_next_one_waiting(fates: Fates) -> None:
    fates.hearing("hang")

    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        asking = asyncio.create_task(transcriber.recognize(said(1.0)))
        await until_it_is_asked(fates)
        asking.cancel()
        config = Config.model_validate({"asr": {"backend": "Fated"}})
        loop = asyncio.get_running_loop()
        recognizer = await loop.run_in_executor(None, load_recognizer, config, MODELS, process)
        stream = recognizer.open("en")
        assert stream.result().text == HEARD

    with_process("Fated", use, timeout_s=600.0)


def test_another_configuration_loads_no_network_that_is_loaded_and_no_other_process(fates: Fates) -> None:
    async def use(transcriber: Transcriber, process: RecognizerProcess) -> None:
        pid = process.pid
        for model, networks in (("whisper-base", 1), ("whisper-tiny.en", 2), ("whisper-tiny.en", 2)):
            config = Config.model_validate({"asr": {"backend": "Fated", "model": model, "beam_size": networks + 1}})
            load_recognizer(config, MODELS, process)
            assert fates.count("network") == networks
        with pytest.raises(ConfigError, match="nobody"):
            load_recognizer(
                config.model_copy(update={"asr": config.asr.model_copy(update={"backend": "nobody"})}), MODELS, process
            )
        load_recognizer(config, MODELS, process)
        assert fates.count("network") == 2 and process.pid == pid

    with_process("Fated", use)


def test_it_ends_with_its_parent_and_not_by_ctrl_c(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "import numpy as np\n"
        "from assistant import asr\n"
        "from assistant.asr.loading import load_recognizer, recognizer_process\n"
        "from assistant.config import Config\n"
        "from assistant.models.store import ModelStore\n"
        "asr.RECOGNIZERS['Fated'] = 'tests.doubles.fated:Fated'\n"
        "config, models = Config.model_validate({'asr': {'backend': 'Fated'}}), ModelStore()\n"
        "process = recognizer_process(config, models)\n"
        "load_recognizer(config, models, process)\n"
        "print(process.pid, flush=True)\n"
        "sys.stdin.readline()\n"
        "stream = load_recognizer(config, models, process).open('en')\n"
        "stream.accept(np.ones(16_000, np.float32))\n"
        "print(stream.result().text, process.pid, flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin and parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(child.pid, signal.SIGINT)
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        assert parent.stdout.readline().decode() == f"{HEARD} {child.pid}\n"
        parent.kill()
    # An orphan's zombie belongs to init, which need not exist in a container.
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


async def until_it_is_asked(fates: Fates) -> None:
    while not fates.count("hear"):  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], bool], every_s: float = 0.02) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(every_s)
