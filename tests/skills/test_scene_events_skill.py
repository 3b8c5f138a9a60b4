"""Asking what happened, and being told when something happens."""

from __future__ import annotations

import anyio
import pytest

from assistant.events import SceneChange, SceneChangeKind, SceneState
from assistant.ports import Intent
from assistant.skills.scene_events import SceneEventsSkill
from tests.doubles.clock import ManualClock
from tests.doubles.context import GivenSenses, RecordedControls, skill_context

_HISTORY = [
    SceneChange(5.0, "came", "person", 0.8, 1),
    SceneChange(20.0, "appeared", "cup", 0.7, 2),
    SceneChange(50.0, "left", "person", 0.8, 1),
    SceneChange(95.0, "dark", "room", 1.0),
]


def _ask(intent: str, language: str = "en", senses: GivenSenses | None = None, **slots: str) -> str:
    async def ask() -> str:
        clock = ManualClock()
        await clock.advance(100.0)
        context = skill_context(senses or GivenSenses(changes=list(_HISTORY)), clock=clock)
        return (await SceneEventsSkill().handle(Intent(intent, slots, language, ""), context)).text

    return anyio.run(ask)


def test_what_changed_is_told_with_its_age_the_newest_three() -> None:
    english = (
        "One minute and twenty seconds ago, a cup appeared; fifty seconds ago, someone left; just now, it got dark."
    )
    assert _ask("scene_changed") == english
    assert _ask("scene_changed", "zh").endswith("五十秒前，有人走了；刚才，变暗了。")


def test_whether_someone_came() -> None:
    assert "someone came" in _ask("scene_came")
    assert "有人来了" in _ask("scene_came", "zh")
    assert _ask("scene_came") == "Yes, one minute and thirty-five seconds ago, someone came."


def test_the_newest_arrival_is_told_however_old_it_is() -> None:
    long_ago = GivenSenses(changes=[SceneChange(-7100.0, "came", "person", 0.8, 1, None, "Anna", True)])
    assert _ask("scene_came", senses=long_ago) == "The last arrival I noticed: two hours ago, Anna came."
    assert _ask("scene_came", "zh", long_ago) == "我最近一次注意到的是：两小时前，Anna来了。"
    assert _ask("scene_changed", senses=long_ago) == "Two hours ago, Anna came."


def test_nothing_is_denied_of_the_time_in_which_it_did_not_look() -> None:
    began = GivenSenses(looks_since_s=90.0)
    assert _ask("scene_came", senses=began) == "I haven't seen anyone come since I began to look, ten seconds ago."
    assert _ask("scene_came", "zh", began) == "我从十秒前开始看，到现在没看到有人来。"
    assert _ask("scene_changed", senses=began) == "I haven't noticed any change since I began to look, ten seconds ago."
    assert _ask("scene_changed", "zh", began) == "我从十秒前开始看，到现在没注意到有什么变化。"
    dark = GivenSenses(SceneState(100.0, (), (), tracks=(), dark=True), looks_since_s=None)
    assert _ask("scene_came", senses=dark) == "It's too dark to see anything."
    assert "haven't seen anything yet" in _ask("scene_changed", senses=GivenSenses(looks_since_s=None))


@pytest.mark.parametrize("intent", ["scene_changed", "scene_came", "scene_watch"])
def test_blind_it_says_so(intent: str) -> None:
    assert "can't see" in _ask(intent, senses=GivenSenses(broken={"camera": "Gone."}))


def test_poses_that_cannot_be_seen_are_not_promised() -> None:
    blind = GivenSenses(blind_to=frozenset({"lying"}))
    assert "isn't installed" in _ask("scene_watch", senses=blind, event="lying")
    assert _ask("scene_watch", senses=blind, event="came") == "Okay, I'll tell you when someone comes."


def test_unknown_things_are_not_watched_for() -> None:
    answer = _ask("scene_watch", event="appeared", object="unicorn")
    assert answer == "I don't know what a unicorn looks like, so I can't tell."


