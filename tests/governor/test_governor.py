"""The governor on machines that were traced, in virtual time: what it takes, gives back and says."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import anyio

from assistant.caption.grounded import GroundedCaptioner
from assistant.clock import LoopClock
from assistant.config import Config, EmotionConfig, VisionConfig
from assistant.conversation.troubles import Troubles
from assistant.emotion.monitor import EmotionMonitor
from assistant.events import Event, Notice, ReplyChunk, StageFailed, StageRecovered
from assistant.governor.files import Files
from assistant.governor.governor import Governor
from assistant.governor.reading import Reading
from assistant.governor.savings import LiveSavings
from assistant.governor.sensors import Sensors
from assistant.models.store import ModelStore
from assistant.ports import Intent
from assistant.senses import LiveSenses
from assistant.skills.reading import ReadingSkill
from assistant.skills.scene import SceneSkill
from assistant.skills.scene_events import SceneEventsSkill
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.context import skill_context
from tests.doubles.machine import TracedMachine
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces, flat_picture


class Steps:
    """Notes what is taken and given back, in the loop's time."""

    def __init__(self) -> None:
        self.applied: list[tuple[float, int]] = []

    def apply(self, step: int) -> None:
        self.applied.append((anyio.current_time(), step))


class Voice:
    def __init__(self, muted: bool = False) -> None:
        self.muted = muted
        self.said: list[str] = []

    async def announce(self, text: str, language: str) -> None:
        await anyio.sleep(2.0)
        self.said.append(text)


class Run:
    """What came of a trace."""

    def __init__(self, root: Path, trace: str, until_s: float, *, language: str = "en", muted: bool = False) -> None:
        self.steps, self.voice = Steps(), Voice(muted)
        self.events: list[Event] = []
        self._machine = TracedMachine(root, trace)
        run_in_virtual_time(partial(self._main, until_s, language))

    async def _main(self, until_s: float, language: str) -> None:
        governor = Governor(Config(), LoopClock(), Sensors(Files(self._machine.root)))
        governor.on_event(ReplyChunk(0.0, 1, "…", language))
        async with anyio.create_task_group() as group:
            group.start_soon(governor.run, self.steps, self.voice, self.events.append)
            group.start_soon(self._machine.play)
            await anyio.sleep(until_s)
            self.status = governor.status()
            group.cancel_scope.cancel()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def test_a_board_that_gets_warm_looks_less_often_until_it_has_cooled_down(tmp_path: Path) -> None:
    run = Run(tmp_path, "orin-nano-warms-up", 800)
    taken = [step for _, step in run.steps.applied[:-1]]
    assert taken == [1, 2, 3, 2, 1, 0]
    first_at_s, cooled_at_s = run.steps.applied[0][0], run.steps.applied[3][0]
    assert 110 <= first_at_s <= 125
    assert cooled_at_s >= 280 + 60  # it is below 75 °C for a minute
    assert next(event.text for event in run.of(Notice)).startswith("Saving, looking less often: 8")
    assert run.voice.said == [
        "It's getting warm, so I'm looking less often.",
        "It's getting warm, so I'm not looking for a while.",
        "I can see again.",
    ]
    assert run.status.startswith("nothing (")


def test_sight_that_is_off_is_told_like_every_failure_and_its_end_too(tmp_path: Path) -> None:
    run = Run(tmp_path, "orin-nano-warms-up", 800)
    [failed], [recovered] = run.of(StageFailed), run.of(StageRecovered)
    assert isinstance(failed, StageFailed)
    assert "°C at tj-thermal" in failed.error
    assert failed.remedy
    assert failed.at_s < recovered.at_s


