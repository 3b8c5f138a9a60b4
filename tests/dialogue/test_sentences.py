"""Cutting text into sentences, as early as possible and never inside one."""

from __future__ import annotations

import pytest

from assistant.dialogue.sentences import SentenceSplitter, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello! What can I do for you?", ["Hello!", "What can I do for you?"]),
        ("It is 3.5 metres. Dr. Who says so.", ["It is 3.5 metres.", "Dr. Who says so."]),
        ("See e.g. J. Smith. And me.", ["See e.g. J. Smith.", "And me."]),
        ("So am I. Really?! Yes...", ["So am I.", "Really?!", "Yes..."]),
        ('He said "stop." Then he left', ['He said "stop."', "Then he left"]),
        ("你好！我看到两个人。你呢？", ["你好！", "我看到两个人。", "你呢？"]),
        ("他说：“停下！”然后走了。", ["他说：“停下！”", "然后走了。"]),
        ("好的；五分钟", ["好的；", "五分钟"]),
        ("现在是3.5度。OK. 好", ["现在是3.5度。", "OK.", "好"]),
        ("one line\nanother", ["one line", "another"]),
        ("", []),
        (" … !", []),
    ],
)
def test_text_is_cut_at_the_ends_of_its_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize(
    "text", ["It is 3.5 metres. Dr. Who says so! Yes.", "他说：“停下！”然后走了。好。", "A.\nB? “C.” D"]
)
def test_pieces_of_any_size_give_the_same_sentences(text: str) -> None:
    for size in range(1, len(text)):
        splitter = SentenceSplitter()
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        streamed = [sentence for piece in pieces for sentence in splitter.feed(piece)]
        assert [*streamed, *splitter.flush()] == split_sentences(text)


def test_a_sentence_is_given_as_soon_as_its_end_is_certain() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("我看到一只狗。") == ["我看到一只狗。"]
    assert splitter.feed("It is 3.") == []
    assert splitter.feed("5 metres. And") == ["It is 3.5 metres."]
    assert splitter.flush() == ["And"]
    assert splitter.flush() == []