@pytest.mark.parametrize(
    ("language", "slots", "promise", "change", "said"),
    [
        ("en", {"event": "came"}, "Okay, I'll tell you when someone comes.", ("came", "person"), "Someone came."),
        ("zh", {"event": "came"}, "好的，有人来的时候我告诉你。", ("came", "person"), "有人来了。"),
        (
            "en",
            {"event": "appeared", "object": "dog"},
            "Okay, I'll tell you when I see a dog.",
            ("appeared", "dog"),
            "A dog appeared.",
        ),
        ("zh", {"event": "lying"}, "好的，有人躺在地上的时候我告诉你。", ("lying", "person"), "有人躺下了。"),
    ],
)
def test_it_tells_when_it_happens_and_only_that(
    language: str, slots: dict[str, str], promise: str, change: tuple[str, str], said: str
) -> None:
    async def script() -> tuple[str, list[tuple[str, str]]]:
        senses, skill = GivenSenses(changes=list(_HISTORY)), SceneEventsSkill()
        async with anyio.create_task_group() as group:
            controls = RecordedControls(group)
            context = skill_context(senses, controls)
            reply = await skill.handle(Intent("scene_watch", slots, language, ""), context)
            await anyio.sleep(0.03)
            kind, subject = change
            senses.changes.append(SceneChange(101.0, "moved", "chair", 0.7, 8))
            senses.changes.append(SceneChange(101.0, kind, subject, 0.7, 9))  # type: ignore[arg-type]
            for _ in range(500):
                await anyio.sleep(0.01)
                if controls.announced:
                    break
            group.cancel_scope.cancel()
        return reply.text, controls.announced

    assert anyio.run(script) == (promise, [(said, language)])


def test_it_can_be_told_to_stop() -> None:
    async def script() -> list[str]:
        skill = SceneEventsSkill()
        context = skill_context(GivenSenses(), RecordedControls())
        intents = ["scene_unwatch", "scene_watch", "scene_watch", "scene_unwatch", "scene_watch"]
        return [(await skill.handle(Intent(name, {"event": "came"}, "en", ""), context)).text for name in intents]

    promise = "Okay, I'll tell you when someone comes."
    assert anyio.run(script) == [
        "I'm not watching for anything.",
        promise,
        "I'm already watching for that.",
        "Okay, I won't tell you any more.",
        promise,
    ]


def _watched_for(sentence_slots: dict[str, str], happening: list[SceneChange], language: str = "en") -> list[str]:
    """What is answered, and then said of what happens; Anna and 小明 have been introduced."""

    async def main() -> list[str]:
        senses = GivenSenses()
        skill = SceneEventsSkill(lambda: ["Anna", "小明"])
        async with anyio.create_task_group() as group:
            controls = RecordedControls(group)
            intent = Intent("scene_watch", sentence_slots, language, "")
            answer = (await skill.handle(intent, skill_context(senses, controls))).text
            await anyio.sleep(0.02)
            senses.changes += happening
            await anyio.sleep(0.05)
            group.cancel_scope.cancel()
        return [answer, *(text for text, _ in controls.announced)]

    return anyio.run(main)


def _came(name: str = "", *, sure: bool = True, kind: SceneChangeKind = "came") -> SceneChange:
    return SceneChange(0.0, kind, "person", 0.9, 1, None, name, sure)


def test_it_tells_when_someone_with_a_name_comes_and_nobody_else() -> None:
    happening = [_came("Bob"), _came("Anna"), _came("Anna", sure=False), _came(), _came("Anna", kind="left")]
    assert _watched_for({"event": "came", "person": "anna"}, happening) == [
        "Okay, I'll tell you when Anna comes.",
        "Anna came.",
        "I think Anna came.",
        "Someone came. I can't tell whether it was Anna.",
    ]
    assert _watched_for({"event": "left", "person": "小明"}, [_came("小明", kind="left")], "zh") == [
        "好的，小明离开的时候我告诉你。",
        "小明走了。",
    ]


def test_a_name_is_understood_by_its_sound() -> None:
    assert _watched_for({"event": "came", "person": "晓明"}, [], "zh") == ["好的，小明来的时候我告诉你。"]
    assert _watched_for({"event": "came", "person": "anah"}, []) == ["I don't know anyone by the name of anah."]
    assert _watched_for({"event": "came", "person": "老王"}, [], "zh") == ["我不认识叫老王的人。"]


def test_things_are_no_people() -> None:
    dog = SceneChange(0.0, "appeared", "dog", 0.9)
    assert _watched_for({"event": "came", "person": "the dog"}, [dog])[1:] == ["A dog appeared."]
    assert _watched_for({"event": "came", "person": "狗"}, [dog], "zh")[1:] == ["出现了一只狗。"]
    [answer] = _watched_for({"event": "came", "person": "the package"}, [])
    assert answer == "I don't know what a package looks like, so I can't tell."


def test_whoever_watches_for_anyone_hears_names_too() -> None:
    assert _watched_for({"event": "came"}, [_came("Anna"), _came()])[1:] == ["Anna came.", "Someone came."]
    assert _watched_for({"event": "came"}, [_came("Anna", sure=False)], "zh")[1:] == ["好像Anna来了。"]
