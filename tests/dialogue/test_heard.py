"""What was heard of a sentence that was broken off."""

import pytest

from assistant.dialogue.heard import heard_part

HELP = "I can tell you what I see, count people and things."


@pytest.mark.parametrize(
    ("text", "share", "heard"),
    [
        (HELP, 0.0, ""),
        (HELP, 0.01, ""),
        (HELP, 0.3, "I can tell you…"),
        (HELP, 0.52, "I can tell you what I see…"),
        (HELP, 0.97, "I can tell you what I see, count people and…"),
        (HELP, 0.99, HELP),
        (HELP, 1.0, HELP),
        ("我可以告诉你我看到了什么。", 0.5, "我可以告诉你…"),
        ("我看到了什么，数一数人。", 0.55, "我看到了什么…"),
        ("", 0.5, ""),
    ],
)
def test_it_ends_with_a_whole_word(text: str, share: float, heard: str) -> None:
    assert heard_part(text, share) == heard


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("Okay, one hundred and twenty-five minutes, starting now.", {"Okay…", "Okay, one hundred and twenty-five…"}),
        ("Okay, twenty five minutes, starting now.", {"Okay…", "Okay, twenty five…"}),
        ("好的，二十五分钟，现在开始计时。", {"好的…", "好的，二十五…"}),
        ("好的，125分钟，现在开始计时。", {"好的…", "好的，125…"}),
        ("我看到EXIT这个词。", {"我看到…", "我看到EXIT…"}),
    ],
)
def test_no_number_and_no_latin_word_is_cut(text: str, heard: set[str]) -> None:
    parts = {heard_part(text, share / 100) for share in range(100)}
    whole, longest = min(heard, key=len), max(heard, key=len)
    assert heard <= parts
    assert not [part for part in parts if len(whole) < len(part) < len(longest)]
