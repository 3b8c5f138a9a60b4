"""What people ask about the scene, and what it means."""

from __future__ import annotations

import pytest

from assistant.config import Config
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.models.store import ModelStore


@pytest.fixture(scope="module")
def interpreter() -> HassilInterpreter:
    return HassilInterpreter.create(Config(), ModelStore())


CASES = [
    ("What is to the left of the cup?", "scene_beside", {"object": "cup", "side": "left"}),
    ("What's on the table?", "scene_beside", {"object": "table", "side": "on"}),
    ("Is there anything under the table?", "scene_beside", {"object": "table", "side": "under"}),
    ("What is next to the laptop?", "scene_beside", {"object": "laptop", "side": "next"}),
    ("What color is the cup?", "scene_color", {"object": "cup"}),
    ("What colour is my flux capacitor?", "scene_color", {"object": "flux capacitor"}),
    ("Is there a flux capacitor here?", "scene_exists", {"object": "flux capacitor"}),
    ("Who is there?", "scene_who", {}),
    ("Who am I?", "scene_who", {}),
    ("Can you read this to me?", "scene_read", {}),
    ("What does it say?", "scene_read", {}),
    ("Read me the label.", "scene_read", {}),
    ("Red the sign.", "scene_read", {}),  # as a recogniser may spell it
    ("Did anyone come while I was away?", "scene_came", {}),
    ("Has anyone been here?", "scene_came", {}),
    ("What changed?", "scene_changed", {}),
    ("What happened while I was away?", "scene_changed", {}),
    ("Tell me when someone comes in.", "scene_watch", {"event": "came"}),
    ("Let me know if someone enters the room.", "scene_watch", {"event": "came"}),
    ("Tell me when you see a dog.", "scene_watch", {"event": "appeared", "object": "dog"}),
    ("Tell me if someone falls down.", "scene_watch", {"event": "lying"}),
    ("Tell me when someone raises a hand.", "scene_watch", {"event": "hand_raised"}),
    ("Tell me when it gets dark.", "scene_watch", {"event": "dark"}),
    ("Tell me when the cup disappears.", "scene_watch", {"event": "vanished", "object": "cup"}),
    ("Stop telling me.", "scene_unwatch", {}),
    ("杯子左边有什么？", "scene_beside", {"object": "杯子", "side": "left"}),
    ("桌子上有什么？", "scene_beside", {"object": "桌子", "side": "on"}),
    ("杯子是什么颜色的？", "scene_color", {"object": "杯子"}),
    ("谁在那里？", "scene_who", {}),
    ("你认识我吗？", "scene_who", {}),
    ("读一下这个。", "scene_read", {}),
    ("帮我读一下。", "scene_read", {}),
    ("念给我听。", "scene_read", {}),
    ("上面写着什么？", "scene_read", {}),
    ("我不在的时候有人来过吗？", "scene_came", {}),
    ("有什么变化吗？", "scene_changed", {}),
    ("刚才发生了什么？", "scene_changed", {}),
    ("Tell me when Anna comes home.", "scene_watch", {"event": "came", "person": "anna"}),
    ("Let me know when Anna leaves.", "scene_watch", {"event": "left", "person": "anna"}),
    ("Tell me when the dog comes in.", "scene_watch", {"event": "appeared", "object": "dog"}),
    ("有人进来的时候告诉我。", "scene_watch", {"event": "came"}),
    ("如果有人进来就通知我。", "scene_watch", {"event": "came"}),
    ("有人摔倒的时候提醒我。", "scene_watch", {"event": "lying"}),
    ("安娜来的时候告诉我。", "scene_watch", {"event": "came", "person": "安娜"}),
    ("等小明走了告诉我。", "scene_watch", {"event": "left", "person": "小明"}),
    ("看到狗的时候告诉我。", "scene_watch", {"event": "appeared", "object": "狗"}),
    ("别再通知我了。", "scene_unwatch", {}),
    ("有没有人？", "scene_exists", {"object": "人"}),
    ("Is there a cat on the sofa?", "scene_exists", {"object": "cat", "surface": "sofa"}),
    ("Is the cat on the couch?", "scene_exists", {"object": "the cat", "surface": "couch"}),
    ("Do you see a book on my desk?", "scene_exists", {"object": "book", "surface": "desk"}),
    ("How many cups can you see on the table?", "scene_count", {"object": "cups", "surface": "table"}),
    ("Count the cups on the table.", "scene_count", {"object": "cups", "surface": "table"}),
    ("What do you see on the table?", "scene_beside", {"object": "table", "side": "on"}),
    ("Is there anyone outside?", "scene_exists", {"object": "person", "elsewhere": "true"}),
    ("Is anyone in the kitchen?", "scene_exists", {"object": "person", "elsewhere": "true"}),
    ("Is anybody behind me?", "scene_exists", {"object": "person", "elsewhere": "true"}),
    ("Is there a dog on the floor?", "scene_exists", {"object": "dog", "elsewhere": "true"}),
    ("How many cars are parked outside?", "scene_count", {"object": "cars", "elsewhere": "true"}),
    ("Is there anyone in the room with me?", "scene_exists", {"object": "person"}),
    ("沙发上有没有猫？", "scene_exists", {"object": "猫", "surface": "沙发"}),
    ("猫在沙发上吗？", "scene_exists", {"object": "猫", "surface": "沙发"}),
    ("你看到沙发上有猫吗？", "scene_exists", {"object": "猫", "surface": "沙发"}),
    ("桌子上有几个杯子？", "scene_count", {"object": "杯子", "surface": "桌子"}),
    ("数一数桌子上有几个杯子。", "scene_count", {"object": "杯子", "surface": "桌子"}),
    ("外面有人吗？", "scene_exists", {"object": "人", "elsewhere": "true"}),
    ("厨房里有没有人？", "scene_exists", {"object": "人", "elsewhere": "true"}),
    ("我身后有人吗？", "scene_exists", {"object": "人", "elsewhere": "true"}),
    ("地上有没有狗？", "scene_exists", {"object": "狗", "elsewhere": "true"}),
    ("房间里有人吗？", "scene_exists", {"object": "人"}),
    ("Am I alone?", "scene_count", {"object": "person"}),
    ("我是一个人吗？", "scene_count", {"object": "人"}),
    ("Who is at the door?", "scene_who", {"elsewhere": "true"}),
    ("Who is on the sofa?", "scene_who", {"surface": "sofa"}),
    ("谁在门口？", "scene_who", {"elsewhere": "true"}),
    ("沙发上的人是谁？", "scene_who", {"surface": "沙发"}),
    ("Who was at the door?", "scene_seen", {"object": "person", "elsewhere": "true"}),
    ("Did anyone come to the door while I was out?", "scene_seen", {"object": "person", "elsewhere": "true"}),
    ("Was my cat here today?", "scene_seen", {"object": "my cat"}),
    ("今天你看到猫了吗？", "scene_seen", {"object": "猫"}),
    ("我的猫在床上吗？", "scene_exists", {"object": "猫", "surface": "床"}),
    ("你看到几只猫在沙发上？", "scene_count", {"object": "猫", "surface": "沙发"}),
    ("你看到有人吗？", "scene_exists", {"object": "人"}),
    ("房间里还有别人吗？", "scene_exists", {"object": "人"}),
    ("刚才谁来了？", "scene_came", {}),
    ("Was anyone at the door?", "scene_seen", {"object": "person", "elsewhere": "true"}),
    ("Have you seen my cat?", "scene_seen", {"object": "cat"}),
    ("Did you see a dog today?", "scene_seen", {"object": "dog"}),
    ("Was there a dog in the garden?", "scene_seen", {"object": "dog", "elsewhere": "true"}),
    ("Did anyone come today?", "scene_came", {}),
    ("你见过我的猫吗？", "scene_seen", {"object": "猫"}),
    ("刚才有猫吗？", "scene_seen", {"object": "猫"}),
    ("刚才门口有人吗？", "scene_seen", {"object": "人", "elsewhere": "true"}),
    ("门口有人来过吗？", "scene_seen", {"object": "人", "elsewhere": "true"}),
    ("今天有人来过吗？", "scene_came", {}),
]


@pytest.mark.parametrize(("text", "intent", "slots"), CASES)
def test_meaning(interpreter: HassilInterpreter, text: str, intent: str, slots: dict[str, str]) -> None:
    found = interpreter.interpret(text, "en")
    assert found is not None
    assert (found.name, dict(found.slots)) == (intent, slots)