def test_without_sight_every_skill_that_needs_it_says_so(tmp_path: Path) -> None:
    """The governor, its savings, the senses and the skills as they are wired in the assistant."""

    async def main() -> dict[str, str]:
        clock, machine, troubles = LoopClock(), TracedMachine(tmp_path, "orin-nano-warms-up"), Troubles()
        emotions = EmotionMonitor.create(Config(emotion=EmotionConfig(channels=())), ModelStore(), print, 0.0)
        captioner, stages = GroundedCaptioner(min_confidence=0.35, max_age_s=10.0), StageReports(clock, print)
        senses = LiveSenses(captioner, emotions, clock, stages, troubles.now)
        camera = FakeCamera(clock, lambda now_s: flat_picture(200))
        reader = SceneReader(BrightnessDetector(), GivenFaces())
        senses.watcher = SceneWatcher(camera, reader, VisionConfig(), clock, troubles.on_event)
        governor = Governor(Config(), clock, Sensors(Files(machine.root)))
        async with anyio.create_task_group() as group:
            senses.attach(group)
            group.start_soon(governor.run, LiveSavings(senses, 0.2), Voice(), troubles.on_event)
            group.start_soon(machine.play)
            await anyio.sleep(250.0)
            assert governor.step == 3
            context = skill_context(senses, clock=clock)
            answers = {}
            scene = SceneSkill(min_confidence=0.35, max_age_s=10.0)
            for skill in (scene, SceneEventsSkill(), ReadingSkill(max_age_s=10.0)):
                for name in sorted(skill.intents - {"scene_unwatch"}):
                    for language in ("en", "zh"):
                        reply = await skill.handle(Intent(name, {"object": "dog"}, language, ""), context)
                        answers[f"{name} {language}"] = reply.text
            group.cancel_scope.cancel()
        return answers

    answers = run_in_virtual_time(main)
    english = {text for name, text in answers.items() if name.endswith("en")}
    assert english == {"I've stopped looking for a while, so that the machine can recover."}
    assert {text for name, text in answers.items() if name.endswith("zh")} == {"为了让机器缓一缓，我暂时不看了。"}


def test_it_speaks_the_language_of_the_conversation(tmp_path: Path) -> None:
    assert Run(tmp_path, "orin-nano-warms-up", 150, language="zh").voice.said == ["我有点热，所以会看得少一些。"]


def test_a_muted_assistant_saves_in_silence(tmp_path: Path) -> None:
    run = Run(tmp_path, "orin-nano-warms-up", 800, muted=True)
    assert run.voice.said == []
    assert run.of(Notice)


def test_a_service_that_fills_its_memory_limit_saves_before_the_kernel_kills_it(tmp_path: Path) -> None:
    run = Run(tmp_path, "service-fills-its-limit", 400)
    assert [step for _, step in run.steps.applied[:3]] == [1, 2, 3]
    assert run.steps.applied[2][0] < 100
    assert run.steps.applied[-2][1] == 0
    assert run.voice.said[0] == "I'm running out of memory, so I'm looking less often."


def test_a_weak_supply_and_an_empty_battery_are_noticed(tmp_path: Path) -> None:
    weak = Run(tmp_path / "board", "orin-nano-weak-supply", 100)
    assert weak.steps.applied[0][1] == 1
    assert weak.voice.said == ["I'm short of power, so I'm looking less often."]
    empty = Run(tmp_path / "laptop", "laptop-runs-down", 1000)
    assert empty.steps.applied[0][1] == 1
    assert "battery at 15%" in empty.of(Notice)[0].text
    assert empty.steps.applied[-2][1] == 0  # it is charged again


def test_what_a_sensor_said_before_it_hung_is_not_told_as_now() -> None:
    class Stuck(Sensors):
        readings = iter([Reading(battery=0.9)])

        def read(self) -> Reading:
            if (reading := next(self.readings, None)) is None:
                raise OSError("the bus is stuck")
            return reading

    async def main() -> list[tuple[Reading, str]]:
        governor, told = Governor(Config(), LoopClock(), Stuck()), []
        every_s = Config().governor.every_s
        async with anyio.create_task_group() as group:
            group.start_soon(governor.run, Steps(), Voice(), list[Event]().append)
            for _ in range(2):
                await anyio.sleep(1.2 * every_s)
                told.append((governor.reading, governor.status()))
            group.cancel_scope.cancel()
        return told

    assert run_in_virtual_time(main) == [
        (Reading(battery=0.9), "nothing (battery at 90%)"),
        (Reading(), "nothing (nothing measured)"),
    ]


def test_when_it_ends_everything_is_given_back(tmp_path: Path) -> None:
    run = Run(tmp_path, "orin-nano-warms-up", 200)
    assert [step for _, step in run.steps.applied][-2:] == [3, 0]
