"""Where a sentence may be cut."""

from __future__ import annotations

import pytest

from assistant.tts.clauses import pieces


def test_the_first_piece_is_short_and_nothing_is_lost() -> None:
    sentence = "我看到一个杯子，旁边坐着一只猫，窗户外面有一棵树，树上有三只鸟，它们在唱歌。"
    found = pieces(sentence, 3, 80)
    assert found[0] == "我看到一个杯子，"
    assert "".join(found) == sentence
    assert len(found) == 3, "few breaks in the melody"


@pytest.mark.parametrize("text", ["你好，我是。", "3.5度。", "好。", "我看到桌子，猫。"])
def test_short_sentences_stay_whole(text: str) -> None:
    assert pieces(text, 3, 80) == [text]


def test_a_sentence_without_marks_is_cut_before_it_is_too_long_for_the_network() -> None:
    assert max(len(piece) for piece in pieces("我" * 500, 3, 80)) <= 160


@pytest.mark.parametrize("text", ["", "，", "  "])
def test_no_words_no_pieces(text: str) -> None:
    assert not any(any(c.isalnum() for c in piece) for piece in pieces(text, 3, 80))
