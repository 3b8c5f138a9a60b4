"""“Read this”: what is said, and that reading happens off the loop, on the newest picture, and only when asked."""

from __future__ import annotations

import gc
import sys
import threading
from weakref import WeakSet

import anyio
import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.clock import LoopClock
from assistant.config import Config, EmotionConfig, VisionConfig
from assistant.dialogue.respond import Responder
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import DependencyMissingError, StageError
from assistant.events import Box, SpeechStarted, StageFailed, Transcript, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import Intent, ReadText, TextLine
from assistant.senses import LiveSenses
from assistant.skills import Reply
from assistant.skills.reading import ReadingSkill
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.reading import Reading
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, skill_context
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces, flat_picture


def _ask(senses: GivenSenses, language: str = "en", *, now_s: float = 0.0) -> Reply:
    async def ask() -> Reply:
        clock = ManualClock()
        await clock.advance(now_s)
        skill = ReadingSkill(max_age_s=10.0)
        return await skill.handle(Intent("scene_read", {}, language, ""), skill_context(senses, clock=clock))

    return anyio.run(ask)


def test_it_reads_what_it_is_sure_of() -> None:
    sign = GivenSenses(written=[("PUSH TO OPEN", 0.98), ("Deliveries at rear", 0.99)])
    assert _ask(sign).text == "It says: PUSH TO OPEN, Deliveries at rear."
    assert _ask(sign, "zh").text == "上面写着：PUSH TO OPEN, Deliveries at rear。"
    assert _ask(GivenSenses(written=[("Really?", 1.0), ("Yes.", 1.0)])).text == "It says: Really? Yes."


def test_what_is_written_in_chinese_is_read_by_the_chinese_voice() -> None:
    sign = GivenSenses(written=[("小心地滑", 0.98), ("请勿吸烟", 0.97)])
    assert _ask(sign) == Reply("上面写着：小心地滑，请勿吸烟。", language="zh")
    assert _ask(sign, "zh") == Reply("上面写着：小心地滑，请勿吸烟。", language="zh")


def test_it_says_so_when_a_line_is_doubtful() -> None:
    assert _ask(GivenSenses(written=[("YAMAHA", 0.81)])).text == "I'm not sure, but I think it says: YAMAHA."
    assert _ask(GivenSenses(written=[("出口", 0.95), ("小心", 0.8)]), "zh").text.startswith("我看不太清楚，好像写着：")


def test_a_long_text_is_cut_at_a_line_and_says_so() -> None:
    page = GivenSenses(written=[(f"line {number} of a page that goes on", 0.99) for number in range(40)])
    text = _ask(page).text
    assert text.endswith("of a page that goes on. There is more.")
    assert len(text) < 300


def test_it_is_honest_where_it_cannot_read() -> None:
    assert _ask(GivenSenses()).text == "I don't see any text that I can read."
    assert _ask(GivenSenses(), "zh").text == "我没看到能看清的字。"
    assert "can't see" in _ask(GivenSenses(broken={"camera": "Gone."})).text
    absent = GivenSenses(written=DependencyMissingError("The text reader needs rapidocr."))
    assert "ocr, isn't installed" in _ask(absent).text
    assert "ocr 还没有安装" in _ask(absent, "zh").text


def test_why_it_could_not_be_read_is_told_as_of_any_skill_that_fails() -> None:
    async def main(asked: str, language: str) -> tuple[list[str], list[StageFailed]]:
        broken = GivenSenses(written=StageError("out of memory", remedy="Close something."))
        responder = Responder.create(Config(), ModelStore())
        answer = await responder.answer(Transcript(0.0, 1, asked, language, 0.9, True), skill_context(broken))
        said = [sentence async for sentence in answer.sentences]
        responder.close()
        return said, answer.failures

    said, failures = anyio.run(main, "read this", "en")
    assert said == ["Sorry, I couldn't read it."]
    assert anyio.run(main, "上面写着什么", "zh")[0] == ["抱歉，我没能读出来。"]
    assert [(failed.stage, failed.error, failed.remedy) for failed in failures] == [
        ("skill scene_read", "out of memory", "Close something.")
    ]


def test_what_took_long_to_read_is_told_with_its_age() -> None:
    senses = GivenSenses(written=[("Open", 1.0)], read_at_s=2.0)
    assert _ask(senses, now_s=32.0).text == "It says: Open. That was thirty seconds ago."


class NotedReader:
    """Reads how bright the picture is; remembers the thread."""

    languages = frozenset({"en"})
    threads: list[str]

    def __init__(self) -> None:
        self.threads = []

    def read(self, frame: VideoFrame) -> list[TextLine]:
        self.threads.append(threading.current_thread().name)
        return [TextLine(str(frame.pixels[0, 0, 0]), 1.0, Box(0, 0, 1, 1))]


def _senses(clock: LoopClock, reading: Reading) -> LiveSenses:
    """Before a camera whose picture gets brighter by one every second."""
    senses = LiveSenses(
        GroundedCaptioner(min_confidence=0.35, max_age_s=10.0),
        EmotionMonitor.create(Config(emotion=EmotionConfig(channels=())), ModelStore(), lambda _: None, 0.0),
        clock,
        StageReports(clock, lambda _: None),
        reading=reading,
    )
    camera = FakeCamera(clock, lambda now_s: flat_picture(int(now_s)))
    scene_reader = SceneReader(BrightnessDetector(), GivenFaces())
    senses.watcher = SceneWatcher(camera, scene_reader, VisionConfig(rate_hz=1.0, still_s=60.0), clock, lambda _: None)
    return senses


def test_the_newest_picture_is_read_on_a_thread_of_its_own_and_only_when_asked() -> None:
    reader = NotedReader()

    async def main() -> ReadText:
        clock = LoopClock()
        senses = _senses(clock, Reading(lambda: reader))
        async with anyio.create_task_group() as group:
            senses.attach(group)
            await clock.sleep_until(20.0)
            senses.on_event(SpeechStarted(20.0))
            await clock.sleep_until(40.5)
            assert reader.threads == []
            found = await senses.read()
            group.cancel_scope.cancel()
        senses.close()
        return found

    found = run_in_virtual_time(main)
    assert [line.text for line in found.lines] == ["40"]
    assert found.at_s == 40.5
    assert reader.threads == ["text reader"]


def test_the_networks_are_given_back_after_each_picture() -> None:
    readers: WeakSet[NotedReader] = WeakSet()

    def make() -> NotedReader:
        readers.add(reader := NotedReader())
        return reader

    async def main() -> None:
        reading = Reading(make)
        found = await reading.read(VideoFrame(0.0, flat_picture(7)))
        assert [line.text for line in found.lines] == ["7"]
        assert found.at_s == 0.0, "when the picture was taken"
        gc.collect()
        assert not readers
        reading.close()

    anyio.run(main)


def test_without_the_extra_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    monkeypatch.delitem(sys.modules, "assistant.vision.rapidocr_reader", raising=False)

    async def main() -> None:
        clock = LoopClock()
        senses = _senses(clock, Reading.create(Config(), ModelStore()))
        async with anyio.create_task_group() as group:
            senses.attach(group)
            await clock.sleep_until(1.0)
            with pytest.raises(DependencyMissingError, match=r"'\.\[ocr\]'.* --with ocr"):
                await senses.read()
            group.cancel_scope.cancel()
        senses.close()

    run_in_virtual_time(main)
