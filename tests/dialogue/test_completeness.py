import pytest

from assistant.dialogue.completeness import is_unfinished


@pytest.mark.parametrize(
    "text",
    [
        "turn on the",
        "what time is it and",
        "I want to, um...",
        "set a timer for",
        "Well,",
        "我想",
        "你看到了，然后",
        "请帮我",
        "嗯",
        "帮我设一个",
        "打开灯，",
        "苹果、",
        "你看到了，然后。",
        "我想……",
        "Tell me, I'm",
        "Well, can you",
        "我想知道。",
        "请问，",
    ],
)
def test_words_that_call_for_more(text):
    assert is_unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "What time is it?",
        "Stop.",
        "Set a timer for five minutes.",
        "你看到了什么？",
        "现在几点了",
        "I like that band",
        "有人进来的时候告诉我",
    ],
)
def test_words_that_may_be_all(text):
    assert not is_unfinished(text)
